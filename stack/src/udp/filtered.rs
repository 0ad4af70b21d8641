//! SO_ATTACH_FILTER on datagram sockets: the program sees each datagram by itself, from its UDP or ICMP header on (raw
//! sockets: from the IP header on), before it is queued (net/ipv4/udp.c, udp_queue_rcv_one_skb).
//!
//! The headers are made anew from what is known of the datagram: the checksum fields are 0, IP options are missing. Only sockets
//! with a filter pay for it.

use crate::buf::Buf;
use crate::filter::Packet;
use crate::types::Kind;
use crate::udp::Arrival;
use crate::udp::socket::Socket;
use crate::wire::{ipv4, udp};

impl Socket {
    /// As [`Socket::push`], of what the filter lets through. Also how many datagrams it dropped.
    pub(super) fn push_filtered(
        &mut self,
        kind: Kind,
        arrival: Arrival,
        payload: Buf,
        gso_size: u16,
    ) -> (u64, u64, u64) {
        let Some(filter) = self.options.filter.clone() else {
            let (taken, refused) = self.push(arrival, payload, gso_size);
            return (taken, refused, 0);
        };
        let step = if gso_size == 0 { usize::MAX } else { usize::from(gso_size) };
        let (mut taken, mut refused, mut dropped) = (0, 0, 0);
        let mut rest = payload;
        loop {
            let mut one = rest.slice(0, step);
            let header = if kind == Kind::Udp { udp::HEADER_LEN } else { 0 };
            let keep = match kind {
                Kind::Raw => filter.run(&Packet { network: &one, start: 0 }),
                _ => filter.run(&Packet { network: &whole(kind, &arrival, &one), start: ipv4::HEADER_LEN }),
            };
            if keep == 0 {
                dropped += 1;
            } else {
                // At least the header stays (sk_filter_trim_cap).
                one.truncate(usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(header));
                let (t, r) = self.push(arrival, one, 0);
                taken += t;
                refused += r;
            }
            rest.advance(step);
            if rest.is_empty() {
                return (taken, refused, dropped);
            }
        }
    }
}

/// The packet that a datagram came in.
fn whole(kind: Kind, arrival: &Arrival, payload: &[u8]) -> Vec<u8> {
    let header = if kind == Kind::Udp { udp::HEADER_LEN } else { 0 };
    let len = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let protocol = if kind == Kind::Udp { ipv4::PROTO_UDP } else { ipv4::PROTO_ICMP };
    let total = payload.len().saturating_add(header);
    let mut packet = Vec::with_capacity(total.saturating_add(ipv4::HEADER_LEN));
    packet.extend_from_slice(&[0x45, arrival.tos]);
    packet.extend_from_slice(&len(total.saturating_add(ipv4::HEADER_LEN)));
    packet.extend_from_slice(&[0, 0, 0, 0, arrival.ttl, protocol, 0, 0]);
    packet.extend_from_slice(&arrival.from.ip().octets());
    packet.extend_from_slice(&arrival.to.ip().octets());
    if kind == Kind::Udp {
        packet.extend_from_slice(&arrival.from.port().to_be_bytes());
        packet.extend_from_slice(&arrival.to.port().to_be_bytes());
        packet.extend_from_slice(&len(total));
        packet.extend_from_slice(&[0, 0]);
    }
    packet.extend_from_slice(payload);
    packet
}
