//! The public face: one host on one link, and the verbs of its sockets.
//!
//! The verbs are thin. Packets are the business of `iface` (Ethernet, ARP, IPv4, ICMP), connections that of
//! `tcp`, datagrams that of `udp`; here an id is sent to the set it belongs to and IP addresses are narrowed to
//! what the stack speaks, which is IPv4 for now: an IPv6 address has no route.
//!
//! # How a host drives it
//! 1. Each received frame: [`Stack::on_frame`]. When [`Stack::poll_timeout`] has passed: [`Stack::on_timeout`].
//! 2. After those, and after each verb that takes `now`: [`Stack::poll_transmit`], then [`Stack::poll_event`] until
//!    `None`. Packets to ourselves never reach the device; they are processed within `poll_transmit`.
//! 3. Sleep until `poll_timeout`. `None` means that nothing is pending: an idle stack costs no wake-up.
//!
//! A socket verb never blocks: it answers [`Error::WouldBlock`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::buf::Buf;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::iface::Layers;
use crate::time::Instant;
use crate::types::{
    Config, DatagramMeta, Event, Ipv4Cidr, Kind, MacAddr, QueuedError, Readiness, RxMeta, SendHow, Shutdown,
    Sink, SocketId, TcpInfo, TcpOptions, TcpState, UdpOptions,
};

/// Something that a person should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEntry {
    /// Another host on the link claims our address (RFC 5227). Told at most once per 10 s.
    AddressConflict {
        /// The address, ours.
        addr: Ipv4Addr,
        /// The hardware address of the other host.
        mac: MacAddr,
    },
}

/// A line of the list of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The socket. Orphans, whose user has let go, are listed too; verbs refuse their ids.
    pub id: SocketId,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's; `None` when not connected.
    pub remote: Option<SocketAddr>,
    /// State of a TCP connection; [`TcpState::Closed`] for other kinds.
    pub state: TcpState,
}

/// One host on one link: its addresses, its sockets, its traffic.
pub struct Stack {
    pub(crate) layers: Layers,
}

impl Stack {
    /// A host with the address of `config`. `entropy` must be secret and random: sequence numbers, ports and
    /// identifiers are derived from it (RFC 6528, RFC 6056, RFC 7739). The first frame announces our address.
    pub fn new(config: Config, now: Instant, entropy: [u8; 32]) -> Stack {
        Stack { layers: Layers::new(config, now, entropy) }
    }

    // ---- driving ----

    /// Takes one Ethernet frame from the device. Payload is kept by reference to the buffer of `frame`.
    pub fn on_frame(&mut self, now: Instant, frame: Buf, meta: RxMeta) {
        self.layers.receive_frame(now, frame, meta);
    }

    /// Does what the passing of time demands. Calling it early is harmless.
    pub fn on_timeout(&mut self, now: Instant) {
        self.layers.on_timeout(now);
    }

    /// When [`Stack::on_timeout`] wants to be called; `None` when nothing is pending.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.layers.poll_timeout()
    }

    /// Hands every frame that may leave now to `sink`, and processes packets to ourselves. When the sink is full
    /// everything is kept for the next call.
    pub fn poll_transmit(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.layers.transmit(now, sink);
    }

    /// True when so much was received since the last acknowledgement that [`Stack::poll_transmit`] should be called
    /// before more frames are read: an acknowledgement for each 128 kB or so keeps the sender's window moving.
    pub fn ack_overdue(&self) -> bool {
        self.layers.tcp.ack_overdue()
    }

    /// True when a datagram socket's receive queue has become full since the last call: whoever reads frames for the program's own sake
    /// had better let it read first, since what comes next for that socket is dropped.
    pub fn datagrams_filled(&mut self) -> bool {
        self.layers.udp.filled() | self.layers.ping.filled() | self.layers.raw.set.filled()
    }

    /// The next readiness change. Changes of one socket are merged until they are asked for.
    pub fn poll_event(&mut self) -> Option<Event> {
        let layers = &mut self.layers;
        let event = layers.tcp.poll_event().or_else(|| layers.udp.poll_event());
        event.or_else(|| layers.ping.poll_event()).or_else(|| layers.raw.set.poll_event())
    }

    /// The next thing that a person should know. The queue keeps the first 16.
    pub fn poll_log(&mut self) -> Option<LogEntry> {
        self.layers.iface.log.pop_front()
    }

    /// The device is gone: every socket fails with [`Error::NetDown`], nothing is sent any more.
    pub fn device_gone(&mut self) {
        self.layers.device_gone();
    }

    /// Resets every synchronised connection; the RSTs leave with the next [`Stack::poll_transmit`].
    pub fn abort_all(&mut self, now: Instant) {
        self.layers.tcp.abort_all(now);
    }

    /// True while a connection (orphans included) has bytes or a FIN that the peer has not acknowledged, or a
    /// datagram waits to leave.
    pub fn pending_output(&self) -> bool {
        self.layers.tcp.pending_output() || self.layers.iface.output_pending()
    }

    // ---- looking ----

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.layers.counters
    }

    /// Our address and network.
    pub fn addr(&self) -> Ipv4Cidr {
        self.layers.iface.config.addr
    }

    /// Our hardware address.
    pub fn mac(&self) -> MacAddr {
        self.layers.iface.config.mac
    }

    /// The neighbours that ARP knows or asks for, by address.
    pub fn neighbors(&self, now: Instant) -> Vec<crate::types::Neighbor> {
        self.layers.iface.neighbors(now)
    }

    /// The largest IP packet of the link, bytes.
    pub fn mtu(&self) -> u16 {
        self.layers.iface.config.mtu
    }

    /// True for addresses whose traffic loops inside the stack: our own, and 127/8 when so configured.
    pub fn is_local(&self, addr: IpAddr) -> bool {
        matches!(addr, IpAddr::V4(v4) if self.layers.iface.is_local(v4))
    }

    /// The path MTU towards `dst` in bytes of IP packet (IP_MTU, ip(7)).
    pub fn path_mtu(&self, dst: IpAddr) -> u16 {
        match dst {
            IpAddr::V4(v4) => self.layers.iface.path_mtu(v4),
            IpAddr::V6(_) => self.mtu(),
        }
    }

    /// What must be true of every connection, looked at from inside: for tests and fuzzers.
    #[doc(hidden)]
    pub fn audit(&self) -> crate::tcp::audit::Audit {
        self.layers.tcp.audit()
    }

    /// Every socket that has an address.
    pub fn connections(&self) -> Vec<Connection> {
        let tcp = self.layers.tcp.connections().into_iter().filter_map(|(id, local, remote, state)| {
            let local = SocketAddr::V4(local?);
            Some(Connection { id, local, remote: remote.map(SocketAddr::V4), state })
        });
        let datagrams = self.layers.udp.connections().into_iter().chain(self.layers.ping.connections());
        tcp.chain(datagrams).chain(self.layers.raw.set.connections()).collect()
    }

    // ---- sockets of every kind ----

    /// Makes a socket, socket(2).
    ///
    /// # Errors
    /// [`Error::NoBuffers`] when there are too many.
    pub fn open(&mut self, kind: Kind) -> Result<SocketId> {
        match kind {
            Kind::Tcp => Ok(self.layers.tcp.open()),
            Kind::Udp => self.layers.udp.open(),
            Kind::Ping => self.layers.ping.open(),
            Kind::Raw => self.layers.raw.open(255),
        }
    }

    /// Gives a socket its local address, bind(2). Port 0 takes a free one; for a ping socket the port is the
    /// identifier of its echo requests (icmp(7)).
    ///
    /// # Errors
    /// [`Error::AddrNotAvailable`] when the address is not ours, [`Error::AddrInUse`], [`Error::InvalidArgument`] when
    /// already bound.
    pub fn bind(&mut self, _now: Instant, id: SocketId, addr: SocketAddr) -> Result<()> {
        let SocketAddr::V4(addr) = addr else { return Err(Error::AddrNotAvailable) };
        let iface = &self.layers.iface;
        let host = addr.ip().is_unspecified() || iface.is_local(*addr.ip()) || self.binds_freely(id);
        // A stream too may be bound to an address of many (inet_addr_valid_or_nonlocal); it hears nothing there.
        let many = iface.is_broadcast(*addr.ip()) || addr.ip().is_multicast();
        match id.kind {
            Kind::Tcp if host || many => self.layers.tcp.bind(id, addr),
            Kind::Udp if host || many => self.layers.udp.bind(id, addr),
            Kind::Ping if host => self.layers.ping.bind(id, addr),
            Kind::Raw if host || iface.is_broadcast(*addr.ip()) || addr.ip().is_multicast() => {
                self.layers.raw.bind(id, *addr.ip())
            }
            _ => Err(Error::AddrNotAvailable),
        }
    }

    /// After [`Stack::bind`] to a port that the host has drawn because the user asked for any: a UDP socket gives it back when its
    /// association is dissolved (SOCK_BINDPORT_LOCK is not set in the kernel).
    pub fn port_is_drawn(&mut self, id: SocketId) {
        if id.kind == Kind::Udp {
            self.layers.udp.port_is_drawn(id);
        }
    }

    /// Connects, connect(2). For TCP this starts the handshake; for datagrams it fixes the peer at once. The
    /// unspecified address means ourselves.
    ///
    /// # Errors
    /// TCP: [`Error::InProgress`] on a good start, [`Error::Already`], [`Error::IsConnected`]. All kinds:
    /// [`Error::NetUnreachable`], [`Error::AddrNotAvailable`] when no port is free. Datagrams:
    /// [`Error::PermissionDenied`] for a broadcast address without SO_BROADCAST.
    pub fn connect(&mut self, now: Instant, id: SocketId, remote: SocketAddr) -> Result<()> {
        let SocketAddr::V4(remote) = remote else { return Err(Error::NetUnreachable) };
        match id.kind {
            Kind::Tcp => self.connect_tcp(now, id, remote),
            Kind::Udp | Kind::Ping | Kind::Raw => self.layers.connect_datagram(id, remote),
        }
    }

    /// Dissolves the association of a datagram socket, connect(2) with AF_UNSPEC. For TCP it is tcp_disconnect:
    /// the connection is reset and the socket may be used again.
    ///
    /// # Errors
    /// [`Error::BadSocket`].
    pub fn disconnect(&mut self, now: Instant, id: SocketId) -> Result<()> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.disconnect(now, id),
            Kind::Udp => self.layers.udp.disconnect(id),
            Kind::Ping => self.layers.ping.disconnect(id),
            Kind::Raw => self.layers.raw.disconnect(id),
        }
    }

    /// True while a TCP socket's attempt to connect is under way, or has an outcome that no call was told of.
    pub fn is_connecting(&self, id: SocketId) -> bool {
        id.kind == Kind::Tcp && self.layers.tcp.is_connecting(id)
    }

    /// Shuts one or both directions, shutdown(2).
    ///
    /// # Errors
    /// [`Error::NotConnected`]; as on Linux an unconnected datagram socket is shut all the same.
    pub fn shutdown(&mut self, now: Instant, id: SocketId, how: Shutdown) -> Result<()> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.shutdown(now, id, how),
            Kind::Udp => self.layers.udp.shutdown(id, how),
            Kind::Ping => self.layers.ping.shutdown(id, how),
            Kind::Raw => self.layers.raw.set.shutdown(id, how),
        }
    }

    /// The user lets go of the socket, close(2): the id is void from now on. A TCP connection ends in order on its own
    /// (unread data or a zero linger make it a reset).
    pub fn close(&mut self, now: Instant, id: SocketId) {
        self.layers.iface.multicast.forget(now, id);
        match id.kind {
            Kind::Tcp => self.layers.tcp.close(now, id),
            Kind::Udp => self.layers.udp.close(id),
            Kind::Ping => self.layers.ping.close(id),
            Kind::Raw => self.layers.raw.close(id),
        }
    }

    /// As [`Stack::close`], but a TCP connection is reset (RFC 9293 section 3.10.5).
    pub fn abort(&mut self, now: Instant, id: SocketId) {
        self.layers.iface.multicast.forget(now, id);
        match id.kind {
            Kind::Tcp => self.layers.tcp.abort(now, id),
            Kind::Udp | Kind::Ping | Kind::Raw => self.close(now, id),
        }
    }

    /// What poll(2) would report now. An id that names no socket never blocks a waiter: TCP reports a hang-up.
    pub fn readiness(&self, id: SocketId) -> Readiness {
        match id.kind {
            Kind::Tcp => self.layers.tcp.readiness(id),
            Kind::Udp => self.layers.udp.readiness(id),
            Kind::Ping => self.layers.ping.readiness(id),
            Kind::Raw => self.layers.raw.set.readiness(id),
        }
    }

    /// The pending error, which is cleared (SO_ERROR, socket(7)).
    pub fn take_error(&mut self, id: SocketId) -> Option<Error> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.take_error(id),
            Kind::Udp => self.layers.udp.take_error(id),
            Kind::Ping => self.layers.ping.take_error(id),
            Kind::Raw => self.layers.raw.set.take_error(id),
        }
    }

    /// Makes `error` the pending error.
    pub fn set_error(&mut self, id: SocketId, error: Error) {
        match id.kind {
            Kind::Tcp => self.layers.tcp.set_error(id, error),
            Kind::Udp => self.layers.udp.set_error(id, error),
            Kind::Ping => self.layers.ping.set_error(id, error),
            Kind::Raw => self.layers.raw.set.set_error(id, error),
        }
    }

    /// Our address and port, getsockname(2); `None` before the socket has any.
    pub fn local_addr(&self, id: SocketId) -> Option<SocketAddr> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.local_addr(id),
            Kind::Udp => self.layers.udp.local_addr(id),
            Kind::Ping => self.layers.ping.local_addr(id),
            Kind::Raw => self.layers.raw.set.local_addr(id),
        }
        .map(SocketAddr::V4)
    }

    /// The peer's address and port, getpeername(2); `None` unless connected.
    pub fn peer_addr(&self, id: SocketId) -> Option<SocketAddr> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.peer_addr(id),
            Kind::Udp => self.layers.udp.peer_addr(id),
            Kind::Ping => self.layers.ping.peer_addr(id),
            Kind::Raw => self.layers.raw.set.peer_addr(id),
        }
        .map(SocketAddr::V4)
    }

    /// Bytes that a receive could return: all that is queued (TCP, SIOCINQ), or the next datagram's (udp(7)).
    pub fn recv_queued(&self, id: SocketId) -> usize {
        match id.kind {
            Kind::Tcp => self.layers.tcp.recv_queued(id),
            Kind::Udp => self.layers.udp.next_len(id).unwrap_or(0),
            Kind::Ping => self.layers.ping.next_len(id).unwrap_or(0),
            Kind::Raw => self.layers.raw.set.next_len(id).unwrap_or(0),
        }
    }

    /// Bytes not yet acknowledged (TCP, SIOCOUTQ), or of datagrams that have not left (udp(7)).
    pub fn send_queued(&self, id: SocketId) -> usize {
        match id.kind {
            Kind::Tcp => self.layers.tcp.send_queued(id),
            Kind::Udp => self.layers.udp.send_queued(id),
            Kind::Ping => self.layers.ping.send_queued(id),
            Kind::Raw => self.layers.raw.set.send_queued(id),
        }
    }

    // ---- TCP ----

    /// Waits for connections, listen(2). Again: changes the backlog.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for datagram sockets, [`Error::InvalidArgument`] when connected,
    /// [`Error::AddrInUse`].
    pub fn listen(&mut self, id: SocketId, backlog: u32) -> Result<()> {
        tcp_only(id)?;
        self.layers.tcp.listen(id, backlog)
    }

    /// Takes the next connection of a listener, accept(2): the new socket and its peer.
    ///
    /// # Errors
    /// [`Error::WouldBlock`], [`Error::InvalidArgument`] when not listening, [`Error::NotSupported`].
    pub fn accept(&mut self, id: SocketId) -> Result<(SocketId, SocketAddr)> {
        tcp_only(id)?;
        self.layers.tcp.accept(id).map(|(socket, peer)| (socket, SocketAddr::V4(peer)))
    }

    /// Queues bytes for sending and returns how many fitted, send(2). `more`: MSG_MORE, hold a partial segment.
    ///
    /// # Errors
    /// [`Error::WouldBlock`], [`Error::BrokenPipe`] after shutdown, [`Error::NotConnected`], the pending error.
    pub fn send(&mut self, now: Instant, id: SocketId, data: &[u8], more: bool) -> Result<usize> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.send(now, id, data, more),
            Kind::Udp | Kind::Ping | Kind::Raw => {
                self.layers.send_datagram(now, id, None, &[data], SendHow { more, ..SendHow::default() })
            }
        }
    }

    /// send(2) with MSG_FASTOPEN (RFC 7413): begins to connect and puts what fits into the SYN, if the peer's cookie is known;
    /// returns how many bytes that are. `to` may be None for a socket whose connect was deferred (TCP_FASTOPEN_CONNECT).
    ///
    /// # Errors
    /// Those of [`Stack::connect`] but for `InProgress`, which is success: [`Stack::connect_outcome`] tells how it went.
    pub fn send_fast_open(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddr>,
        data: &[u8],
    ) -> Result<usize> {
        tcp_only(id)?;
        let to = match to {
            Some(SocketAddr::V4(remote)) => Some(self.path_of(id, remote)?),
            Some(SocketAddr::V6(_)) => return Err(Error::NetUnreachable),
            None => None,
        };
        self.layers.tcp.send_fast_open(now, id, to, data)
    }

    /// What connect(2) would say of an attempt that was begun before.
    ///
    /// # Errors
    /// [`Error::Already`] while it goes on, [`Error::IsConnected`], [`Error::NotConnected`], and why it failed.
    pub fn connect_outcome(&mut self, id: SocketId) -> Result<()> {
        tcp_only(id)?;
        self.layers.tcp.outcome(id)
    }

    /// True when connect(2) has returned and the SYN waits for the first write (TCP_FASTOPEN_CONNECT).
    pub fn is_deferred(&self, id: SocketId) -> bool {
        id.kind == Kind::Tcp && self.layers.tcp.is_deferred(id)
    }

    /// Room in the send buffer, bytes.
    ///
    /// # Errors
    /// As [`Stack::send`]; [`Error::NotSupported`] for datagram sockets.
    pub fn send_space(&self, id: SocketId) -> Result<usize> {
        tcp_only(id)?;
        self.layers.tcp.send_space(id)
    }

    /// The caller will not send more soon: what a stream of sends held back, to fill a frame with it, leaves.
    pub fn end_send(&mut self, now: Instant, id: SocketId) {
        if id.kind == Kind::Tcp {
            self.layers.tcp.end_send(now, id);
        }
    }

    /// Memory of the send buffers to fill, with anything in it: `len` bytes at least, or 64 kB when that is less. It goes
    /// back with [`Stack::send_chunk`].
    pub fn take_chunk(&mut self, len: usize) -> Vec<u8> {
        self.layers.tcp.take_chunk(len)
    }

    /// As [`Stack::send`] of the first `len` bytes of a chunk, without copying them. All are taken, also beyond the buffer's
    /// limit: ask [`Stack::send_space`] first. With 0 the chunk only goes back.
    ///
    /// # Errors
    /// As [`Stack::send`]; [`Error::NotSupported`] for datagram sockets.
    pub fn send_chunk(
        &mut self,
        now: Instant,
        id: SocketId,
        chunk: Vec<u8>,
        len: usize,
        more: bool,
    ) -> Result<usize> {
        tcp_only(id)?;
        self.layers.tcp.send_chunk(now, id, chunk, len, more)
    }

    /// As [`Stack::recv`] without copying: `f` is shown the first bytes, at most `max` and as slices, and answers how many
    /// it took.
    ///
    /// # Errors
    /// As [`Stack::recv`]; [`Error::NotSupported`] for datagram sockets.
    pub fn recv_with(
        &mut self,
        now: Instant,
        id: SocketId,
        max: usize,
        f: &mut dyn FnMut(&[&[u8]]) -> usize,
    ) -> Result<usize> {
        tcp_only(id)?;
        self.layers.tcp.recv_with(now, id, max, f)
    }

    /// Takes received bytes, recv(2). 0 is the end of the stream.
    ///
    /// # Errors
    /// [`Error::WouldBlock`], [`Error::NotConnected`], the pending error once, after the data.
    pub fn recv(&mut self, now: Instant, id: SocketId, buf: &mut [u8]) -> Result<usize> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.recv(now, id, buf),
            Kind::Udp | Kind::Ping | Kind::Raw => {
                self.recv_from(id, buf, false).map(|meta| meta.len.min(buf.len()))
            }
        }
    }

    /// Copies received bytes from `offset` on without taking them (MSG_PEEK).
    ///
    /// # Errors
    /// As [`Stack::recv`]; [`Error::NotSupported`] for datagram sockets ([`Stack::recv_from`] peeks those).
    pub fn peek(&mut self, id: SocketId, offset: usize, buf: &mut [u8]) -> Result<usize> {
        tcp_only(id)?;
        self.layers.tcp.peek(id, offset, buf)
    }

    /// Drops up to `n` received bytes and returns how many (MSG_TRUNC on TCP, tcp(7)).
    ///
    /// # Errors
    /// As [`Stack::recv`]; [`Error::NotSupported`] for datagram sockets.
    pub fn discard(&mut self, now: Instant, id: SocketId, n: usize) -> Result<usize> {
        tcp_only(id)?;
        self.layers.tcp.discard(now, id, n)
    }

    /// The last byte that was queued is urgent (MSG_OOB on TCP, tcp(7)).
    pub fn mark_urgent(&mut self, id: SocketId) {
        if id.kind == Kind::Tcp {
            self.layers.tcp.mark_urgent(id);
        }
    }

    /// Reads the urgent byte (MSG_OOB on TCP, tcp(7)); None at the end of the stream. `peek`: it stays.
    ///
    /// # Errors
    /// InvalidArgument when there is none, it was read, or it is in line; WouldBlock when it is on its way.
    pub fn recv_urgent(&mut self, id: SocketId, peek: bool) -> Result<Option<u8>> {
        tcp_only(id)?;
        self.layers.tcp.recv_urgent(id, peek)
    }

    /// True when the next byte to read is the urgent one (SIOCATMARK, tcp(7)).
    pub fn at_mark(&self, id: SocketId) -> bool {
        id.kind == Kind::Tcp && self.layers.tcp.at_mark(id)
    }

    /// True when a read ends here, having got bytes: what comes next is urgent. `peeked`: bytes got by peeking, else 0.
    pub fn stops_at_mark(&self, id: SocketId, peeked: usize) -> bool {
        id.kind == Kind::Tcp && self.layers.tcp.mark_is_at(id, peeked)
    }

    /// Bytes in the send buffer that were never sent (SIOCOUTQNSD, tcp(7)).
    pub fn send_notsent(&self, id: SocketId) -> usize {
        if id.kind == Kind::Tcp { self.layers.tcp.send_notsent(id) } else { 0 }
    }

    /// The state of a TCP socket; [`TcpState::Closed`] for anything else.
    pub fn tcp_state(&self, id: SocketId) -> TcpState {
        if id.kind == Kind::Tcp { self.layers.tcp.state(id) } else { TcpState::Closed }
    }

    /// TCP_SAVED_SYN: IP and TCP header of the SYN that made this connection, told once; empty when there is none. The inner
    /// error is the length when `room` bytes are too few.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub fn saved_syn(&mut self, id: SocketId, room: usize) -> Result<std::result::Result<Vec<u8>, usize>> {
        tcp_only(id)?;
        self.layers.tcp.saved_syn(id, room)
    }

    /// Real figures of a connection (TCP_INFO, tcp(7)).
    ///
    /// # Errors
    /// [`Error::BadSocket`], [`Error::NotSupported`].
    pub fn tcp_info(&self, now: Instant, id: SocketId) -> Result<TcpInfo> {
        tcp_only(id)?;
        self.layers.tcp.info(now, id)
    }

    /// Most memory that the buffers of all TCP connections may take together, bytes (Linux: tcp_mem); 0: 192 MB. Beyond two thirds
    /// of it windows stay small, beyond all of it a connection goes on only with what it can do with empty buffers.
    pub fn set_tcp_memory(&mut self, bytes: usize) {
        self.layers.tcp.set_memory_limit(bytes);
    }

    /// TCP_QUICKACK: acknowledge at once, or wait for data to send along, until the traffic decides otherwise (tcp(7)).
    /// `once`: at once now, and wait from then on.
    ///
    /// # Errors
    /// [`Error::NotSupported`].
    pub fn set_tcp_quickack(&mut self, now: Instant, id: SocketId, on: bool, once: bool) -> Result<()> {
        tcp_only(id)?;
        self.layers.tcp.set_quickack(now, id, on, once);
        Ok(())
    }

    /// TCP_QUICKACK as it is now: true also for a socket that is not connected.
    pub fn tcp_quickack(&self, id: SocketId) -> bool {
        self.layers.tcp.quickack(id)
    }

    /// The settings of a TCP socket.
    ///
    /// # Errors
    /// [`Error::BadSocket`], [`Error::NotSupported`].
    pub fn tcp_options(&self, id: SocketId) -> Result<TcpOptions> {
        tcp_only(id)?;
        self.layers.tcp.options(id).cloned()
    }

    /// Changes the settings of a TCP socket, and acts on the change: ending TCP_CORK sends, and so on.
    ///
    /// # Errors
    /// [`Error::BadSocket`], [`Error::NotSupported`].
    pub fn set_tcp_options(&mut self, now: Instant, id: SocketId, options: TcpOptions) -> Result<()> {
        tcp_only(id)?;
        self.layers.tcp.set_options(now, id, options)
    }

    // ---- UDP and ping sockets ----

    /// Sends one datagram made of `payload`'s slices in order, sendto(2); without `to`, to the connected peer. A ping
    /// socket's payload is a whole ICMP echo request, whose identifier and checksum are filled in here.
    ///
    /// # Errors
    /// [`Error::DestinationRequired`], [`Error::NetUnreachable`], [`Error::PermissionDenied`] (broadcast),
    /// [`Error::MessageTooLong`] over 65507 bytes or over the path MTU with DF, [`Error::WouldBlock`] when the
    /// socket's send buffer is full, [`Error::BrokenPipe`] after shutdown, the pending error.
    pub fn send_to(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddr>,
        payload: &[&[u8]],
    ) -> Result<usize> {
        self.send_with(now, id, to, payload, SendHow::default())
    }

    /// As [`Stack::send_to`], cut into several datagrams or put together with the next send (UDP_SEGMENT, MSG_MORE; udp(7)).
    ///
    /// # Errors
    /// As [`Stack::send_to`]; also [`Error::MessageTooLong`] when one of several datagrams does not fit the path,
    /// [`Error::InvalidArgument`] for more than 128 of them.
    pub fn send_with(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddr>,
        payload: &[&[u8]],
        how: SendHow,
    ) -> Result<usize> {
        let to = match to {
            None => None,
            Some(SocketAddr::V4(v4)) => Some(v4),
            Some(SocketAddr::V6(_)) => return Err(Error::NetUnreachable),
        };
        self.layers.send_datagram(now, id, to, payload, how)
    }

    /// Sends what MSG_MORE or UDP_CORK has put together so far.
    pub fn uncork(&mut self, now: Instant, id: SocketId) {
        if id.kind == Kind::Udp {
            self.layers.uncork(now, id);
        }
    }

    /// Takes (or with `peek` copies) the next datagram, recvfrom(2). What does not fit is lost; the returned
    /// length is the whole datagram's.
    ///
    /// # Errors
    /// The pending error first, [`Error::WouldBlock`] when nothing is queued, also after a shutdown for reading: a blocking
    /// caller then returns 0, a non-blocking one EAGAIN, as on Linux. [`Error::NotSupported`] for TCP.
    pub fn recv_from(&mut self, id: SocketId, buf: &mut [u8], peek: bool) -> Result<DatagramMeta> {
        self.recv_vectored(id, &mut [buf], peek)
    }

    /// As [`Stack::recv_from`], into several buffers in order.
    ///
    /// # Errors
    /// As [`Stack::recv_from`].
    pub fn recv_vectored(
        &mut self,
        id: SocketId,
        bufs: &mut [&mut [u8]],
        peek: bool,
    ) -> Result<DatagramMeta> {
        match id.kind {
            Kind::Tcp => Err(Error::NotSupported),
            Kind::Udp => self.layers.udp.recv(id, bufs, peek),
            Kind::Ping => self.layers.ping.recv(id, bufs, peek),
            Kind::Raw => self.layers.raw.set.recv(id, bufs, peek),
        }
    }

    /// As [`Stack::recv_vectored`] with `peek`, from byte `offset` of the queue on (SO_PEEK_OFF); also answers where in its
    /// datagram that is.
    ///
    /// # Errors
    /// As [`Stack::recv_from`]; [`Error::WouldBlock`] when the queue ends before.
    pub fn peek_at(
        &mut self,
        id: SocketId,
        bufs: &mut [&mut [u8]],
        offset: usize,
    ) -> Result<(DatagramMeta, usize)> {
        match id.kind {
            Kind::Udp => self.layers.udp.peek_at(id, bufs, offset),
            _ => Err(Error::NotSupported),
        }
    }

    /// Takes the oldest entry out of a socket's error queue (MSG_ERRQUEUE, recvmsg(2)); what it is about is copied
    /// into `bufs` as far as they go.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] when there is none.
    pub fn recv_error(&mut self, id: SocketId, bufs: &mut [&mut [u8]]) -> Result<QueuedError> {
        match id.kind {
            Kind::Tcp => self.layers.tcp.recv_error(id, bufs),
            Kind::Udp => self.layers.udp.recv_error(id, bufs),
            Kind::Ping => self.layers.ping.recv_error(id, bufs),
            Kind::Raw => self.layers.raw.set.recv_error(id, bufs),
        }
    }

    /// Bytes of the next datagram; `None` when none is queued.
    pub fn next_datagram_len(&self, id: SocketId) -> Option<usize> {
        match id.kind {
            Kind::Tcp => None,
            Kind::Udp => self.layers.udp.next_len(id),
            Kind::Ping => self.layers.ping.next_len(id),
            Kind::Raw => self.layers.raw.set.next_len(id),
        }
    }

    /// The settings of a datagram socket.
    ///
    /// # Errors
    /// [`Error::BadSocket`], [`Error::NotSupported`] for TCP.
    pub fn udp_options(&self, id: SocketId) -> Result<UdpOptions> {
        match id.kind {
            Kind::Tcp => Err(Error::NotSupported),
            Kind::Udp => self.layers.udp.options(id).cloned(),
            Kind::Ping => self.layers.ping.options(id).cloned(),
            Kind::Raw => self.layers.raw.set.options(id).cloned(),
        }
    }

    /// Changes the settings of a datagram socket.
    ///
    /// # Errors
    /// [`Error::BadSocket`], [`Error::NotSupported`] for TCP.
    pub fn set_udp_options(&mut self, id: SocketId, options: UdpOptions) -> Result<()> {
        match id.kind {
            Kind::Tcp => Err(Error::NotSupported),
            Kind::Udp => self.layers.udp.set_options(id, options),
            Kind::Ping => self.layers.ping.set_options(id, options),
            Kind::Raw => self.layers.raw.set.set_options(id, options),
        }
    }

    // ---- details ----

    fn connect_tcp(&mut self, now: Instant, id: SocketId, remote: SocketAddrV4) -> Result<()> {
        let (remote, source, mtu) = self.path_of(id, remote)?;
        self.layers.tcp.connect(now, id, remote, source, mtu)
    }

    /// Where a stream that is to be connected to `remote` goes: its peer, our address, the MTU on the way.
    fn path_of(&mut self, id: SocketId, remote: SocketAddrV4) -> Result<(SocketAddrV4, Ipv4Addr, u16)> {
        let layers = &mut self.layers;
        let bound = layers.tcp.local_addr(id).map(|local| *local.ip()).filter(|ip| !ip.is_unspecified());
        let remote = layers.iface.name_ourselves(remote, bound);
        // tcp_v4_connect: a stream needs one peer.
        if layers.iface.is_broadcast(*remote.ip()) || remote.ip().is_multicast() {
            return Err(Error::NetUnreachable);
        }
        // Bound to an address of many: the device's is the source (__inet_bind, "use device").
        let bound = bound.filter(|ip| !layers.iface.is_broadcast(*ip) && !ip.is_multicast());
        layers.iface.check_source(bound)?;
        let source = layers.iface.source_for(*remote.ip(), bound)?;
        if layers.tcp.options(id).is_ok_and(|o| o.dont_route) {
            layers.iface.check_near(*remote.ip())?;
        }
        let mtu = layers.iface.path_mtu(*remote.ip());
        Ok((remote, source, mtu))
    }

    /// IP_FREEBIND
    fn binds_freely(&self, id: SocketId) -> bool {
        match id.kind {
            Kind::Tcp => self.layers.tcp.options(id).is_ok_and(|o| o.freebind),
            _ => self.udp_options(id).is_ok_and(|o| o.freebind),
        }
    }
}

fn tcp_only(id: SocketId) -> Result<()> {
    if id.kind == Kind::Tcp { Ok(()) } else { Err(Error::NotSupported) }
}
