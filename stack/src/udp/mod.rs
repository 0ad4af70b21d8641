//! Datagram sockets: UDP (RFC 768, udp(7)) and ping sockets (icmp(7)), which differ only in what a port is. Raw sockets
//! (`crate::raw`) are a set of them too.
//!
//! [`Datagrams`] is the set of all sockets of one kind: a generational slab, the tables by which a datagram finds its
//! socket ([`ports`]), and the queue of readiness changes. [`socket`] is one socket's state, [`queue`] what it has
//! received, [`send`] the way out. A ping socket's "port" is the identifier of its echo messages; its datagrams are whole ICMP messages.
//!
//! Receive queues are bounded by the memory that a datagram really holds (SO_RCVBUF): small ones are copied out of
//! their frame. Send buffers are charged until the datagram left for the device.
//!
//! Several datagrams may travel as one frame, which the device cuts or has put together (UDP segmentation offload): see
//! UDP_SEGMENT in [`send`] and UDP_GRO in [`socket`]. Datagrams that arrive one by one are never put together here.
//!
//! What goes wrong on the way is kept in the error queue of a socket with IP_RECVERR ([`errors`]).

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::buf::Buf;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::iface::keys::{Keyed, Random};
use crate::iface::multicast::Multicast;
use crate::stack::Connection;
use crate::time::Instant;
use crate::types::{DatagramMeta, Event, Kind, Readiness, Shutdown, SocketId, TcpState, UdpOptions};
use crate::wire::ipv4;

pub(crate) mod errors;
mod filtered;
mod ports;
mod queue;
mod send;
mod socket;

use ports::PortKey;
pub(crate) use ports::port_range;
use socket::Socket;

/// Sockets of one kind at most.
const MAX_SOCKETS: usize = 1 << 20;

/// Addresses and header fields of a datagram that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) from: SocketAddrV4,
    pub(crate) to: SocketAddrV4,
    pub(crate) ttl: u8,
    pub(crate) tos: u8,
    pub(crate) at: Instant,
    /// Bytes of the largest fragment that it came in, or 0.
    pub(crate) largest_fragment: u16,
}

impl Arrival {
    /// What `ip` says of a datagram that arrives now.
    pub(crate) fn new(ip: &ipv4::Repr, from_port: u16, to_port: u16, at: Instant) -> Arrival {
        Arrival {
            from: SocketAddrV4::new(ip.src, from_port),
            to: SocketAddrV4::new(ip.dst, to_port),
            ttl: ip.ttl,
            tos: ip.tos,
            at,
            largest_fragment: 0,
        }
    }
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    socket: Option<Socket>,
}

/// All datagram sockets of one kind.
pub(crate) struct Datagrams {
    kind: Kind,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Bound sockets, connected or not, by port.
    bound: HashMap<PortKey, Vec<u32>, Keyed>,
    /// Bound sockets without a peer, by port, in the order of binding.
    unconnected: HashMap<u16, Vec<u32>, Keyed>,
    /// Connected sockets by our end and theirs.
    connected: HashMap<(SocketAddrV4, SocketAddrV4), Vec<u32>, Keyed>,
    random: Random,
    key: Keyed,
    /// Sockets with edges to tell of.
    events: VecDeque<u32>,
    /// A receive queue has become full.
    filled: bool,
    down: bool,
}

impl Datagrams {
    pub(crate) fn new(kind: Kind, key: Keyed) -> Datagrams {
        Datagrams {
            kind,
            slots: Vec::new(),
            free: Vec::new(),
            bound: HashMap::with_hasher(key),
            unconnected: HashMap::with_hasher(key),
            connected: HashMap::with_hasher(key),
            random: Random::new(key),
            key,
            events: VecDeque::new(),
            filled: false,
            down: false,
        }
    }

    // ---- verbs ----

    /// Makes a socket.
    ///
    /// # Errors
    /// [`Error::NoBuffers`]
    pub(crate) fn open(&mut self) -> Result<SocketId> {
        let mut socket = Socket::default();
        // ping_init_sock
        socket.options.reuseaddr = matches!(self.kind, Kind::Ping | Kind::Raw);
        if self.down {
            socket.device_gone();
        }
        if let Some(index) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                slot.socket = Some(socket);
                return Ok(SocketId { kind: self.kind, index, generation: slot.generation });
            }
        }
        if self.slots.len() >= MAX_SOCKETS {
            return Err(Error::NoBuffers);
        }
        let index = self.slots.len() as u32;
        self.slots.push(Slot { generation: 0, socket: Some(socket) });
        Ok(SocketId { kind: self.kind, index, generation: 0 })
    }

    /// The user lets go. Datagrams already sent still leave.
    pub(crate) fn close(&mut self, id: SocketId) {
        if self.get(id).is_err() {
            return;
        }
        self.unlink(id.index);
        if let Some(slot) = self.slots.get_mut(id.index as usize) {
            slot.socket = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(id.index);
        }
    }

    /// Takes a local address; the caller has checked that it is ours. Port 0: any free one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when bound already, [`Error::AddrInUse`].
    pub(crate) fn bind(&mut self, id: SocketId, addr: SocketAddrV4) -> Result<()> {
        let socket = self.get(id)?;
        if socket.local.is_some() {
            return Err(Error::InvalidArgument);
        }
        let port = match addr.port() {
            0 => self.free_port(id.index, *addr.ip()).ok_or(Error::AddrInUse)?,
            port if self.in_use(id.index, SocketAddrV4::new(*addr.ip(), port)) => {
                return Err(Error::AddrInUse);
            }
            port => port,
        };
        let socket = self.get_mut(id)?;
        socket.local = Some(SocketAddrV4::new(*addr.ip(), port));
        socket.bound_addr = !addr.ip().is_unspecified();
        socket.bound_port = addr.port() != 0;
        self.link(id.index);
        Ok(())
    }

    /// The port was drawn by the host, not chosen by the user: dissolving the association gives it back.
    pub(crate) fn port_is_drawn(&mut self, id: SocketId) {
        if let Ok(socket) = self.get_mut(id) {
            socket.bound_port = false;
        }
    }

    /// Binds to a port of our choice unless bound, as the first send or connect does.
    ///
    /// # Errors
    /// [`Error::WouldBlock`] when all ports are taken (EAGAIN, ip(7)).
    fn autobind(&mut self, id: SocketId) -> Result<SocketAddrV4> {
        if let Some(local) = self.get(id)?.local {
            return Ok(local);
        }
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        match self.bind(id, any) {
            Err(Error::AddrInUse) => return Err(Error::WouldBlock),
            other => other?,
        }
        self.get(id)?.local.ok_or(Error::WouldBlock)
    }

    /// Fixes the peer. `source` becomes our address if none was bound.
    fn set_peer(&mut self, id: SocketId, remote: SocketAddrV4, source: Ipv4Addr) -> Result<()> {
        let local = self.autobind(id)?;
        self.unlink(id.index);
        let socket = self.get_mut(id)?;
        if local.ip().is_unspecified() {
            socket.local = Some(SocketAddrV4::new(source, local.port()));
        }
        socket.remote = Some(remote);
        self.link(id.index);
        Ok(())
    }

    /// Dissolves the association: what connect and autobind chose is given back (Linux __udp_disconnect).
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn disconnect(&mut self, id: SocketId) -> Result<()> {
        self.get(id)?;
        self.unlink(id.index);
        let socket = self.get_mut(id)?;
        socket.remote = None;
        if let Some(local) = socket.local {
            let addr = if socket.bound_addr { *local.ip() } else { Ipv4Addr::UNSPECIFIED };
            socket.local = socket.bound_port.then(|| SocketAddrV4::new(addr, local.port()));
            if socket.bound_addr && socket.local.is_none() {
                // An address without a port holds nothing; keep both, as the kernel keeps the address.
                socket.local = Some(local);
            }
        }
        self.link(id.index);
        Ok(())
    }

    /// Shuts directions. An unconnected socket is shut as well as refused, as on Linux.
    ///
    /// # Errors
    /// [`Error::NotConnected`]
    pub(crate) fn shutdown(&mut self, id: SocketId, how: Shutdown) -> Result<()> {
        let socket = self.get_mut(id)?;
        socket.shut(how);
        let connected = socket.remote.is_some();
        self.raise(id.index, Readiness::IN | Readiness::OUT | Readiness::RDHUP | Readiness::HUP);
        if connected { Ok(()) } else { Err(Error::NotConnected) }
    }

    /// Takes or copies the next datagram.
    ///
    /// # Errors
    /// The pending error, [`Error::WouldBlock`].
    pub(crate) fn recv(&mut self, id: SocketId, bufs: &mut [&mut [u8]], peek: bool) -> Result<DatagramMeta> {
        let ping = self.kind == Kind::Ping;
        let socket = self.get_mut(id)?;
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        let taken = socket.next(bufs, peek).ok_or(Error::WouldBlock)?;
        Ok(meta(taken, ping))
    }

    /// Copies without taking, from byte `offset` of the queue on; also answers where in its datagram that is.
    pub(crate) fn peek_at(
        &mut self,
        id: SocketId,
        bufs: &mut [&mut [u8]],
        offset: usize,
    ) -> Result<(DatagramMeta, usize)> {
        let ping = self.kind == Kind::Ping;
        let socket = self.get_mut(id)?;
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        let (taken, at) = socket.peek_at(bufs, offset).ok_or(Error::WouldBlock)?;
        Ok((meta(taken, ping), at))
    }

    /// Bytes of the next datagram.
    pub(crate) fn next_len(&self, id: SocketId) -> Option<usize> {
        self.get(id).ok()?.next_len()
    }

    /// Bytes of datagrams that have not left.
    pub(crate) fn send_queued(&self, id: SocketId) -> usize {
        self.get(id).map_or(0, |socket| socket.send_memory)
    }

    /// What poll(2) would report.
    pub(crate) fn readiness(&self, id: SocketId) -> Readiness {
        self.get(id).map_or(Readiness::NONE, Socket::readiness)
    }

    /// The pending error, which is cleared.
    pub(crate) fn take_error(&mut self, id: SocketId) -> Option<Error> {
        self.get_mut(id).ok()?.take_error()
    }

    /// Makes `error` the pending error.
    pub(crate) fn set_error(&mut self, id: SocketId, error: Error) {
        if let Ok(socket) = self.get_mut(id) {
            socket.set_error(error);
        }
    }

    /// Our address and port.
    pub(crate) fn local_addr(&self, id: SocketId) -> Option<SocketAddrV4> {
        self.get(id).ok()?.local
    }

    /// The peer's address and port.
    pub(crate) fn peer_addr(&self, id: SocketId) -> Option<SocketAddrV4> {
        self.get(id).ok()?.remote
    }

    /// The settings.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn options(&self, id: SocketId) -> Result<&UdpOptions> {
        self.get(id).map(|socket| &socket.options)
    }

    /// Changes the settings.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn set_options(&mut self, id: SocketId, options: UdpOptions) -> Result<()> {
        // The tables know a port together with IPV6_V6ONLY. Other changes leave the place among those that share it.
        let relink = self.get(id)?.options.v6only != options.v6only;
        if relink {
            self.unlink(id.index);
        }
        let socket = self.get_mut(id)?;
        let was_writable = socket.is_writable();
        socket.options = options;
        if !socket.options.recverr {
            // The queue is given up, the pending error stays (skb_errqueue_purge).
            socket.errors = None;
        }
        let edge = socket.is_writable() && !was_writable;
        if relink {
            self.link(id.index);
        }
        if edge {
            self.raise(id.index, Readiness::OUT);
        }
        Ok(())
    }

    /// The next readiness change.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        while let Some(index) = self.events.pop_front() {
            let Some(slot) = self.slots.get_mut(index as usize) else { continue };
            let Some(socket) = &mut slot.socket else { continue };
            let edges = std::mem::take(&mut socket.edges);
            if !edges.is_empty() {
                let socket = SocketId { kind: self.kind, index, generation: slot.generation };
                return Some(Event { socket, edges });
            }
        }
        None
    }

    /// Every socket that has an address.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        let sockets = self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let socket = slot.socket.as_ref()?;
            let id = SocketId { kind: self.kind, index: index as u32, generation: slot.generation };
            Some(Connection {
                id,
                local: SocketAddr::V4(socket.local?),
                remote: socket.remote.map(SocketAddr::V4),
                state: TcpState::Closed,
            })
        });
        sockets.collect()
    }

    // ---- from below ----

    /// Queues at a socket what one frame brought: a datagram, or several of `gso_size` bytes.
    pub(crate) fn deliver(
        &mut self,
        index: u32,
        arrival: &Arrival,
        payload: Buf,
        gso_size: u16,
        counters: &mut Counters,
    ) {
        let kind = self.kind;
        let Some(socket) = self.at_mut(index) else { return };
        let (taken, refused) = if socket.options.filter.is_none() {
            socket.push(*arrival, payload, gso_size)
        } else {
            let (taken, refused, dropped) = socket.push_filtered(kind, *arrival, payload, gso_size);
            counters.filtered += dropped;
            (taken, refused)
        };
        let (delivered, full) = match kind {
            Kind::Ping => (&mut counters.ping_in, &mut counters.ping_queue_full),
            Kind::Raw => (&mut counters.raw_in, &mut counters.raw_queue_full),
            Kind::Udp | Kind::Tcp => (&mut counters.udp_in, &mut counters.udp_queue_full),
        };
        *delivered += taken;
        *full += refused;
        let full = taken > 0 && socket.is_full();
        if taken > 0 {
            self.raise(index, Readiness::IN);
        }
        self.filled |= full;
    }

    /// True when a receive queue has become full since the last time.
    pub(crate) fn filled(&mut self) -> bool {
        std::mem::take(&mut self.filled)
    }

    /// Queues a broadcast, or what came to a group, at every socket that matches; false when none does.
    pub(crate) fn deliver_to_all(
        &mut self,
        arrival: &Arrival,
        payload: &Buf,
        gso_size: u16,
        groups: &Multicast,
        counters: &mut Counters,
    ) -> bool {
        let matching = self.lookup_all(arrival.to, arrival.from, groups);
        for index in &matching {
            self.deliver(*index, arrival, payload.clone(), gso_size, counters);
        }
        !matching.is_empty()
    }

    /// An echo reply with our identifier `ident`; `message` is all of it. False when no socket waits for it.
    pub(crate) fn on_echo_reply(
        &mut self,
        ip: &ipv4::Repr,
        ident: u16,
        message: Buf,
        at: Instant,
        counters: &mut Counters,
    ) -> bool {
        let arrival = Arrival::new(ip, 0, ident, at);
        let Some(index) = self.lookup(arrival.to, arrival.from) else { return false };
        self.deliver(index, &arrival, message, 0, counters);
        true
    }

    /// True when a socket could have sent a packet from `local` to `remote`.
    pub(crate) fn matches_error(&self, local: SocketAddrV4, remote: SocketAddrV4) -> bool {
        self.lookup(local, remote).is_some()
    }

    /// An ICMP error about a packet from `local` to `remote` (RFC 1122 section 4.1.3.3).
    pub(crate) fn on_error(
        &mut self,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        report: &errors::Report<'_>,
    ) {
        if let Some(index) = self.lookup(local, remote) {
            self.report(index, report);
        }
    }

    /// A datagram charged with `charge` bytes has left.
    pub(crate) fn sent(&mut self, id: SocketId, charge: usize) {
        let Ok(socket) = self.get_mut(id) else { return };
        let was_writable = socket.is_writable();
        socket.send_memory = socket.send_memory.saturating_sub(charge);
        if socket.is_writable() && !was_writable {
            self.raise(id.index, Readiness::OUT);
        }
    }

    /// The device is gone: every socket fails, and those to come.
    pub(crate) fn device_gone(&mut self) {
        self.down = true;
        for index in 0..self.slots.len() as u32 {
            if let Some(socket) = self.at_mut(index) {
                socket.device_gone();
                self.raise(index, Readiness::ERR | Readiness::HUP);
            }
        }
    }

    // ---- details ----

    fn get(&self, id: SocketId) -> Result<&Socket> {
        let slot = self.slots.get(id.index as usize).ok_or(Error::BadSocket)?;
        if slot.generation != id.generation || id.kind != self.kind {
            return Err(Error::BadSocket);
        }
        slot.socket.as_ref().ok_or(Error::BadSocket)
    }

    fn get_mut(&mut self, id: SocketId) -> Result<&mut Socket> {
        let slot = self.slots.get_mut(id.index as usize).ok_or(Error::BadSocket)?;
        if slot.generation != id.generation || id.kind != self.kind {
            return Err(Error::BadSocket);
        }
        slot.socket.as_mut().ok_or(Error::BadSocket)
    }

    fn at(&self, index: u32) -> Option<&Socket> {
        self.slots.get(index as usize)?.socket.as_ref()
    }

    fn at_mut(&mut self, index: u32) -> Option<&mut Socket> {
        self.slots.get_mut(index as usize)?.socket.as_mut()
    }

    /// Notes edges; the socket is queued once however many there are.
    fn raise(&mut self, index: u32, edges: Readiness) {
        let Some(socket) = self.at_mut(index) else { return };
        let queued = !socket.edges.is_empty();
        socket.edges |= edges;
        if !queued {
            self.events.push_back(index);
        }
    }
}

/// What a user is told of a datagram.
fn meta(taken: queue::Taken, ping: bool) -> DatagramMeta {
    let arrival = taken.arrival;
    let from = if ping { SocketAddrV4::new(*arrival.from.ip(), 0) } else { arrival.from };
    DatagramMeta {
        len: taken.len,
        gso_size: taken.gso_size,
        from: from.into(),
        to: (*arrival.to.ip()).into(),
        to_port: arrival.to.port(),
        ttl: arrival.ttl,
        tos: arrival.tos,
        at: arrival.at,
        drops: taken.drops,
        largest_fragment: arrival.largest_fragment,
    }
}

#[cfg(test)]
mod tests;
