//! Makes of a frame that left work to a device what a cable would carry: frames of the link's size with complete checksums.
//!
//! What cards do for TCP and UDP over IPv4 (TSO, USO): each piece gets the headers of the whole with its own length, identification
//! (RFC 6864 section 4: these packets are not fragments, so one more each is enough) and checksums; TCP pieces their sequence number,
//! FIN and PSH on the last (RFC 9293 section 3.1), CWR on the first (RFC 3168 section 6.1.2).
//!
//! Limits: IPv4; other frames are left as they are.

use matnet_stack::wire::checksum::{fold, sum};

use super::checksum;

const ETHERNET: usize = 14;
const TCP: u8 = 6;
const UDP: u8 = 17;
const FIN_PSH: u8 = 0x09;
const CWR: u8 = 0x80;

/// Cuts a frame whose payload stands for several segments of `size` bytes; None when it is not such a frame.
pub(super) fn cut(frame: &[u8], size: u16) -> Option<Vec<Vec<u8>>> {
    let headers = headers(frame)?;
    let total = usize::from(u16::from_be_bytes(*frame.get(16..18)?.first_chunk()?));
    let header = frame.get(..headers)?;
    let payload = frame.get(headers..frame.len().min(ETHERNET + total))?;
    if size == 0 || payload.len() <= usize::from(size) {
        return None;
    }
    let last = payload.len().div_ceil(usize::from(size)) - 1;
    let pieces = payload.chunks(usize::from(size)).enumerate();
    pieces.map(|(n, data)| piece(header, data, n, n == last, size)).collect()
}

/// Bytes of all headers of an unfragmented TCP or UDP packet.
fn headers(frame: &[u8]) -> Option<usize> {
    let packet = frame.get(ETHERNET..)?;
    let first = *packet.first()?;
    let fragment = u16::from_be_bytes(*packet.get(6..8)?.first_chunk()?) & 0x3fff;
    if frame.get(12..14)? != [8, 0] || first >> 4 != 4 || fragment != 0 {
        return None;
    }
    let ip = usize::from(first & 15) * 4;
    let l4 = match *packet.get(9)? {
        TCP => usize::from(packet.get(ip + 12)? >> 4) * 4,
        UDP => 8,
        _ => return None,
    };
    (ip >= 20 && l4 >= 8).then_some(ETHERNET + ip + l4)
}

/// The `n`th piece.
fn piece(header: &[u8], data: &[u8], n: usize, last: bool, size: u16) -> Option<Vec<u8>> {
    let mut frame = [header, data].concat();
    let len = u16::try_from(frame.len() - ETHERNET).ok()?;
    let ip_len = usize::from(header.get(ETHERNET)? & 15) * 4;
    let (ip, l4) = frame.get_mut(ETHERNET..)?.split_at_mut_checked(ip_len)?;
    let protocol = *ip.get(9)?;
    ip.get_mut(2..4)?.copy_from_slice(&len.to_be_bytes());
    let id = u16::from_be_bytes(*ip.get(4..6)?.first_chunk()?).wrapping_add(n as u16);
    ip.get_mut(4..6)?.copy_from_slice(&id.to_be_bytes());
    ip.get_mut(10..12)?.fill(0);
    let ip_sum = !fold(sum(ip));
    ip.get_mut(10..12)?.copy_from_slice(&ip_sum.to_be_bytes());
    if protocol == UDP {
        let len = u16::try_from(l4.len()).ok()?;
        l4.get_mut(4..6)?.copy_from_slice(&len.to_be_bytes());
    } else {
        let seq = u32::from_be_bytes(*l4.get(4..8)?.first_chunk()?);
        let seq = seq.wrapping_add(u32::try_from(n).ok()?.wrapping_mul(u32::from(size)));
        l4.get_mut(4..8)?.copy_from_slice(&seq.to_be_bytes());
        let flags = l4.get_mut(13)?;
        if !last {
            *flags &= !FIN_PSH;
        }
        if n > 0 {
            *flags &= !CWR;
        }
    }
    complete(&mut frame);
    Some(frame)
}

/// Puts the right layer-4 checksum into a frame. A UDP datagram without one stays without.
pub(super) fn complete(frame: &mut [u8]) {
    let Some((field, value)) = checksum::expected(frame) else { return };
    let none = frame.get(23) == Some(&UDP);
    if let Some(to) = frame.get_mut(field..field + value.len()) {
        if !(none && to == [0, 0]) {
            to.copy_from_slice(&value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with IP options of `options` bytes, whose layer-4 header is `l4`.
    fn frame(protocol: u8, options: usize, l4: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let total = u16::try_from(20 + options + l4.len() + payload.len()).unwrap().to_be_bytes();
        let ihl = 0x40 | ((20 + options) / 4) as u8;
        f.extend([
            ihl, 0, total[0], total[1], 0xff, 0xff, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        f.extend(vec![1; options]);
        f.extend(l4);
        f.extend(payload);
        f
    }

    /// Checks both checksums and returns the identification, the layer-4 header and the payload.
    fn check(frame: &[u8], l4_len: usize) -> (u16, Vec<u8>, Vec<u8>) {
        let ip = usize::from(frame[14] & 15) * 4;
        assert_eq!(fold(sum(&frame[14..14 + ip])), 0xffff, "IP");
        assert_eq!(usize::from(u16::from_be_bytes([frame[16], frame[17]])), frame.len() - 14);
        let (field, value) = checksum::expected(frame).unwrap();
        assert_eq!(frame[field..field + 2], value, "layer 4");
        let l4 = &frame[14 + ip..];
        (u16::from_be_bytes([frame[18], frame[19]]), l4[..l4_len].to_vec(), l4[l4_len..].to_vec())
    }

    #[test]
    fn tcp_is_cut_into_segments() {
        // Sequence number near its end, ACK, CWR, PSH and FIN; 12 bytes of options.
        let mut l4 = vec![0, 80, 1, 2, 0xff, 0xff, 0xff, 0, 9, 9, 9, 9, 0x80, 0x99, 1, 0, 7, 7, 0, 0];
        l4.extend([1; 12]);
        let payload: Vec<u8> = (0..3500).map(|i| (i % 251) as u8).collect();
        let pieces = cut(&frame(TCP, 0, &l4, &payload), 1448).unwrap();
        assert_eq!(pieces.len(), 3);
        let mut all = Vec::new();
        for (n, p) in pieces.iter().enumerate() {
            let (id, header, data) = check(p, 32);
            assert_eq!(id, 0xffff_u16.wrapping_add(n as u16));
            assert_eq!(header[4..8], 0xffff_ff00_u32.wrapping_add(n as u32 * 1448).to_be_bytes());
            assert_eq!(header[13], [0x90, 0x10, 0x19][n]);
            assert_eq!(header[20..], l4[20..]);
            all.extend(data);
        }
        assert_eq!(all, payload);
    }

    #[test]
    fn udp_is_cut_into_datagrams_behind_any_options() {
        for options in [0, 8] {
            let payload: Vec<u8> = (0..250).collect();
            let f = frame(UDP, options, &[1, 1, 2, 2, 0, 0, 3, 3], &payload);
            let pieces = cut(&f, 100).unwrap();
            let parts: Vec<Vec<u8>> = pieces.iter().map(|p| check(p, 8).2).collect();
            assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
            assert_eq!(parts.concat(), payload);
            assert_eq!(check(&pieces[2], 8).1[4..6], [0, 58]);
        }
    }

    #[test]
    fn what_is_not_several_is_left_alone() {
        let l4 = [0, 80, 1, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0];
        assert_eq!(cut(&frame(TCP, 0, &l4, &[1; 100]), 100), None);
        assert_eq!(cut(&frame(TCP, 0, &l4, &[1; 101]), 0), None);
        assert_eq!(cut(&frame(1, 0, &l4, &[1; 500]), 100), None);
        // A fragment, a header that is cut off, another protocol, nothing.
        let mut fragment = frame(TCP, 0, &l4, &[1; 500]);
        fragment[20] |= 0x20;
        assert_eq!(cut(&fragment, 100), None);
        let whole = frame(TCP, 0, &l4, &[1; 500]);
        for len in 0..54 {
            assert_eq!(cut(&whole[..len], 1), None, "{len}");
        }
        let mut other = whole.clone();
        other[12] = 0x86;
        assert_eq!(cut(&other, 100), None);
        let mut short = whole;
        short[14 + 20 + 12] = 0x10;
        assert_eq!(cut(&short, 100), None);
    }

    #[test]
    fn a_datagram_without_a_checksum_stays_without() {
        let mut f = frame(UDP, 0, &[1, 1, 2, 2, 0, 11, 0, 0], &[1, 2, 3]);
        let before = f.clone();
        complete(&mut f);
        assert_eq!(f, before);
        f[40] = 1;
        complete(&mut f);
        assert_eq!(checksum::expected(&f), Some((40, [f[40], f[41]])));
        assert_ne!(f[40..42], [1, 0]);
    }
}
