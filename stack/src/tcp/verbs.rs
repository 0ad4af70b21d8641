//! What a user may do with a TCP socket (RFC 9293 section 3.9.1), with the results that Linux gives.
//!
//! Nothing here blocks or sends: `Error::WouldBlock` is the caller's to wait for, and what is to be sent
//! leaves with the next `poll_transmit`. An id is valid until `close` or `abort`; what an orphaned connection
//! still has to do it does by itself.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::listener::Listener;
use super::ports::Hold;
use super::socket::{Body, Conn, Fate, Owner, PortHold, Socket};
use super::{Target, Tcp, Tuple};
use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{Kind, Readiness, Shutdown, SocketId, TcpInfo, TcpOptions, TcpState};

/// Linux's net.core.somaxconn.
const MAX_BACKLOG: u32 = 4096;

impl Tcp {
    fn sock(&self, id: SocketId) -> Result<&Socket> {
        let sock = self.socks.get_gen(id.index, id.generation).ok_or(Error::BadSocket)?;
        if id.kind == Kind::Tcp && sock.owner == Owner::User { Ok(sock) } else { Err(Error::BadSocket) }
    }

    fn sock_mut(&mut self, id: SocketId) -> Result<&mut Socket> {
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        if id.kind == Kind::Tcp && sock.owner == Owner::User { Ok(sock) } else { Err(Error::BadSocket) }
    }

    /// socket(2)
    pub(crate) fn open(&mut self) -> SocketId {
        let opts = TcpOptions { congestion: self.congestion, ..TcpOptions::default() };
        let (index, generation) = self.socks.insert(Socket::new(opts, Owner::User, Body::Closed));
        SocketId { kind: Kind::Tcp, index, generation }
    }

    /// The options as they are.
    pub(crate) fn options(&self, id: SocketId) -> Result<&TcpOptions> {
        self.sock(id).map(|s| &s.opts)
    }

    /// Replaces the options, and acts on what changed.
    pub(crate) fn set_options(&mut self, now: Instant, id: SocketId, opts: TcpOptions) -> Result<()> {
        let sock = self.sock_mut(id)?;
        let old = std::mem::replace(&mut sock.opts, opts);
        let opts = &sock.opts;
        let port = sock.port;
        let mut listening = false;
        match &mut sock.body {
            Body::Closed => {}
            Body::Listen(listener) => {
                listener.reuseport = opts.reuseport;
                listener.v6only = opts.v6only;
                listening = true;
            }
            Body::Conn(conn) => conn.options_changed(now, &old, opts),
        }
        if let PortHold::Explicit(addr) = port {
            let hold = Hold::new(addr, &sock.opts);
            // A conflict that changed options make is not looked for, as on Linux.
            let _ = self.ports.update(id.index, hold, false);
            if listening {
                let _ = self.ports.update(id.index, hold, true);
            }
        }
        self.settle(now, id.index);
        Ok(())
    }

    /// bind(2). The address is ours or the wildcard; port 0 asks for an ephemeral one.
    pub(crate) fn bind(&mut self, id: SocketId, addr: SocketAddrV4) -> Result<()> {
        let sock = self.sock(id)?;
        if !matches!(sock.body, Body::Closed) || sock.port != PortHold::None {
            return Err(Error::InvalidArgument);
        }
        let hold = Hold::new(addr, &sock.opts);
        let offset = self.secrets.port_offset(*addr.ip(), Ipv4Addr::UNSPECIFIED, id.index as u16)
            ^ id.generation.wrapping_mul(0x9e37_79b9);
        let addr = self.ports.bind(id.index, hold, offset)?;
        self.sock_mut(id)?.port = PortHold::Explicit(addr);
        Ok(())
    }

    /// listen(2): also changes the backlog of a listener. Binds to any port when none is bound.
    pub(crate) fn listen(&mut self, id: SocketId, backlog: u32) -> Result<()> {
        let backlog = backlog.min(MAX_BACKLOG) as usize;
        match &mut self.sock_mut(id)?.body {
            Body::Listen(listener) => {
                listener.backlog = backlog;
                return Ok(());
            }
            Body::Conn(_) => return Err(Error::InvalidArgument),
            Body::Closed => {}
        }
        if self.sock(id)?.port == PortHold::None {
            self.bind(id, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
        }
        let sock = self.sock(id)?;
        let PortHold::Explicit(addr) = sock.port else { return Err(Error::InvalidArgument) };
        let hold = Hold::new(addr, &sock.opts);
        self.ports.update(id.index, hold, true)?;
        let sock = self.sock_mut(id)?;
        sock.shut = (false, false);
        sock.body = Body::Listen(Box::new(Listener {
            port: addr.port(),
            addr: *addr.ip(),
            backlog,
            children: Default::default(),
            requests: 0,
            reuseport: sock.opts.reuseport,
            v6only: sock.opts.v6only,
        }));
        self.listeners.entry(addr.port()).or_default().push(id.index);
        Ok(())
    }

    /// accept(2)
    pub(crate) fn accept(&mut self, id: SocketId) -> Result<(SocketId, SocketAddrV4)> {
        let sock = self.sock_mut(id)?;
        let Body::Listen(listener) = &mut sock.body else { return Err(Error::InvalidArgument) };
        let Some(index) = listener.children.pop_front() else {
            return Err(sock.error.take().unwrap_or(Error::WouldBlock));
        };
        let generation = self.socks.generation(index).ok_or(Error::ConnectionAborted)?;
        let child = self.socks.get_mut(index).ok_or(Error::ConnectionAborted)?;
        child.owner = Owner::User;
        // What happened before is asked with `readiness`.
        child.edges = Readiness::NONE;
        let Body::Conn(conn) = &child.body else { return Err(Error::ConnectionAborted) };
        Ok((SocketId { kind: Kind::Tcp, index, generation }, conn.tuple.remote))
    }

    /// connect(2): `Err(InProgress)` when the attempt has begun. `source` is the address of ours that the
    /// route prefers, used when none is bound; `ip_mtu` is that of the path.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        id: SocketId,
        remote: SocketAddrV4,
        source: Ipv4Addr,
        ip_mtu: u16,
    ) -> Result<()> {
        let sock = self.sock_mut(id)?;
        match &mut sock.body {
            Body::Listen(_) => return Err(Error::IsConnected),
            Body::Conn(conn) => {
                match conn.state {
                    TcpState::SynSent | TcpState::SynReceived => return Err(Error::Already),
                    TcpState::Closed if sock.connecting => {
                        // Linux tells why the attempt failed, once, and then the socket is as new.
                        sock.connecting = false;
                        let error = sock.error.take().unwrap_or(Error::ConnectionAborted);
                        sock.body = Body::Closed;
                        return Err(error);
                    }
                    // The first call after success says so (Linux: SS_CONNECTING to SS_CONNECTED).
                    _ if std::mem::take(&mut sock.connecting) => return Ok(()),
                    _ => return Err(Error::IsConnected),
                }
            }
            Body::Closed => {}
        }
        let opts = sock.opts.clone();
        let port = sock.port;
        let bound = match port {
            PortHold::Explicit(addr) => Some(addr),
            _ => None,
        };
        let ip = bound.map(|a| *a.ip()).filter(|a| !a.is_unspecified()).unwrap_or(source);
        let tuple_for = |port| Tuple { local: SocketAddrV4::new(ip, port), remote };
        let local_port = match bound {
            Some(addr) if self.demux.contains_key(&tuple_for(addr.port())) => {
                return Err(Error::AddrNotAvailable);
            }
            Some(addr) => addr.port(),
            None => {
                // RFC 6056 section 3.3.3: the counter is the clock's coarse part here: ports of one
                // destination advance.
                let offset = self.secrets.port_offset(ip, *remote.ip(), remote.port());
                let offset = offset.wrapping_add(self.port_counter);
                self.port_counter = self.port_counter.wrapping_add(1);
                self.ports.pick(offset, |port| !self.demux.contains_key(&tuple_for(port)))?
            }
        };
        let tuple = tuple_for(local_port);
        let hold = Hold::new(tuple.local, &opts);
        let iss = self.secrets.isn(&tuple, now);
        let ts_offset = self.secrets.timestamp_offset(ip, *remote.ip());
        let mut conn = Conn::new(tuple, iss, ts_offset, &opts, now);
        conn.state = TcpState::SynSent;
        conn.pmtu = ip_mtu;
        conn.syn_due = true;
        conn.output_wanted = true;
        let sock = self.sock_mut(id)?;
        sock.error = None;
        sock.shut = (false, false);
        sock.connecting = true;
        sock.body = Body::Conn(Box::new(conn));
        if bound.is_none() {
            sock.port = PortHold::Counted(hold);
            self.ports.hold(hold);
        }
        self.demux.insert(tuple, Target::Conn(id.index));
        self.settle(now, id.index);
        Err(Error::InProgress)
    }

    /// connect(2) with AF_UNSPEC: the socket is as new, but for its options and what it is bound to.
    pub(crate) fn disconnect(&mut self, now: Instant, id: SocketId) -> Result<()> {
        let reset = match &self.sock(id)?.body {
            Body::Conn(conn) => matches!(
                conn.state,
                TcpState::SynSent
                    | TcpState::SynReceived
                    | TcpState::Established
                    | TcpState::CloseWait
                    | TcpState::FinWait1
                    | TcpState::FinWait2
            ),
            _ => false,
        };
        self.stop(now, id.index);
        let sock = self.sock_mut(id)?;
        // A connection cut short leaves its error until the next connect (tcp_disconnect in the kernel).
        sock.error = reset.then_some(Error::ConnectionReset);
        sock.connecting = false;
        sock.shut = (false, false);
        sock.body = Body::Closed;
        sock.edges |= Readiness::OUT | Readiness::HUP;
        self.flush_edges(id.index);
        Ok(())
    }

    /// send(2): copies what fits. `more`: MSG_MORE, a partial segment may wait.
    pub(crate) fn send(&mut self, now: Instant, id: SocketId, data: &[u8], more: bool) -> Result<usize> {
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        if sock.owner != Owner::User {
            return Err(Error::BadSocket);
        }
        if let Some(error) = sock.error.take() {
            return Err(error);
        }
        let Body::Conn(conn) = &mut sock.body else { return Err(Error::BrokenPipe) };
        if conn.shut_wr {
            return Err(Error::BrokenPipe);
        }
        if !conn.may_send() {
            let waiting = matches!(conn.state, TcpState::SynSent | TcpState::SynReceived);
            if waiting {
                conn.nospace.set(true);
            }
            return Err(if waiting { Error::WouldBlock } else { Error::BrokenPipe });
        }
        let taken = conn.sendbuf.append(data, &mut self.pool);
        if taken < data.len() {
            conn.nospace.set(true);
        }
        if taken == 0 {
            return if data.is_empty() { Ok(0) } else { Err(Error::WouldBlock) };
        }
        conn.more = more;
        conn.output_wanted = true;
        self.settle(now, id.index);
        Ok(taken)
    }

    /// How much `send` would take.
    pub(crate) fn send_space(&self, id: SocketId) -> Result<usize> {
        match &self.sock(id)?.body {
            Body::Conn(conn) if conn.may_send() && !conn.shut_wr => Ok(conn.sendbuf.space()),
            _ => Ok(0),
        }
    }

    /// What a read finds when nothing is queued; Linux's order in `tcp_recvmsg_locked`.
    fn nothing_to_read(sock: &mut Socket) -> Result<usize> {
        let Body::Conn(conn) = &mut sock.body else {
            return match sock.error.take() {
                Some(error) => Err(error),
                None if sock.shut.0 => Ok(0),
                None => Err(Error::NotConnected),
            };
        };
        if conn.fin_taken {
            return Ok(0);
        }
        if let Some(error) = sock.error.take() {
            return Err(error);
        }
        if conn.shut_rd {
            return Ok(0);
        }
        if conn.state == TcpState::Closed { Err(Error::NotConnected) } else { Err(Error::WouldBlock) }
    }

    /// recv(2): Ok(0) is the end of the stream. An error that waits is told once, after the data.
    pub(crate) fn recv(&mut self, now: Instant, id: SocketId, buf: &mut [u8]) -> Result<usize> {
        let sock = self.sock_mut(id)?;
        let Body::Conn(conn) = &mut sock.body else { return Self::nothing_to_read(sock) };
        if conn.recvbuf.is_empty() {
            return Self::nothing_to_read(sock);
        }
        let n = conn.recvbuf.read(buf);
        self.after_read(now, id.index);
        Ok(n)
    }

    /// recv(2) with MSG_PEEK, from `offset` on.
    pub(crate) fn peek(&mut self, id: SocketId, offset: usize, buf: &mut [u8]) -> Result<usize> {
        let sock = self.sock_mut(id)?;
        match &mut sock.body {
            Body::Conn(conn) if conn.recvbuf.len() > offset => Ok(conn.recvbuf.peek(offset, buf)),
            _ => Self::nothing_to_read(sock),
        }
    }

    /// recv(2) with MSG_TRUNC: forgets up to `n` bytes.
    pub(crate) fn discard(&mut self, now: Instant, id: SocketId, n: usize) -> Result<usize> {
        let sock = self.sock_mut(id)?;
        let Body::Conn(conn) = &mut sock.body else { return Self::nothing_to_read(sock) };
        if conn.recvbuf.is_empty() {
            return Self::nothing_to_read(sock);
        }
        let n = conn.recvbuf.discard(n);
        self.after_read(now, id.index);
        Ok(n)
    }

    fn after_read(&mut self, now: Instant, index: u32) {
        if let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_mut(index) {
            conn.after_read(now);
            if conn.output_wanted {
                self.settle(now, index);
            }
        }
    }

    /// SIOCINQ
    pub(crate) fn recv_queued(&self, id: SocketId) -> usize {
        self.conn(id).map_or(0, |c| c.recvbuf.len())
    }

    /// SIOCOUTQ: not acknowledged, sent or not; a FIN counts as one.
    pub(crate) fn send_queued(&self, id: SocketId) -> usize {
        self.conn(id).map_or(0, |c| {
            let fin = c.fin_queued && !c.fin_acked() && c.state != TcpState::Closed;
            c.sendbuf.len() + usize::from(fin)
        })
    }

    /// SIOCOUTQNSD: not sent.
    pub(crate) fn send_notsent(&self, id: SocketId) -> usize {
        self.conn(id).map_or(0, Conn::unsent).min(self.send_queued(id))
    }

    fn conn(&self, id: SocketId) -> Option<&Conn> {
        match &self.sock(id).ok()?.body {
            Body::Conn(conn) => Some(conn),
            _ => None,
        }
    }

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
            _ => {
                conn.shut_rd = true;
                conn.close_write();
                conn.keepalive_at = None;
                if conn.state == TcpState::FinWait2 {
                    conn.keepalive_at = Some(now + super::timewait::LIFETIME);
                }
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
    fn stop(&mut self, now: Instant, index: u32) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        match &mut sock.body {
            Body::Closed => {}
            Body::Listen(listener) => {
                let port = listener.port;
                let children = std::mem::take(&mut listener.children);
                let explicit = sock.port;
                let hold = match explicit {
                    PortHold::Explicit(addr) => Some(Hold::new(addr, &sock.opts)),
                    _ => None,
                };
                sock.body = Body::Closed;
                if let Some(list) = self.listeners.get_mut(&port) {
                    list.retain(|i| *i != index);
                    if list.is_empty() {
                        self.listeners.remove(&port);
                    }
                }
                if let Some(hold) = hold {
                    let _ = self.ports.update(index, hold, false);
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

    /// What poll(2) reports. Also notes that the user waits for room when there is none, so that OUT comes as
    /// an edge.
    pub(crate) fn readiness(&self, id: SocketId) -> Readiness {
        match self.sock(id) {
            Ok(sock) => sock.readiness(),
            Err(_) => Readiness::HUP,
        }
    }

    /// SO_ERROR: told once.
    pub(crate) fn take_error(&mut self, id: SocketId) -> Option<Error> {
        self.sock_mut(id).ok()?.error.take()
    }

    /// getsockname(2)
    pub(crate) fn local_addr(&self, id: SocketId) -> Option<SocketAddrV4> {
        self.sock(id).ok()?.local()
    }

    /// getpeername(2): only while connected.
    pub(crate) fn peer_addr(&self, id: SocketId) -> Option<SocketAddrV4> {
        let conn = self.conn(id)?;
        (!matches!(conn.state, TcpState::Closed | TcpState::SynSent)).then_some(conn.tuple.remote)
    }

    /// The state.
    pub(crate) fn state(&self, id: SocketId) -> TcpState {
        match self.sock(id).map(|s| &s.body) {
            Ok(Body::Listen(_)) => TcpState::Listen,
            Ok(Body::Conn(conn)) => conn.state,
            _ => TcpState::Closed,
        }
    }

    /// TCP_INFO
    pub(crate) fn info(&self, now: Instant, id: SocketId) -> Result<TcpInfo> {
        let sock = self.sock(id)?;
        Ok(match &sock.body {
            Body::Conn(conn) => conn.info(now),
            Body::Listen(_) => TcpInfo { state: TcpState::Listen, ..TcpInfo::default() },
            Body::Closed => TcpInfo::default(),
        })
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

    fn options_changed(&mut self, now: Instant, old: &TcpOptions, new: &TcpOptions) {
        if new.rcvbuf != old.rcvbuf {
            self.recvbuf.set_limit(new.rcvbuf);
            self.after_read(now);
        }
        if new.sndbuf != old.sndbuf {
            self.sendbuf.set_limit(self.send_limit(new));
            if self.nospace.get() && self.may_send() && self.writable(self.sendbuf.limit()) {
                self.nospace.set(false);
                self.raise(Readiness::OUT);
            }
        }
        if new.congestion != old.congestion {
            self.cc = super::congestion::make(new.congestion);
        }
        // Linux: TCP_NODELAY, and the end of TCP_CORK, send what waits.
        if (new.nodelay && !old.nodelay) || (old.cork && !new.cork) {
            self.more = false;
            self.push_to = self.data_end();
            self.output_wanted = true;
        }
        if new.quickack && !old.quickack && self.ack.scheduled {
            self.ack_now();
        }
        let established = self.is_synchronized();
        if !new.keepalive {
            if old.keepalive {
                self.keepalive_at = None;
            }
        } else if established && (!old.keepalive || new.keepidle != old.keepidle) {
            let idle = now.since(self.stats.last_ack_recv.max(self.ack.last_data));
            self.keepalive_at = Some(now + new.keepidle.saturating_sub(idle));
        }
    }
}
