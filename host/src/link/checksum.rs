//! Completes layer-4 checksums that a frame left to the device, for those who look at a copy of it.
//!
//! On the way out the stack says where to sum and leaves the pseudo-header sum in the field (virtio 1.2, section 5.1.6.2); on the way
//! in the kernel does the same, but that note does not reach us here, so the headers are parsed. Frames of several
//! TCP segments count as one packet: the sum is over the whole. Frames of several datagrams are taken apart ([`datagrams`]), for
//! where one ends means something.
//!
//! Limits: IPv4 without fragments and IPv6 without extension headers, TCP and UDP; other frames are left as they are.

use std::net::Ipv4Addr;

use matnet_stack::TxChecksum;
use matnet_stack::wire::checksum::{combine, fold, pseudo_header_v4, sum, sum_slices};

const ETHERNET: usize = 14;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Offset of the checksum field in a TCP header.
const TCP_FIELD: usize = 16;
/// Offset of the checksum field in a UDP header.
const UDP_FIELD: usize = 6;

/// Completes the checksum of a frame to send, given its headers and payload. Does nothing when the offsets lie outside
/// of the headers.
pub fn complete(header: &mut [u8], payload: &[&[u8]], what: TxChecksum) {
    let start = usize::from(what.start);
    let field = start + usize::from(what.offset);
    let Some(covered) = header.get(start..) else { return };
    let tail = sum_slices(payload);
    let tail = if covered.len() % 2 == 1 { fold(tail).swap_bytes().into() } else { tail };
    let value = finish(combine(sum(covered), tail), usize::from(what.offset) == UDP_FIELD);
    if let Some(to) = header.get_mut(field..field + 2) {
        to.copy_from_slice(&value);
    }
}

/// Where the checksum field of a received frame lies and what belongs there; None for a frame without one.
pub fn expected(frame: &[u8]) -> Option<(usize, [u8; 2])> {
    let ethertype = u16::from_be_bytes(*frame.get(12..14)?.first_chunk()?);
    let packet = frame.get(ETHERNET..)?;
    let (protocol, offset, l4, pseudo) = match ethertype {
        0x0800 => {
            let offset = usize::from(packet.first()? & 15) * 4;
            let total = usize::from(u16::from_be_bytes(*packet.get(2..4)?.first_chunk()?));
            let fragment = u16::from_be_bytes(*packet.get(6..8)?.first_chunk()?) & 0x3fff;
            if fragment != 0 || offset < 20 {
                return None;
            }
            let protocol = *packet.get(9)?;
            let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..at + 4)?.first_chunk::<4>()?));
            let l4 = packet.get(offset..total)?;
            let len = u16::try_from(l4.len()).ok()?;
            (protocol, offset, l4, pseudo_header_v4(address(12)?, address(16)?, protocol, len))
        }
        0x86dd => {
            let len = usize::from(u16::from_be_bytes(*packet.get(4..6)?.first_chunk()?));
            let protocol = *packet.get(6)?;
            let l4 = packet.get(40..40 + len)?;
            // RFC 8200 section 8.1: addresses, length, next header.
            let tail = combine(u32::try_from(len).ok()?, u32::from(protocol));
            (protocol, 40, l4, combine(sum(packet.get(8..40)?), tail))
        }
        _ => return None,
    };
    let in_l4 = match protocol {
        TCP => TCP_FIELD,
        UDP => UDP_FIELD,
        _ => return None,
    };
    let before = l4.get(..in_l4)?;
    let after = l4.get(in_l4 + 2..)?;
    // The field is at an even offset, so leaving its two bytes out does not turn the rest.
    let value = finish(combine(pseudo, combine(sum(before), sum(after))), protocol == UDP);
    Some((ETHERNET + offset + in_l4, value))
}

/// Headers of Ethernet, IPv4 without options and UDP.
pub const DATAGRAM: usize = ETHERNET + 20 + 8;

/// Takes a frame of several UDP datagrams of `size` bytes apart: headers and payload of each, as the device would make them.
/// None for another frame.
pub fn datagrams<'a>(
    header: &'a [u8],
    payload: &'a [u8],
    size: u16,
) -> Option<impl Iterator<Item = ([u8; DATAGRAM], &'a [u8])>> {
    let header: [u8; DATAGRAM] = header.try_into().ok()?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x00, 0x45, ..] = header else { return None };
    if size == 0 || header.get(23) != Some(&UDP) {
        return None;
    }
    let cut = payload.chunks(usize::from(size)).enumerate();
    Some(cut.map(move |(n, data)| (one_of_several(header, n, data), data)))
}

/// The headers of the `n`th datagram (RFC 791 section 3.1: total length, identification, checksum; RFC 768).
fn one_of_several(mut header: [u8; DATAGRAM], n: usize, data: &[u8]) -> [u8; DATAGRAM] {
    let (ip, udp) = header.split_at_mut(ETHERNET + 20);
    let udp_len = u16::try_from(udp.len() + data.len()).unwrap_or(u16::MAX);
    let Some(ip) = ip.last_chunk_mut::<20>() else { return header };
    let [_, _, l0, l1, i0, i1, _, _, _, _, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] = ip;
    [*l0, *l1] = udp_len.saturating_add(20).to_be_bytes();
    [*i0, *i1] = u16::from_be_bytes([*i0, *i1]).wrapping_add(n as u16).to_be_bytes();
    (*c0, *c1) = (0, 0);
    let (src, dst) = (Ipv4Addr::new(*s0, *s1, *s2, *s3), Ipv4Addr::new(*d0, *d1, *d2, *d3));
    let ip_sum = finish(sum(ip), false);
    ip[10..12].copy_from_slice(&ip_sum);
    if let [_, _, _, _, l0, l1, c0, c1] = udp {
        [*l0, *l1] = udp_len.to_be_bytes();
        (*c0, *c1) = (0, 0);
    }
    let all = combine(pseudo_header_v4(src, dst, UDP, udp_len), combine(sum(udp), sum(data)));
    if let [.., c0, c1] = udp {
        [*c0, *c1] = finish(all, true);
    }
    header
}

/// The bytes of the field: inverted, and for UDP never zero, which would mean "none" (RFC 768).
fn finish(acc: u32, udp: bool) -> [u8; 2] {
    match !fold(acc) {
        0 if udp => [0xff, 0xff],
        value => value.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(protocol: u8, payload_len: usize) -> Vec<u8> {
        let l4 = if protocol == TCP { 20 } else { 8 };
        let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let total = u16::try_from(20 + l4 + payload_len).unwrap().to_be_bytes();
        f.extend([0x45, 0, total[0], total[1], 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        f.extend((0..l4).map(|i| i as u8 * 7));
        f.extend((0..payload_len).map(|i| i as u8));
        f
    }

    #[test]
    fn both_ways_agree_and_verify() {
        for protocol in [TCP, UDP] {
            for len in [0, 1, 2, 999, 1000, 60_000] {
                let mut f = frame(protocol, len);
                let (at, value) = expected(&f).unwrap();
                // As the stack leaves it: the folded pseudo-header sum.
                let l4_len = u16::try_from(f.len() - 34).unwrap();
                let pseudo = fold(pseudo_header_v4(
                    Ipv4Addr::new(10, 0, 0, 1),
                    Ipv4Addr::new(10, 0, 0, 2),
                    protocol,
                    l4_len,
                ));
                f[at..at + 2].copy_from_slice(&pseudo.to_be_bytes());
                for cut in [f.len().min(54), f.len().min(55)] {
                    let (mut head, tail) = (f[..cut].to_vec(), f[cut..].to_vec());
                    let what = TxChecksum { start: 34, offset: (at - 34) as u16 };
                    let (a, b) = tail.split_at(tail.len() / 3);
                    complete(&mut head, &[a, b], what);
                    assert_eq!(&head[at..at + 2], &value, "protocol {protocol} len {len} cut {cut}");
                }
                f[at..at + 2].copy_from_slice(&value);
                let all = combine(
                    sum(&f[34..]),
                    pseudo_header_v4(
                        Ipv4Addr::new(10, 0, 0, 1),
                        Ipv4Addr::new(10, 0, 0, 2),
                        protocol,
                        l4_len,
                    ),
                );
                assert_eq!(fold(all), 0xffff);
            }
        }
    }

    #[test]
    fn several_datagrams_are_taken_apart() {
        let mut f = frame(UDP, 2500);
        f[40..42].copy_from_slice(&[0xab, 0xcd]);
        let (header, payload) = f.split_at(42);
        let cut: Vec<_> = datagrams(header, payload, 1000).unwrap().collect();
        assert_eq!(cut.iter().map(|(_, data)| data.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert_eq!(cut.iter().flat_map(|(_, data)| data.to_vec()).collect::<Vec<_>>(), payload);
        for (n, (header, data)) in cut.iter().enumerate() {
            let whole = [&header[..], data].concat();
            assert_eq!(fold(sum(&whole[14..34])), 0xffff);
            assert_eq!(whole[16..18], (whole.len() as u16 - 14).to_be_bytes());
            assert_eq!(whole[18..20], (1 + n as u16).to_be_bytes());
            assert_eq!(whole[38..40], (data.len() as u16 + 8).to_be_bytes());
            assert_eq!(expected(&whole), Some((40, [whole[40], whole[41]])));
            assert_eq!(header[..14], f[..14]);
        }
        assert!(datagrams(header, payload, 0).is_none());
        assert!(datagrams(&header[..41], payload, 1000).is_none());
        let tcp = frame(TCP, 100);
        assert!(datagrams(&tcp[..42], &tcp[42..], 10).is_none());
    }

    #[test]
    fn nonsense_is_left_alone() {
        let good = frame(TCP, 100);
        for n in 0..54 {
            assert_eq!(expected(&good[..n]), None, "{n}");
        }
        let mut fragment = good.clone();
        fragment[20] = 0x20;
        assert_eq!(expected(&fragment), None);
        let mut other = good;
        other[23] = 47;
        assert_eq!(expected(&other), None);
        complete(&mut [0; 10], &[], TxChecksum { start: 34, offset: 16 });
        complete(&mut [0; 40], &[], TxChecksum { start: 34, offset: 16 });
    }
}
