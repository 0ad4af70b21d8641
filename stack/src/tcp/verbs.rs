//! What a user may do with a TCP socket (RFC 9293 section 3.9.1), with the results that Linux gives.
//!
//! Nothing here blocks or sends: `Error::WouldBlock` is the caller's to wait for, and what is to be sent
//! leaves with the next `poll_transmit`. An id is valid until `close` or `abort`; what an orphaned connection
//! still has to do it does by itself.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::chunks::chunk_size;
use super::listener::Listener;
use super::output::GATHER_FROM;
use super::ports::{Hold, Use};
use super::socket::{Body, Conn, Fate, Owner, PortHold, Socket};
use super::{Target, Tcp, Tuple};
use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{Kind, Readiness, Shutdown, SocketId, TcpInfo, TcpOptions, TcpState};

/// Linux's net.core.somaxconn.
const MAX_BACKLOG: u32 = 4096;

/// A search for a port that found none, so that a program that tries again and again does not walk over all ports each time.
pub(super) struct Exhausted {
    ip: Ipv4Addr,
    remote: SocketAddrV4,
    /// What [`super::ports::Ports::releases`] was.
    releases: u64,
    /// When the first TIME_WAIT may be taken over.
    until: Option<Instant>,
}

/// Settings that sockets share: most of a program's have the same few.
pub(super) struct Settings {
    /// What a fresh socket has, and what was set lately.
    recent: [Arc<TcpOptions>; 4],
    next: usize,
}

impl Settings {
    pub(super) fn new(default: TcpOptions) -> Settings {
        let default = Arc::new(default);
        Settings { recent: std::array::from_fn(|_| default.clone()), next: 0 }
    }

    fn default(&self) -> Arc<TcpOptions> {
        let [default, ..] = &self.recent;
        default.clone()
    }

    fn share(&mut self, opts: TcpOptions) -> Arc<TcpOptions> {
        if let Some(same) = self.recent.iter().find(|o| ***o == opts) {
            return same.clone();
        }
        let opts = Arc::new(opts);
        // The first one stays.
        self.next = self.next % 3 + 1;
        if let Some(entry) = self.recent.get_mut(self.next) {
            *entry = opts.clone();
        }
        opts
    }
}

impl Tcp {
    fn sock(&self, id: SocketId) -> Result<&Socket> {
        let sock = self.socks.get_gen(id.index, id.generation).ok_or(Error::BadSocket)?;
        if id.kind == Kind::Tcp && sock.owner == Owner::User { Ok(sock) } else { Err(Error::BadSocket) }
    }

    pub(super) fn sock_mut(&mut self, id: SocketId) -> Result<&mut Socket> {
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        if id.kind == Kind::Tcp && sock.owner == Owner::User { Ok(sock) } else { Err(Error::BadSocket) }
    }

    /// socket(2)
    pub(crate) fn open(&mut self) -> SocketId {
        let opts = self.settings.default();
        let (index, generation) = self.socks.insert(Socket::new(opts, Owner::User, Body::Closed));
        SocketId { kind: Kind::Tcp, index, generation }
    }

    /// The options as they are.
    pub(crate) fn options(&self, id: SocketId) -> Result<&TcpOptions> {
        self.sock(id).map(|s| &*s.opts)
    }

    /// Replaces the options, and acts on what changed.
    pub(crate) fn set_options(&mut self, now: Instant, id: SocketId, opts: TcpOptions) -> Result<()> {
        if *self.sock(id)?.opts == opts {
            return Ok(());
        }
        let opts = self.settings.share(opts);
        let sock = self.sock_mut(id)?;
        let old = std::mem::replace(&mut sock.opts, opts);
        let opts = &sock.opts;
        let mut moved = false;
        match &mut sock.body {
            Body::Closed => {}
            Body::Listen(_) => moved = old.v6only != opts.v6only,
            Body::Conn(conn) => conn.options_changed(now, &old, opts),
        }
        if let PortHold::Explicit((hold, purpose)) = sock.port {
            // A conflict that changed options make is not looked for, as on Linux.
            let new = (Hold::new(hold.addr, opts), purpose);
            sock.port = PortHold::Explicit(new);
            self.ports.update((hold, purpose), new)?;
        }
        if moved {
            self.unlink_listener(id.index);
            self.link_listener(id.index);
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
        let (hold, range) = (Hold::new(addr, &sock.opts), sock.opts.port_range);
        let offset = self.secrets.port_offset(*addr.ip(), Ipv4Addr::UNSPECIFIED, id.index as u16)
            ^ id.generation.wrapping_mul(0x9e37_79b9);
        let claim = self.ports.bind(hold, range, offset)?;
        self.sock_mut(id)?.port = PortHold::Explicit(claim);
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
        let PortHold::Explicit(claim) = self.sock(id)?.port else { return Err(Error::InvalidArgument) };
        let addr = claim.0.addr;
        let claim = self.ports.update(claim, (claim.0, Use::Listening))?;
        let sock = self.sock_mut(id)?;
        sock.port = PortHold::Explicit(claim);
        sock.shut = (false, false);
        sock.body = Body::Listen(Box::new(Listener {
            port: addr.port(),
            addr: *addr.ip(),
            backlog,
            children: Default::default(),
            requests: 0,
        }));
        self.link_listener(id.index);
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
        conn.syn_due = true;
        conn.output_wanted = true;
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
        Err(Error::InProgress)
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
        if !data.is_empty() {
            self.spares.send.lend(conn.sendbuf.queue());
        }
        let mut fits = data;
        if conn.notsent_lowat != u32::MAX {
            fits = data.get(..conn.notsent_room()).unwrap_or(data);
        }
        let taken = conn.sendbuf.append(fits, &mut self.pool);
        if taken < data.len() {
            conn.nospace.set(true);
        }
        if taken == 0 {
            return if data.is_empty() { Ok(0) } else { Err(Error::WouldBlock) };
        }
        conn.more = more;
        conn.gather = conn.outstanding() >= GATHER_FROM;
        conn.output_wanted = true;
        self.settle(now, id.index);
        Ok(taken)
    }

    /// Nothing follows soon: what waits for company leaves, corked data excepted.
    pub(crate) fn end_send(&mut self, now: Instant, id: SocketId) {
        if let Ok(Socket { body: Body::Conn(conn), .. }) = self.sock_mut(id) {
            if std::mem::take(&mut conn.gather) {
                conn.output_wanted = true;
                self.settle(now, id.index);
            }
        }
    }

    /// How much `send` would take.
    pub(crate) fn send_space(&self, id: SocketId) -> Result<usize> {
        match &self.sock(id)?.body {
            Body::Conn(conn) if conn.may_send() && !conn.shut_wr => {
                let space = conn.sendbuf.space().min(conn.notsent_room());
                if space == 0 {
                    // Who asks will wait for room.
                    conn.nospace.set(true);
                }
                Ok(space)
            }
            _ => Ok(0),
        }
    }

    /// Memory to fill for [`Tcp::send_chunk`]: `len` bytes, or 64 kB if that is less.
    pub(crate) fn take_chunk(&mut self, len: usize) -> Vec<u8> {
        self.pool.take_full(chunk_size(len))
    }

    /// send(2) of the first `len` bytes of a chunk, which becomes part of the send buffer; without an error all of them
    /// are taken.
    pub(crate) fn send_chunk(
        &mut self,
        now: Instant,
        id: SocketId,
        chunk: Vec<u8>,
        len: usize,
        more: bool,
    ) -> Result<usize> {
        // Checks the socket, and tells of its error.
        let result = self.send(now, id, &[], more);
        if result.is_err() || len == 0 {
            self.pool.give(chunk);
            return result;
        }
        let len = len.min(chunk.len());
        if let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_gen_mut(id.index, id.generation) {
            self.spares.send.lend(conn.sendbuf.queue());
            conn.sendbuf.append_chunk(chunk, len, &mut self.pool);
            conn.more = more;
            conn.gather = false;
            conn.output_wanted = true;
        }
        self.settle(now, id.index);
        Ok(len)
    }

    /// recv(2) without a copy: `f` sees the slices that hold the first bytes, at most `max`, and answers how many it took.
    pub(crate) fn recv_with(
        &mut self,
        now: Instant,
        id: SocketId,
        max: usize,
        f: &mut dyn FnMut(&[&[u8]]) -> usize,
    ) -> Result<usize> {
        let sock = self.sock_mut(id)?;
        let Body::Conn(conn) = &mut sock.body else { return Self::nothing_to_read(sock) };
        if conn.recvbuf.is_empty() {
            return Self::nothing_to_read(sock);
        }
        let mut slices: [&[u8]; 16] = [&[]; 16];
        // Up to urgent data and no further (tcp_read_sock).
        let max = conn.readable_to_mark(false).map_or(max, |n| max.min(n));
        let count = conn.recvbuf.slices(max, &mut slices);
        let taken = f(slices.get(..count).unwrap_or(&[]));
        if taken == 0 {
            return Ok(0);
        }
        self.discard(now, id, taken.min(max))
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
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        if sock.owner != Owner::User {
            return Err(Error::BadSocket);
        }
        let Body::Conn(conn) = &mut sock.body else { return Self::nothing_to_read(sock) };
        if conn.recvbuf.is_empty() {
            return Self::nothing_to_read(sock);
        }
        let n = if conn.urgent.is_none() {
            conn.recvbuf.read(buf, &mut self.pool)
        } else {
            let room = conn.read_room(buf.len(), sock.opts.oobinline, &mut self.pool);
            let n = conn.recvbuf.read(buf.get_mut(..room).unwrap_or(&mut []), &mut self.pool);
            conn.read_done();
            if n == 0 && !buf.is_empty() {
                // The urgent byte was all there was.
                self.after_read(now, id.index);
                return self.sock_mut(id).and_then(Self::nothing_to_read);
            }
            n
        };
        self.after_read(now, id.index);
        Ok(n)
    }

    /// recv(2) with MSG_PEEK, from `offset` on.
    pub(crate) fn peek(&mut self, id: SocketId, offset: usize, buf: &mut [u8]) -> Result<usize> {
        let sock = self.sock_mut(id)?;
        match &mut sock.body {
            Body::Conn(conn) if conn.urgent.is_some() => {
                let (at, room) = conn.peek_room(offset, buf.len(), sock.opts.oobinline);
                match buf.get_mut(..room) {
                    Some(to) if conn.recvbuf.len() > at => Ok(conn.recvbuf.peek(at, to)),
                    _ => Self::nothing_to_read(sock),
                }
            }
            Body::Conn(conn) if conn.recvbuf.len() > offset => Ok(conn.recvbuf.peek(offset, buf)),
            _ => Self::nothing_to_read(sock),
        }
    }

    /// recv(2) with MSG_TRUNC: forgets up to `n` bytes.
    pub(crate) fn discard(&mut self, now: Instant, id: SocketId, n: usize) -> Result<usize> {
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        if sock.owner != Owner::User {
            return Err(Error::BadSocket);
        }
        let Body::Conn(conn) = &mut sock.body else { return Self::nothing_to_read(sock) };
        if conn.recvbuf.is_empty() {
            return Self::nothing_to_read(sock);
        }
        let room = conn.read_room(n, sock.opts.oobinline, &mut self.pool);
        let done = conn.recvbuf.discard(room, &mut self.pool);
        conn.read_done();
        self.after_read(now, id.index);
        if done == 0 && n > 0 {
            return self.sock_mut(id).and_then(Self::nothing_to_read);
        }
        Ok(done)
    }

    fn after_read(&mut self, now: Instant, index: u32) {
        if let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_mut(index) {
            conn.after_read(now);
            self.spares.recv.take_back(conn.recvbuf.queue());
            if conn.output_wanted {
                self.settle(now, index);
            }
        }
    }

    /// SIOCINQ
    pub(crate) fn recv_queued(&self, id: SocketId) -> usize {
        let Ok(Socket { body: Body::Conn(conn), opts, .. }) = self.sock(id) else { return 0 };
        let before_mark = conn.urgent.as_ref().and_then(|_| conn.readable_to_mark(opts.oobinline));
        before_mark.unwrap_or(conn.recvbuf.len())
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
                    match conn.fin_time(&sock.opts) {
                        Some(time) => conn.keepalive_at = Some(now + time),
                        // __tcp_close: no waiting, and the peer is told.
                        None => conn.die(None, true),
                    }
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

    /// What the next call, or SO_ERROR, tells.
    pub(crate) fn set_error(&mut self, id: SocketId, error: Error) {
        if let Ok(sock) = self.sock_mut(id) {
            sock.error = Some(error);
        }
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

    /// TCP_SAVED_SYN: IP and TCP header of the peer's SYN. Told once, and only when `room` is enough: Err has the length.
    pub(crate) fn saved_syn(
        &mut self,
        id: SocketId,
        room: usize,
    ) -> Result<std::result::Result<Vec<u8>, usize>> {
        let Body::Conn(conn) = &mut self.sock_mut(id)?.body else { return Ok(Ok(Vec::new())) };
        match conn.saved_syn.take() {
            Some(saved) if saved.len() > room => {
                let len = saved.len();
                conn.saved_syn = Some(saved);
                Ok(Err(len))
            }
            saved => Ok(Ok(saved.map_or_else(Vec::new, <[u8]>::into_vec))),
        }
    }

    /// TCP_INFO
    pub(crate) fn info(&self, now: Instant, id: SocketId) -> Result<TcpInfo> {
        let sock = self.sock(id)?;
        Ok(match &sock.body {
            Body::Conn(conn) => conn.info(now),
            // Linux tells the length of the accept queue and the backlog in these fields.
            Body::Listen(listener) => TcpInfo {
                state: TcpState::Listen,
                bytes_in_flight: u32::try_from(listener.children.len()).unwrap_or(u32::MAX),
                sacked: u32::try_from(listener.backlog).unwrap_or(u32::MAX),
                timestamp: now.millis() as u32,
                ..TcpInfo::default()
            },
            Body::Closed => TcpInfo { timestamp: now.millis() as u32, ..TcpInfo::default() },
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

    /// Raises OUT when the user waits for room and there is some.
    pub(super) fn tell_of_room(&mut self) {
        if self.nospace.get() && self.may_send() && !self.shut_wr && self.writable(self.sendbuf.limit()) {
            self.nospace.set(false);
            self.raise(Readiness::OUT);
        }
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
        self.window_clamp = super::socket::limit(new.window_clamp);
        self.rtt.set_bounds(new.rto_min, new.rto_max);
        if new.notsent_lowat != old.notsent_lowat {
            self.notsent_lowat = super::socket::limit(new.notsent_lowat);
            self.tell_of_room();
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
