//! shutdown(2), close(2), and the ends that nobody asked for (RFC 9293 sections 3.10.4 and 3.10.5, RFC 1122 section
//! 4.2.2.13).

use super::Tcp;
use super::ports::Use;
use super::socket::{Body, Conn, Fate, Owner, PortHold, Socket};
use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{Readiness, Shutdown, SocketId, TcpState};

/// Connections whose user has let go, beyond which one more is reset (tcp_max_orphans, tcp_too_many_orphans). Linux makes it of
/// the machine's memory, 131072 on one with 16 GB; here it bounds the memory of one program's closed connections.
pub(super) const MAX_ORPHANS: usize = 16 << 10;

impl Tcp {
    /// shutdown(2)
    pub(crate) fn shutdown(&mut self, now: Instant, id: SocketId, how: Shutdown) -> Result<()> {
        let (rd, wr) = (how != Shutdown::Write, how != Shutdown::Read);
        let sock = self.sock_mut(id)?;
        match &mut sock.body {
            Body::Closed => {
                sock.shut.0 |= rd;
                sock.shut.1 |= wr;
                return Err(Error::NotConnected);
            }
            Body::Listen(_) if !rd => return Ok(()),
            // Linux: a listener stops listening, an attempt to connect ends.
            Body::Listen(_) => {
                self.disconnect(now, id)?;
                return Ok(());
            }
            Body::Conn(conn) if conn.state == TcpState::SynSent => {
                self.disconnect(now, id)?;
                return Ok(());
            }
            Body::Conn(conn) if conn.state == TcpState::Closed => return Err(Error::NotConnected),
            Body::Conn(conn) => {
                if rd && !conn.shut_rd {
                    conn.shut_rd = true;
                    conn.raise(Readiness::IN | Readiness::RDHUP);
                }
                if wr && !conn.shut_wr {
                    conn.close_write();
                    conn.raise(Readiness::OUT);
                }
                if conn.shut_rd && conn.shut_wr {
                    conn.raise(Readiness::HUP);
                }
            }
        }
        self.settle(now, id.index);
        Ok(())
    }

    /// close(2): the id is invalid from here on. Unread data, or SO_LINGER with zero, makes it a reset (RFC
    /// 9293 section 3.6.1, RFC 1122 section 4.2.2.13); else what is queued is sent, then FIN.
    pub(crate) fn close(&mut self, now: Instant, id: SocketId) {
        if self.sock(id).is_err() {
            return;
        }
        let index = id.index;
        let Some(sock) = self.socks.get_mut(index) else { return };
        sock.owner = Owner::Orphan;
        let linger_zero = sock.opts.linger.is_some_and(|l| l.is_zero());
        let Body::Conn(conn) = &mut sock.body else {
            self.stop(now, index);
            self.free(index);
            return;
        };
        let unread = !conn.recvbuf.is_empty();
        match conn.state {
            TcpState::Closed => {
                self.free(index);
                return;
            }
            TcpState::SynSent => conn.die(None, false),
            _ if unread || linger_zero => conn.die(None, conn.needs_reset()),
            _ if self.orphans >= MAX_ORPHANS => {
                self.orphans_refused += 1;
                conn.die(None, true);
            }
            _ => {
                conn.shut_rd = true;
                conn.close_write();
                conn.keepalive_at = None;
                if conn.state == TcpState::FinWait2 {
                    match conn.fin_time(&sock.opts) {
                        Some(time) => conn.keepalive_at = Some(now + time),
                        // __tcp_close: no waiting, and the peer is told.
                        None => conn.die(None, true),
                    }
                }
                sock.counted_orphan = true;
                self.orphans += 1;
            }
        }
        self.settle(now, index);
    }

    /// RFC 9293 section 3.10.5, ABORT: a RST, and the socket is gone.
    pub(crate) fn abort(&mut self, now: Instant, id: SocketId) {
        if self.sock(id).is_err() {
            return;
        }
        if let Some(sock) = self.socks.get_mut(id.index) {
            sock.owner = Owner::Orphan;
        }
        self.stop(now, id.index);
        self.free(id.index);
    }

    /// Ends a connection with a RST where the peer needs one, and forgets it.
    pub(super) fn kill(&mut self, index: u32) {
        if let Some(sock) = self.socks.get_mut(index) {
            sock.owner = Owner::Orphan;
        }
        self.stop(Instant::ZERO, index);
        self.free(index);
    }

    /// Ends what the socket does, silently for its user: a listener's children are reset, a connection too.
    pub(super) fn stop(&mut self, now: Instant, index: u32) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        match &mut sock.body {
            Body::Closed => {}
            Body::Listen(listener) => {
                let children = std::mem::take(&mut listener.children);
                self.unlink_listener(index);
                let Some(sock) = self.socks.get_mut(index) else { return };
                sock.body = Body::Closed;
                if let PortHold::Explicit(claim) = sock.port {
                    let bound = (claim.0, Use::Bound);
                    sock.port = PortHold::Explicit(bound);
                    let _ = self.ports.update(claim, bound);
                }
                for child in children {
                    self.kill(child);
                }
            }
            Body::Conn(conn) => {
                if conn.state == TcpState::Closed {
                    return;
                }
                let rst = conn.needs_reset();
                let user = sock.owner;
                // Whoever calls frees or reuses the socket: `settle` must not.
                sock.owner = Owner::User;
                conn.die(None, rst);
                self.settle(now, index);
                if let Some(sock) = self.socks.get_mut(index) {
                    sock.owner = user;
                }
            }
        }
    }

    /// Resets every connection: the end of waiting for the last bytes at exit.
    pub(crate) fn abort_all(&mut self, now: Instant) {
        for index in self.all_connections() {
            if let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_mut(index) {
                let rst = conn.needs_reset();
                conn.die(Some(Error::ConnectionAborted), rst);
                self.settle(now, index);
            }
        }
    }

    /// The device is gone: every socket fails.
    pub(crate) fn device_gone(&mut self) {
        self.replies.clear();
        for index in self.all_connections() {
            if let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_mut(index) {
                conn.die(Some(Error::NetDown), false);
                self.settle(Instant::ZERO, index);
            }
        }
        let others: Vec<u32> = self.socks.iter().map(|(index, _, _)| index).collect();
        for index in others {
            if let Some(sock) = self.socks.get_mut(index) {
                sock.error = Some(Error::NetDown);
                sock.edges |= Readiness::ERR | Readiness::HUP | Readiness::IN | Readiness::OUT;
                self.flush_edges(index);
            }
        }
    }

    fn all_connections(&self) -> Vec<u32> {
        self.socks
            .iter()
            .filter(|(_, _, s)| matches!(&s.body, Body::Conn(c) if c.state != TcpState::Closed))
            .map(|(index, _, _)| index)
            .collect()
    }
}

impl Conn {
    /// Linux's `tcp_need_reset`: states in which the peer believes in a connection.
    fn needs_reset(&self) -> bool {
        match self.state {
            TcpState::Established
            | TcpState::CloseWait
            | TcpState::FinWait1
            | TcpState::FinWait2
            | TcpState::SynReceived => true,
            TcpState::Closing | TcpState::LastAck => self.has_pending_output(),
            _ => false,
        }
    }

    /// RFC 9293 section 3.10.4, CLOSE: FIN follows what is queued.
    fn close_write(&mut self) {
        if self.shut_wr {
            return;
        }
        self.shut_wr = true;
        self.fin_queued = true;
        self.more = false;
        self.output_wanted = true;
        match self.state {
            TcpState::Established => self.state = TcpState::FinWait1,
            TcpState::CloseWait => self.state = TcpState::LastAck,
            // SYN-RECEIVED: queued for ESTABLISHED.
            _ => {}
        }
        debug_assert!(self.fate != Some(Fate::Closed));
    }
}
