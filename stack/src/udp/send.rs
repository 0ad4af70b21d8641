//! Connecting and sending, where datagram sockets meet routes and path MTUs. The order of the checks is that of
//! Linux's udp_sendmsg and ping_v4_sendmsg, for programs see the first error only.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::error::{Error, Result};
use crate::iface::Layers;
use crate::iface::egress::{Df, Layer4, OutPacket};
use crate::time::Instant;
use crate::types::{Kind, SocketId};
use crate::udp::Datagrams;
use crate::udp::socket::OVERHEAD;
use crate::wire::icmpv4::kind::ECHO_REQUEST;
use crate::wire::{checksum, icmpv4, ipv4, udp};

/// Largest IP payload.
const MAX_IP_PAYLOAD: usize = 65_535 - ipv4::HEADER_LEN;

impl Layers {
    /// Fixes the peer of a datagram socket, connect(2).
    ///
    /// # Errors
    /// [`Error::NetUnreachable`], [`Error::PermissionDenied`] for broadcast without SO_BROADCAST,
    /// [`Error::WouldBlock`] when no port is free.
    pub(crate) fn connect_datagram(&mut self, id: SocketId, remote: SocketAddrV4) -> Result<()> {
        let set = if id.kind == Kind::Ping { &mut self.ping } else { &mut self.udp };
        let bound = set.autobind(id)?;
        let bound = self.iface.host_address(*bound.ip());
        let remote = self.iface.name_ourselves(remote, bound);
        let source = self.iface.source_for(*remote.ip(), bound)?;
        if self.iface.is_broadcast(*remote.ip()) && !set.options(id)?.broadcast {
            return Err(Error::PermissionDenied);
        }
        set.set_peer(id, remote, source)
    }

    /// Sends one datagram; `to` or else the peer.
    ///
    /// # Errors
    /// See [`crate::Stack::send_to`].
    pub(crate) fn send_datagram(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddrV4>,
        payload: &[&[u8]],
    ) -> Result<usize> {
        self.iface.now = now;
        let ping = id.kind == Kind::Ping;
        let set = if ping { &mut self.ping } else { &mut self.udp };
        let len = payload.iter().map(|slice| slice.len()).fold(0, usize::saturating_add);
        // inet_send_prepare binds before anything is looked at.
        let local = set.autobind(id)?;
        if len > usize::from(u16::MAX) {
            return Err(Error::MessageTooLong);
        }
        if ping {
            check_echo(payload, len)?;
        }
        let socket = set.get(id)?;
        let to = match to {
            Some(to) => to,
            None => socket.remote.ok_or(Error::DestinationRequired)?,
        };
        if to.port() == 0 && !ping {
            return Err(Error::InvalidArgument);
        }
        let bound = self.iface.host_address(*local.ip());
        let to = self.iface.name_ourselves(to, bound);
        let dst = *to.ip();
        let source = self.iface.source_for(dst, bound)?;
        let options = &socket.options;
        if self.iface.is_broadcast(dst) && !options.broadcast {
            return Err(Error::PermissionDenied);
        }
        let header_len = if ping { 0 } else { udp::HEADER_LEN };
        let total = len.saturating_add(header_len);
        let path_mtu = usize::from(self.iface.path_mtu(dst));
        let too_big = options.dont_fragment && total.saturating_add(ipv4::HEADER_LEN) > path_mtu;
        if total > MAX_IP_PAYLOAD || too_big {
            return Err(Error::MessageTooLong);
        }
        // sock_alloc_send_pskb: the pending error, then the shutdown, then the room.
        let df = if options.dont_fragment { Df::Always } else { Df::IfFits };
        // IP_MULTICAST_TTL is 1 (RFC 1112 section 6.1).
        let ttl = if dst.is_multicast() { 1 } else { options.ttl };
        let (tos, sndbuf) = (options.tos, options.sndbuf);
        let socket = set.get_mut(id)?;
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        if socket.write_shut {
            return Err(Error::BrokenPipe);
        }
        let charge = len.saturating_add(OVERHEAD);
        if charge > sndbuf.saturating_mul(2) {
            return Err(Error::NoBuffers);
        }
        if socket.send_memory >= sndbuf {
            return Err(Error::WouldBlock);
        }
        socket.send_memory = socket.send_memory.saturating_add(charge);

        let mut data = self.iface.take_spare();
        data.reserve(len);
        for slice in payload {
            data.extend_from_slice(slice);
        }
        let header = if ping {
            finish_echo(&mut data, local.port());
            Layer4::Raw
        } else {
            Layer4::Udp(udp::Repr { src_port: local.port(), dst_port: to.port() })
        };
        let protocol = if ping { ipv4::PROTO_ICMP } else { ipv4::PROTO_UDP };
        let owner = Some((id, charge));
        let packet =
            OutPacket { src: source, dst, protocol, tos, ttl, df, header, data, owner, sent: 0, ident: None };
        if !self.iface.push_out(packet) {
            self.set(id).sent(id, charge);
            return Err(Error::NetDown);
        }
        Ok(len)
    }

    fn set(&mut self, id: SocketId) -> &mut Datagrams {
        if id.kind == Kind::Ping { &mut self.ping } else { &mut self.udp }
    }
}

impl crate::iface::Iface {
    /// A bound address as a source: the wildcard, a broadcast address and a group are none.
    fn host_address(&self, addr: Ipv4Addr) -> Option<Ipv4Addr> {
        self.is_local(addr).then_some(addr)
    }
}

/// A ping socket sends echo requests and nothing else.
fn check_echo(payload: &[&[u8]], len: usize) -> Result<()> {
    let mut bytes = payload.iter().flat_map(|slice| slice.iter());
    let echo = bytes.next() == Some(&ECHO_REQUEST) && bytes.next() == Some(&0);
    if echo && len >= icmpv4::HEADER_LEN { Ok(()) } else { Err(Error::InvalidArgument) }
}

/// Fills in the identifier and the checksum (RFC 792: identifier at byte 4, checksum at byte 2).
fn finish_echo(message: &mut [u8], ident: u16) {
    if let Some(header) = message.first_chunk_mut::<6>() {
        let [_, _, a, b, c, d] = header;
        [*c, *d] = ident.to_be_bytes();
        (*a, *b) = (0, 0);
    }
    let sum = checksum::checksum(message).to_be_bytes();
    if let Some([_, _, a, b]) = message.first_chunk_mut::<4>() {
        [*a, *b] = sum;
    }
}
