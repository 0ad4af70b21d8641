//! connect(2): the active OPEN of RFC 9293 section 3.10.1, and its end before there is a connection.
//!
//! A local port is chosen by RFC 6056 section 3.3.3 (`ports.rs`), the first sequence number by RFC 6528 (`isn.rs`). A
//! 4-tuple in TIME_WAIT is taken over when nothing better is left (`timewait.rs`).

use std::net::{Ipv4Addr, SocketAddrV4};

use super::ports::{Hold, Use};
use super::socket::{Body, Conn, PortHold};
use super::{Target, Tcp, Tuple};
use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{Readiness, SocketId, TcpState};

/// A search for a port that found none, so that a program that tries again and again does not walk over all ports each time.
pub(super) struct Exhausted {
    ip: Ipv4Addr,
    remote: SocketAddrV4,
    /// What [`super::ports::Ports::releases`] was.
    releases: u64,
    /// When the first TIME_WAIT may be taken over.
    until: Option<Instant>,
}

impl Tcp {
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
        if !matches!(sock.body, Body::Closed) {
            return self.outcome(id);
        }
        let opts = sock.opts.clone();
        let port = sock.port;
        let bound = match port {
            PortHold::Explicit((hold, _)) => Some(hold.addr),
            _ => None,
        };
        let ip = source; // what it is bound to, unless that is the wildcard or an address of many
        let tuple_for = |port| Tuple { local: SocketAddrV4::new(ip, port), remote };
        let local_port = match bound {
            Some(addr) => addr.port(),
            None => self.pick_port(now, ip, remote, opts.port_range)?,
        };
        let tuple = tuple_for(local_port);
        let mut iss = self.secrets.isn(&tuple, now);
        match self.demux.get(&tuple).copied() {
            None => {}
            Some(Target::TimeWait(index)) if self.reusable_from(index).is_some_and(|at| at <= now) => {
                iss = self.timewaits.get(index).map_or(iss, |(_, tw)| tw.next_iss());
                self.remove_timewait(index);
            }
            Some(_) => return Err(Error::AddrNotAvailable),
        }
        let hold = Hold::new(tuple.local, &opts);
        let ts_offset = self.secrets.timestamp_offset(ip, *remote.ip());
        let mut conn = Conn::new(tuple, iss, ts_offset, &opts, now);
        conn.state = TcpState::SynSent;
        conn.pmtu = ip_mtu;
        let deferred = opts.fast_open_connect && self.defer_connect(now, &opts, &mut conn);
        conn.syn_due = !deferred;
        conn.output_wanted = !deferred;
        let sock = self.sock_mut(id)?;
        sock.error = None;
        sock.shut = (false, false);
        sock.connecting = true;
        sock.body = Body::Conn(Box::new(conn));
        if bound.is_none() {
            sock.port = PortHold::Counted(hold);
            self.ports.hold((hold, Use::Connection));
        }
        self.demux.insert(tuple, Target::Conn(id.index));
        self.settle(now, id.index);
        if deferred { Ok(()) } else { Err(Error::InProgress) }
    }

    /// What connect(2) says of an attempt that was begun before.
    ///
    /// # Errors
    /// `Already` while it goes on, and what it failed of, once. `NotConnected`: there was none.
    pub(crate) fn outcome(&mut self, id: SocketId) -> Result<()> {
        let sock = self.sock_mut(id)?;
        let conn = match &mut sock.body {
            Body::Listen(_) => return Err(Error::IsConnected),
            Body::Closed => return Err(Error::NotConnected),
            Body::Conn(conn) => conn,
        };
        match conn.state {
            // __inet_stream_connect, DEFER_CONNECT
            TcpState::SynSent if conn.is_deferred() => Err(Error::IsConnected),
            TcpState::SynSent | TcpState::SynReceived => Err(Error::Already),
            TcpState::Closed if sock.connecting => {
                // Linux tells why the attempt failed, once, and then the socket is as new.
                sock.connecting = false;
                let error = sock.error.take().unwrap_or(Error::ConnectionAborted);
                sock.body = Body::Closed;
                Err(error)
            }
            // The first call after success says so (Linux: SS_CONNECTING to SS_CONNECTED).
            _ if std::mem::take(&mut sock.connecting) => Ok(()),
            _ => Err(Error::IsConnected),
        }
    }

    /// From when on connect(2) may take over what is in TIME_WAIT.
    fn reusable_from(&self, index: u32) -> Option<Instant> {
        self.timewaits.get(index)?.1.reusable_from()
    }

    /// A local port towards `remote`.
    fn pick_port(
        &mut self,
        now: Instant,
        ip: Ipv4Addr,
        remote: SocketAddrV4,
        range: (u16, u16),
    ) -> Result<u16> {
        let releases = self.ports.releases();
        if let Some(last) = &self.exhausted
            && range == (0, 0)
            && (last.ip, last.remote, last.releases) == (ip, remote, releases)
            && last.until.is_none_or(|t| now < t)
        {
            // Nothing has changed since the search that went over all ports.
            return Err(Error::AddrNotAvailable);
        }
        let mut until: Option<Instant> = None;
        let (demux, timewaits) = (&self.demux, &self.timewaits);
        let usable = |port, any| match demux.get(&Tuple { local: SocketAddrV4::new(ip, port), remote }) {
            None => true,
            Some(Target::TimeWait(index)) if any => {
                let Some(at) = timewaits.get(*index).and_then(|(_, tw)| tw.reusable_from()) else {
                    return false;
                };
                until = Some(until.map_or(at, |t| t.min(at)));
                at <= now
            }
            Some(_) => false,
        };
        // RFC 6056 section 3.3.3, algorithm 3.
        let offset = self.secrets.port_offset(ip, *remote.ip(), remote.port());
        let result = self.ports.pick(range, offset, usable);
        self.exhausted =
            (result.is_err() && range == (0, 0)).then_some(Exhausted { ip, remote, releases, until });
        result
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

    /// See [`crate::Stack::is_connecting`].
    pub(crate) fn is_connecting(&self, id: SocketId) -> bool {
        self.sock(id).is_ok_and(|s| s.connecting)
    }
}
