//! What a raw socket sends, with the checks of raw_sendmsg and raw_send_hdrinc in their order.
//!
//! Without IP_HDRINCL the payload gets an IP header of the socket's settings and may be fragmented. With it the packet leaves as the user made it,
//! except for the fields that raw(7) names: checksum and total length always, source and identification where they are zero. It is not
//! fragmented, and goes where the call says, whatever destination its header has.

use std::net::SocketAddrV4;

use crate::error::{Error, Result};
use crate::iface::Layers;
use crate::iface::egress::{Df, Layer4, OutPacket};
use crate::time::Instant;
use crate::types::{MtuDiscover, SendHow, SocketId};
use crate::wire::{checksum, ipv4};

/// Largest IP payload.
const MAX_IP_PAYLOAD: usize = 65_535 - ipv4::HEADER_LEN;

impl Layers {
    /// Sends one packet from a raw socket; `to`, or else the peer.
    ///
    /// # Errors
    /// [`Error::MessageTooLong`], [`Error::DestinationRequired`], [`Error::BadAddress`] for an ICMP message of less than two
    /// bytes (as the kernel has it), [`Error::NetUnreachable`], [`Error::PermissionDenied`] for broadcast without SO_BROADCAST,
    /// [`Error::InvalidArgument`] for a header that is not whole, the pending error, [`Error::BrokenPipe`],
    /// [`Error::WouldBlock`].
    pub(crate) fn send_raw(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<SocketAddrV4>,
        payload: &[&[u8]],
        how: SendHow,
    ) -> Result<usize> {
        self.iface.now = now;
        let local = self.raw.set.local_addr(id).ok_or(Error::BadSocket)?;
        let included = self.raw.header_included(id)?;
        let len = payload.iter().map(|slice| slice.len()).fold(0, usize::saturating_add);
        if len > usize::from(u16::MAX) {
            return Err(Error::MessageTooLong);
        }
        let to = match to {
            Some(to) => to,
            None => self.raw.set.peer_addr(id).ok_or(Error::DestinationRequired)?,
        };
        let protocol = self.raw.extra(id)?.protocol as u8;
        if !included && protocol == ipv4::PROTO_ICMP && len < 2 {
            return Err(Error::BadAddress);
        }
        let bound = how.source.or(Some(*local.ip()).filter(|ip| self.iface.is_local(*ip)));
        let to = self.iface.name_ourselves(to, bound);
        let src = self.iface.source_for(*to.ip(), bound)?;
        let options = self.raw.set.options(id)?.clone();
        if options.dont_route {
            self.iface.check_near(*to.ip())?;
        }
        if self.iface.is_broadcast(*to.ip()) && !options.broadcast {
            return Err(Error::PermissionDenied);
        }
        // What was begun goes where its first part said.
        let begun = if included { None } else { self.raw.extra_mut(id)?.begun.take() };
        let (to, before) = begun.unwrap_or((to, Vec::new()));
        let dst = *to.ip();
        let total = before.len().saturating_add(len);
        let discover = if included { MtuDiscover::Probe } else { options.mtu_discover };
        let mtu = usize::from(self.iface.mtu_for(dst, discover));
        let (most, size) = if included {
            (usize::MAX, len)
        } else {
            (MAX_IP_PAYLOAD, total.saturating_add(ipv4::HEADER_LEN))
        };
        if total > most || (discover.refuses() && size > mtu) {
            // ip_local_error
            let mtu = self.iface.path_mtu(dst);
            self.raw.set.refuse(id, dst, mtu, now);
            return Err(Error::MessageTooLong);
        }
        if included && len < ipv4::HEADER_LEN {
            return Err(Error::InvalidArgument);
        }
        let more = how.more && !included;
        let charge = match self.raw.set.charge(id, if more { 0 } else { total }) {
            Ok(charge) => charge,
            Err(e) => {
                if !before.is_empty() {
                    self.raw.extra_mut(id)?.begun = Some((to, before));
                }
                return Err(e);
            }
        };
        if how.unreadable {
            // What was begun is lost with it (ip_flush_pending_frames).
            self.raw.set.sent(id, charge);
            return Err(Error::BadAddress);
        }
        let mut data = self.iface.take_spare();
        data.extend_from_slice(&before);
        payload.iter().for_each(|slice| data.extend_from_slice(slice));
        if more || data.is_empty() {
            // Nothing to send is nothing sent (ip_append_data).
            self.raw.set.sent(id, charge);
            if more {
                self.raw.extra_mut(id)?.begun = Some((to, data));
            }
            return Ok(len);
        }
        let default = if dst.is_multicast() { options.multicast_ttl } else { options.ttl };
        let mut ttl = how.ttl.unwrap_or(default);
        if included {
            match self.complete(&mut data, src) {
                Ok(own) => ttl = own,
                Err(e) => {
                    self.raw.set.sent(id, charge);
                    return Err(e);
                }
            }
        }
        let packet = OutPacket {
            src,
            dst,
            protocol,
            tos: how.tos.unwrap_or(options.tos),
            ttl,
            df: Df::from(options.mtu_discover),
            header: if included { Layer4::Packet } else { Layer4::Raw },
            data,
            gso_size: 0,
            owner: Some((id, charge)),
            sent: 0,
            ident: None,
            loops: options.multicast_loop,
            no_check: false,
        };
        if !self.iface.push_out(packet) {
            self.raw.set.sent(id, charge);
            return Err(Error::NetDown);
        }
        Ok(len)
    }

    /// Fills in what the kernel fills in of a header that the user gave; answers its TTL.
    fn complete(&mut self, packet: &mut [u8], src: std::net::Ipv4Addr) -> Result<u8> {
        let header_len = usize::from(packet.first().copied().unwrap_or(0) & 0x0f) * 4;
        if header_len > packet.len() || header_len < ipv4::HEADER_LEN {
            return Err(Error::InvalidArgument);
        }
        let len = (packet.len() as u16).to_be_bytes();
        let Some(h) = packet.first_chunk_mut::<{ ipv4::HEADER_LEN }>() else {
            return Err(Error::InvalidArgument);
        };
        let ttl = h[8];
        if h[12..16] == [0; 4] {
            h[12..16].copy_from_slice(&src.octets());
        }
        (h[2], h[3]) = (len[0], len[1]);
        let dont_fragment = h[6] & 0x40 != 0;
        if h[4..6] == [0; 2] && !dont_fragment {
            let dst = std::net::Ipv4Addr::new(h[16], h[17], h[18], h[19]);
            let ident = self.iface.next_ident(src, dst, h[9]);
            h[4..6].copy_from_slice(&ident.to_be_bytes());
        }
        (h[10], h[11]) = (0, 0);
        let sum = checksum::checksum(packet.get(..header_len).unwrap_or(&[])).to_be_bytes();
        if let Some(field) = packet.get_mut(10..12) {
            field.copy_from_slice(&sum);
        }
        Ok(ttl)
    }
}
