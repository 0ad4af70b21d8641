//! What a user may do with a TCP socket (RFC 9293 section 3.9.1), with the results that Linux gives.
//!
//! Nothing here blocks or sends: `Error::WouldBlock` is the caller's to wait for, and what is to be sent
//! leaves with the next `poll_transmit`. An id is valid until `close` or `abort`; what an orphaned connection
//! still has to do it does by itself.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use super::Tcp;
use super::chunks::chunk_size;
use super::fastopen::Early;
use super::listener::Listener;
use super::memory::Strain;
use super::output::GATHER_FROM;
use super::ports::{Hold, Use};
use super::socket::{Body, Conn, Owner, PortHold, Socket};
use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{Kind, Readiness, SocketId, TcpInfo, TcpOptions, TcpState};

/// Linux's net.core.somaxconn.
const MAX_BACKLOG: u32 = 4096;

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

    pub(super) fn share(&mut self, opts: TcpOptions) -> Arc<TcpOptions> {
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
    pub(super) fn sock(&self, id: SocketId) -> Result<&Socket> {
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
        // inet_csk_listen_start: what is left from before a shutdown(2) is still its own.
        let (requests, young) = self.requests_of((id.index, id.generation));
        let early = match self.sock(id)?.opts.fast_open {
            0 => None,
            _ => Some(Box::new(Early::with(self.early_of((id.index, id.generation))))),
        };
        let sock = self.sock_mut(id)?;
        sock.port = PortHold::Explicit(claim);
        sock.shut = (false, false);
        sock.body = Body::Listen(Box::new(Listener {
            port: addr.port(),
            addr: *addr.ip(),
            backlog,
            children: Default::default(),
            requests,
            young,
            overflow_at: None,
            early,
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
            if conn.is_deferred() {
                let taken = self.send_fast_open(now, id, None, data)?;
                return if taken > 0 { Ok(taken) } else { Err(Error::WouldBlock) };
            }
            let waiting = matches!(conn.state, TcpState::SynSent | TcpState::SynReceived);
            if waiting {
                conn.nospace.set(true);
            }
            return Err(if waiting { Error::WouldBlock } else { Error::BrokenPipe });
        }
        if !data.is_empty() {
            conn.check_app_limited();
            self.spares.send.lend(conn.sendbuf.queue());
        }
        let mut fits = data;
        if conn.notsent_lowat != u32::MAX {
            fits = data.get(..conn.notsent_room()).unwrap_or(data);
        }
        if let Some(room) = conn.room_when_full() {
            fits = fits.get(..room).unwrap_or(fits);
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
                let room = conn.room_when_full().unwrap_or(usize::MAX);
                let space = conn.sendbuf.space().min(conn.notsent_room()).min(room);
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
            conn.check_app_limited();
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
            conn.charge_memory(&self.memory);
            self.spares.recv.take_back(conn.recvbuf.queue());
            if conn.output_wanted {
                self.settle(now, index);
            }
        }
    }

    /// Most memory that the buffers of all connections may take, bytes; 0: the default.
    pub(crate) fn set_memory_limit(&mut self, bytes: usize) {
        self.memory.set_limit(bytes);
    }

    /// TCP_QUICKACK: acknowledge at once, or wait for data to send along, until the traffic decides otherwise (Linux:
    /// `__tcp_sock_set_quickack`). `once`: at once now, and wait from then on.
    pub(crate) fn set_quickack(&mut self, now: Instant, id: SocketId, on: bool, once: bool) {
        let Ok(sock) = self.sock_mut(id) else { return };
        let Body::Conn(conn) = &mut sock.body else { return };
        conn.set_quickack(on, once);
        self.settle(now, id.index);
    }

    /// TCP_QUICKACK as it is now.
    pub(crate) fn quickack(&self, id: SocketId) -> bool {
        self.conn(id).is_none_or(|c| !c.ack.waits())
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
            saved => Ok(Ok(saved.map_or_else(Vec::new, |saved| saved.into_vec()))),
        }
    }

    /// TCP_INFO
    pub(crate) fn info(&self, now: Instant, id: SocketId) -> Result<TcpInfo> {
        let sock = self.sock(id)?;
        let mut info = match &sock.body {
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
        };
        let most = sock.opts.max_pacing_rate;
        let known = matches!(sock.body, Body::Conn(_));
        info.max_pacing_rate = most;
        info.pacing_rate = if known { info.pacing_rate.min(most) } else { most };
        Ok(info)
    }
}

impl Conn {
    /// How much may be queued when the stack's memory is full: a little by who has nothing queued, so that everybody moves on
    /// (Linux: tcp_wmem[0], `sk_stream_wait_memory`). What is acknowledged then tells of room. None: it is not full.
    pub(super) fn room_when_full(&self) -> Option<usize> {
        const LITTLE: usize = 4096;
        (self.charge.strain() == Strain::Full).then(|| if self.sendbuf.is_empty() { LITTLE } else { 0 })
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
        if (new.congestion, new.max_pacing_rate) != (old.congestion, old.max_pacing_rate) {
            // What waits for its departure waited by another rate.
            self.departs = now;
            self.output_wanted = true;
        }
        if new.congestion != old.congestion {
            self.cc = super::congestion::Algorithm::new(new.congestion);
            if self.win.cwnd > 0 {
                self.begin_control(now, new.max_pacing_rate);
            }
        }
        // Linux: TCP_NODELAY, and the end of TCP_CORK, send what waits.
        if (new.nodelay && !old.nodelay) || (old.cork && !new.cork) {
            self.more = false;
            self.push_to = self.data_end();
            self.output_wanted = true;
        }
        let established = self.is_synchronized();
        if !new.keepalive {
            if old.keepalive {
                self.keepalive_at = None;
            }
        } else if established && !old.keepalive {
            // Counted from now on (`tcp_set_keepalive`); a change of the time is counted from the last segment (`tcp_sock_set_keepidle`).
            self.keepalive_at = Some(now + new.keepidle);
        } else if established && new.keepidle != old.keepidle {
            let idle = now.since(self.stats.last_ack_recv.max(self.ack.last_data));
            self.keepalive_at = Some(now + new.keepidle.saturating_sub(idle));
        }
    }
}
