//! Connecting and sending, where datagram sockets meet routes and path MTUs. The order of the checks is that of
//! Linux's udp_sendmsg and ping_v4_sendmsg, for programs see the first error only.
//!
//! With UDP_SEGMENT one send is several datagrams of a given size (udp_send_skb): they must fit the path, for a device cuts but
//! does not fragment, and there may be [`MAX_SEGMENTS`] of them at most. With UDP_CORK or MSG_MORE several sends are one
//! datagram, to where the first of them went.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::error::{Error, Result};
use crate::iface::Layers;
use crate::iface::egress::{Df, Layer4, MAX_SEGMENTS, OutPacket};
use crate::time::Instant;
use crate::types::{Kind, SendHow, SocketId};
use crate::udp::Datagrams;
use crate::udp::queue::OVERHEAD;
use crate::udp::socket::Corked;
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
        let set = match id.kind {
            Kind::Ping => &mut self.ping,
            Kind::Raw => &mut self.raw.set,
            Kind::Udp | Kind::Tcp => &mut self.udp,
        };
        let bound = set.autobind(id)?;
        self.iface.check_source(Some(*bound.ip()))?;
        let bound = self.iface.host_address(*bound.ip());
        let remote = self.iface.name_ourselves(remote, bound);
        let source = self.iface.source_for(*remote.ip(), bound)?;
        if set.options(id)?.dont_route {
            self.iface.check_near(*remote.ip())?;
        }
        if self.iface.is_broadcast(*remote.ip()) && !set.options(id)?.broadcast {
            return Err(Error::PermissionDenied);
        }
        set.set_peer(id, remote, source)
    }

    /// Sends one datagram, or several, or a part of one, as `how` and the socket's settings say; `to` or else the peer.
    ///
    /// # Errors
    /// See [`crate::Stack::send_with`].
    pub(crate) fn send_datagram(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddrV4>,
        payload: &[&[u8]],
        how: SendHow,
    ) -> Result<usize> {
        if id.kind == Kind::Raw {
            return self.send_raw(now, id, to, payload, how);
        }
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
        let more = !ping && (how.more || socket.options.cork);
        if socket.corked.is_some() {
            if how.unreadable {
                // All of it is lost (udp_flush_pending_frames).
                set.get_mut(id)?.corked = None;
                return Err(Error::BadAddress);
            }
            return self.append(id, payload, len, more);
        }
        let to = match to {
            Some(to) => to,
            None => socket.remote.ok_or(Error::DestinationRequired)?,
        };
        if to.port() == 0 && !ping {
            return Err(Error::InvalidArgument);
        }
        let bound = how.source.or_else(|| self.iface.host_address(*local.ip()));
        if bound.is_none() {
            self.iface.check_source(Some(*local.ip()))?;
        }
        let to = self.iface.name_ourselves(to, bound);
        let dst = *to.ip();
        let source = self.iface.source_for(dst, bound)?;
        let options = &socket.options;
        if options.dont_route || how.dont_route {
            self.iface.check_near(dst)?;
        }
        if how.confirm {
            self.iface.confirm(now, dst);
        }
        if self.iface.is_broadcast(dst) && !options.broadcast {
            return Err(Error::PermissionDenied);
        }
        let header_len = if ping { 0 } else { udp::HEADER_LEN };
        let total = len.saturating_add(header_len);
        let path_mtu = usize::from(self.iface.mtu_for(dst, options.mtu_discover));
        let segment = if ping { 0 } else { how.segment.unwrap_or(options.segment) };
        let whole = options.mtu_discover.refuses() && segment == 0;
        let too_big = whole && total.saturating_add(ipv4::HEADER_LEN) > path_mtu;
        if total > MAX_IP_PAYLOAD || too_big {
            let mtu = self.iface.path_mtu(dst);
            self.set(id).refuse(id, dst, mtu, now);
            return Err(Error::MessageTooLong);
        }
        // sock_alloc_send_pskb: the pending error, then the shutdown, then the room.
        let df = Df::from(options.mtu_discover);
        let ttl = how.ttl.unwrap_or(if dst.is_multicast() { options.multicast_ttl } else { options.ttl });
        let loops = options.multicast_loop;
        let (tos, sndbuf) = (how.tos.unwrap_or(options.tos), options.sndbuf);
        let no_check = options.no_check;
        let socket = set.get_mut(id)?;
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        if socket.write_shut {
            return Err(Error::BrokenPipe);
        }
        if how.unreadable {
            return Err(Error::BadAddress);
        }
        if more {
            let how = SendHow { segment: Some(segment), more: false, ..how };
            socket.corked = Some(Corked { to, how, data: payload.concat() });
            return Ok(len);
        }
        let charge = len.saturating_add(OVERHEAD);
        if charge > sndbuf.saturating_mul(2) {
            return Err(Error::NoBuffers);
        }
        if socket.send_memory >= sndbuf {
            return Err(Error::WouldBlock);
        }
        if segment != 0 {
            check_segments(len, segment, path_mtu)?;
            if no_check {
                // A device that cuts sums as well (udp_send_skb).
                return Err(Error::InvalidArgument);
            }
        }
        socket.send_memory = socket.send_memory.saturating_add(charge);
        let gso_size = if len > usize::from(segment) { segment } else { 0 };

        let header = if ping {
            Layer4::Raw
        } else {
            Layer4::Udp(udp::Repr { src_port: local.port(), dst_port: to.port() })
        };
        let protocol = if ping { ipv4::PROTO_ICMP } else { ipv4::PROTO_UDP };
        let owner = Some((id, charge));
        let mut packet = OutPacket {
            src: source,
            dst,
            protocol,
            tos,
            ttl,
            df,
            header,
            data: Vec::new(),
            gso_size,
            owner,
            sent: 0,
            ident: None,
            loops,
            no_check: no_check && !ping,
        };
        if self.iface.join_out(&packet, payload) {
            return Ok(len);
        }
        packet.data = self.iface.take_spare();
        packet.data.reserve(len);
        for slice in payload {
            packet.data.extend_from_slice(slice);
        }
        if ping {
            finish_echo(&mut packet.data, local.port());
        }
        if !self.iface.push_out(packet) {
            self.set(id).sent(id, charge);
            return Err(Error::NetDown);
        }
        Ok(len)
    }

    /// Adds to a datagram that has been begun, and sends it unless there is `more` to come (udp_sendmsg, do_append_data).
    fn append(&mut self, id: SocketId, payload: &[&[u8]], len: usize, more: bool) -> Result<usize> {
        let socket = self.udp.get_mut(id)?;
        let Some(mut corked) = socket.corked.take() else { return Ok(len) };
        let whole = socket.options.mtu_discover.refuses() && corked.how.segment == Some(0);
        let room = if whole {
            usize::from(self.iface.mtu_for(*corked.to.ip(), socket.options.mtu_discover))
        } else {
            usize::from(u16::MAX)
        };
        let room = room.saturating_sub(ipv4::HEADER_LEN + udp::HEADER_LEN);
        let before = corked.data.len();
        if before.saturating_add(len) > room {
            // All of it is lost (udp_flush_pending_frames).
            return Err(Error::MessageTooLong);
        }
        payload.iter().for_each(|slice| corked.data.extend_from_slice(slice));
        if !more {
            match self.send_corked(id, &corked) {
                Err(Error::WouldBlock) => corked.data.truncate(before),
                other => return other.map(|()| len),
            }
        }
        self.udp.get_mut(id)?.corked = Some(corked);
        if more { Ok(len) } else { Err(Error::WouldBlock) }
    }

    /// Sends what has been put together.
    fn send_corked(&mut self, id: SocketId, corked: &Corked) -> Result<()> {
        let socket = self.udp.get_mut(id)?;
        let cork = std::mem::take(&mut socket.options.cork);
        let sent = self.send_datagram(self.iface.now, id, Some(corked.to), &[&corked.data], corked.how);
        self.udp.get_mut(id)?.options.cork = cork;
        sent.map(drop)
    }

    /// What has been put together leaves, or is lost, and nobody is told (udp_lib_setsockopt).
    pub(crate) fn uncork(&mut self, now: Instant, id: SocketId) {
        self.iface.now = now;
        let corked = self.udp.get_mut(id).ok().and_then(|socket| socket.corked.take());
        if let Some(corked) = corked {
            let _ = self.send_corked(id, &corked);
        }
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

/// What udp_send_skb asks of datagrams of `size` bytes, the last one perhaps shorter: that each fits the path, and their number.
fn check_segments(len: usize, size: u16, path_mtu: usize) -> Result<()> {
    let size = usize::from(size);
    if (ipv4::HEADER_LEN + udp::HEADER_LEN).saturating_add(len.min(size)) > path_mtu {
        return Err(Error::MessageTooLong);
    }
    if len > size.saturating_mul(MAX_SEGMENTS) { Err(Error::InvalidArgument) } else { Ok(()) }
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
