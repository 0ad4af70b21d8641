//! Raw IP sockets (raw(7), net/ipv4/raw.c): whole packets of one protocol in, payloads or whole packets out.
//!
//! [`Raw`] is a set of datagram sockets (queue, errors, readiness and settings are theirs) whose "port" is the protocol number, as the kernel
//! too has it in `inet_num`, and what a raw socket has beside: IP_HDRINCL, the filter of ICMP types, and a packet that MSG_MORE
//! has begun. [`send`] is the way out.
//!
//! Every socket of a packet's protocol gets a copy, after reassembly and before the protocol itself is asked, unless it is bound to
//! another address or connected to somebody else. The stack goes on as if nobody had looked: it answers an echo request, and
//! resets a segment that belongs to no connection of its own. Only a protocol that the stack does not know is not refused to the
//! sender once a raw socket has taken it. Checksums of the payload are not looked at.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::buf::Buf;
use crate::error::{Error, Result};
use crate::iface::Layers;
use crate::iface::icmp::IcmpError;
use crate::iface::ingress::Rx;
use crate::iface::keys::Keyed;
use crate::stack::Stack;
use crate::time::Instant;
use crate::types::{Kind, SocketId};
use crate::udp::errors::{Notice, Report};
use crate::udp::{Arrival, Datagrams};
use crate::wire::icmpv4::Quoted;
use crate::wire::ipv4;

mod send;

/// IPPROTO_RAW: to send only.
const SEND_ONLY: u16 = 255;

/// What one raw socket has beside a datagram socket's state.
#[derive(Debug, Default)]
struct Extra {
    protocol: u16,
    /// IP_HDRINCL: the user gives the IP header.
    header_included: bool,
    /// ICMP_FILTER: a set bit keeps messages of that type away.
    icmp_filter: u32,
    /// Begun with MSG_MORE: where it goes, and its payload so far.
    begun: Option<(SocketAddrV4, Vec<u8>)>,
}

/// All raw sockets.
pub(crate) struct Raw {
    pub(crate) set: Datagrams,
    /// By the number of the socket.
    extras: Vec<Extra>,
    open: usize,
}

impl Raw {
    pub(crate) fn new(key: Keyed) -> Raw {
        Raw { set: Datagrams::new(Kind::Raw, key), extras: Vec::new(), open: 0 }
    }

    /// Makes a socket for `protocol`.
    ///
    /// # Errors
    /// [`Error::NoBuffers`]
    pub(crate) fn open(&mut self, protocol: u16) -> Result<SocketId> {
        let id = self.set.open_at(protocol)?;
        let at = id.number() as usize;
        if self.extras.len() <= at {
            self.extras.resize_with(at.saturating_add(1), Extra::default);
        }
        if let Some(extra) = self.extras.get_mut(at) {
            *extra = Extra { protocol, header_included: protocol == SEND_ONLY, ..Extra::default() };
        }
        self.open = self.open.saturating_add(1);
        Ok(id)
    }

    /// The user lets go.
    pub(crate) fn close(&mut self, id: SocketId) {
        if self.set.options(id).is_ok() {
            self.open = self.open.saturating_sub(1);
            if let Some(extra) = self.extras.get_mut(id.number() as usize) {
                *extra = Extra::default();
            }
        }
        self.set.close(id);
    }

    /// Takes a local address, again and again if need be; the caller has checked that it is one (raw_bind).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when connected.
    pub(crate) fn bind(&mut self, id: SocketId, addr: Ipv4Addr) -> Result<()> {
        if self.set.peer_addr(id).is_some() {
            return Err(Error::InvalidArgument);
        }
        self.set.set_local(id, addr)
    }

    /// Dissolves the association. As in Linux (__udp_disconnect) the socket loses its address and hears nothing more, for it
    /// leaves the table of its protocol; it goes on sending.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn disconnect(&mut self, id: SocketId) -> Result<()> {
        self.set.disconnect(id)?;
        self.set.lose_port(id)
    }

    /// IP_HDRINCL
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn header_included(&self, id: SocketId) -> Result<bool> {
        self.extra(id).map(|extra| extra.header_included)
    }

    /// Sets IP_HDRINCL.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn set_header_included(&mut self, id: SocketId, on: bool) -> Result<()> {
        self.extra_mut(id).map(|extra| extra.header_included = on)
    }

    /// ICMP_FILTER
    ///
    /// # Errors
    /// [`Error::NotSupported`] unless the protocol is ICMP.
    pub(crate) fn icmp_filter(&self, id: SocketId) -> Result<u32> {
        self.check_icmp(id)?;
        self.extra(id).map(|extra| extra.icmp_filter)
    }

    /// Sets ICMP_FILTER.
    ///
    /// # Errors
    /// [`Error::NotSupported`] unless the protocol is ICMP.
    pub(crate) fn set_icmp_filter(&mut self, id: SocketId, filter: u32) -> Result<()> {
        self.check_icmp(id)?;
        self.extra_mut(id).map(|extra| extra.icmp_filter = filter)
    }

    /// True when nobody would take a packet: the usual case, which is to cost nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.open == 0
    }

    fn check_icmp(&self, id: SocketId) -> Result<()> {
        if self.extra(id)?.protocol == ipv4::PROTO_ICMP.into() { Ok(()) } else { Err(Error::NotSupported) }
    }

    fn extra(&self, id: SocketId) -> Result<&Extra> {
        self.set.options(id)?;
        self.extras.get(id.number() as usize).ok_or(Error::BadSocket)
    }

    fn extra_mut(&mut self, id: SocketId) -> Result<&mut Extra> {
        self.set.options(id)?;
        self.extras.get_mut(id.number() as usize).ok_or(Error::BadSocket)
    }

    /// icmp_filter: true when the socket does not want this ICMP message. Types from 32 on cannot be filtered.
    fn is_filtered(&self, index: u32, message: &[u8]) -> bool {
        let filter = self.extras.get(index as usize).map_or(0, |extra| extra.icmp_filter);
        match message.first() {
            Some(kind @ 0..32) if message.len() >= 8 => filter & (1 << kind) != 0,
            Some(_) => message.len() < 8,
            None => true,
        }
    }
}

impl Layers {
    /// Gives a copy of `packet` to every raw socket that it matches; true when there is any (raw_v4_input).
    pub(crate) fn deliver_raw(
        &mut self,
        now: Instant,
        header: &ipv4::Repr,
        header_len: usize,
        packet: &Buf,
        rx: &Rx,
    ) -> bool {
        let matching = self.raw.set.matching(header.protocol.into(), header.dst, header.src);
        for index in &matching {
            let message = packet.get(header_len..).unwrap_or(&[]);
            if header.protocol == ipv4::PROTO_ICMP && self.raw.is_filtered(*index, message) {
                continue;
            }
            let (id, all) = self.raw.set.hears_all(*index);
            if !self.iface.multicast.allows(id, all, header.dst, header.src) {
                continue;
            }
            let arrival =
                Arrival { largest_fragment: rx.largest_fragment, ..Arrival::new(header, 0, 0, now) };
            self.raw.set.deliver(*index, &arrival, packet.clone(), 0, &mut self.counters);
        }
        !matching.is_empty()
    }

    /// Tells the raw sockets that could have sent the quoted packet of an error; true when there is any (raw_icmp_error).
    pub(crate) fn tell_raw(
        &mut self,
        quoted: &Quoted<'_>,
        error: IcmpError,
        hard: bool,
        notice: &Notice<'_>,
    ) -> bool {
        let ip = &quoted.ip;
        let matching = self.raw.set.matching(ip.protocol.into(), ip.src, ip.dst);
        if let (IcmpError::PathMtu(mtu), false) = (error, matching.is_empty()) {
            self.lower_path_mtu(notice.at, ip.dst, mtu);
        }
        for index in &matching {
            // With IP_HDRINCL the header is what the user wrote (raw_err).
            let whole = self.raw.extras.get(*index as usize).is_some_and(|extra| extra.header_included);
            let payload = if whole { notice.quote() } else { quoted.l4 };
            let to = SocketAddrV4::new(ip.dst, 0);
            let report = Report { error: error.error(), hard, to, payload, notice };
            self.raw.set.report(*index, &report);
        }
        !matching.is_empty()
    }
}

impl Stack {
    /// Makes a raw socket for an IP protocol (raw(7)); 255 is for sending only and has IP_HDRINCL.
    ///
    /// # Errors
    /// [`Error::NoBuffers`]
    pub fn open_raw(&mut self, protocol: u16) -> Result<SocketId> {
        self.layers.raw.open(protocol)
    }

    /// IP_HDRINCL: the user gives the IP header too.
    ///
    /// # Errors
    /// [`Error::BadSocket`] for no raw socket.
    pub fn header_included(&self, id: SocketId) -> Result<bool> {
        raw_only(id)?;
        self.layers.raw.header_included(id)
    }

    /// Sets IP_HDRINCL.
    ///
    /// # Errors
    /// [`Error::BadSocket`] for no raw socket.
    pub fn set_header_included(&mut self, id: SocketId, on: bool) -> Result<()> {
        raw_only(id)?;
        self.layers.raw.set_header_included(id, on)
    }

    /// ICMP_FILTER: bit n keeps messages of type n away (raw(7)).
    ///
    /// # Errors
    /// [`Error::BadSocket`] for no raw socket, [`Error::NotSupported`] unless its protocol is ICMP.
    pub fn icmp_filter(&self, id: SocketId) -> Result<u32> {
        raw_only(id)?;
        self.layers.raw.icmp_filter(id)
    }

    /// Sets ICMP_FILTER.
    ///
    /// # Errors
    /// As [`Stack::icmp_filter`].
    pub fn set_icmp_filter(&mut self, id: SocketId, filter: u32) -> Result<()> {
        raw_only(id)?;
        self.layers.raw.set_icmp_filter(id, filter)
    }
}

fn raw_only(id: SocketId) -> Result<()> {
    if id.kind == Kind::Raw { Ok(()) } else { Err(Error::BadSocket) }
}
