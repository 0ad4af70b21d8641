//! What the emulator saw and did, one of these for each direction, printed as JSON at the end.
//!
//! It also proves the ground on which a comparison stands: frames no longer than the MTU allows and with complete checksums, so no
//! offload of a device in between; and how late frames were delivered, so no busy machine stretched the delay.

use std::fmt::Write;
use std::time::Duration;

/// Counts of one direction.
#[derive(Default)]
pub struct Seen {
    frames: u64,
    bytes: u64,
    longest: usize,
    bad_checksums: u64,
    delivered: u64,
    delivered_bytes: u64,
    refused: u64,
    late_total: Duration,
    late_most: Duration,
    /// Frames that were up to 2^n microseconds late.
    late: [u64; 32],
}

impl Seen {
    /// A frame was read.
    pub fn read(&mut self, frame: &[u8]) {
        self.frames += 1;
        self.bytes += frame.len() as u64;
        self.longest = self.longest.max(frame.len());
        if !checksums_right(frame) {
            self.bad_checksums += 1;
        }
    }

    /// A frame was written, or refused by the device, this long after its time.
    pub fn written(&mut self, len: usize, taken: bool, late: Duration) {
        if taken {
            self.delivered += 1;
            self.delivered_bytes += len as u64;
        } else {
            self.refused += 1;
        }
        self.late_total += late;
        self.late_most = self.late_most.max(late);
        let bucket = (u128::BITS - late.as_micros().leading_zeros()) as usize;
        if let Some(count) = self.late.get_mut(bucket) {
            *count += 1;
        }
    }

    /// As an object of JSON; the percentiles of lateness are upper bounds, powers of two.
    pub fn json(&self, dropped: &str) -> String {
        let written = self.delivered + self.refused;
        let mean = self.late_total.as_micros() / u128::from(written.max(1));
        let percentile = |of_thousand: u64| {
            let mut rest = written * of_thousand / 1000;
            for (bucket, count) in self.late.iter().enumerate() {
                if rest <= *count {
                    return 1_u64 << bucket;
                }
                rest -= count;
            }
            u64::MAX
        };
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{{\"frames\":{},\"bytes\":{},\"longest\":{},\"bad_checksums\":{},\"delivered\":{},\"delivered_bytes\":{},\"refused\":{},{dropped}\
             \"late_us\":{{\"mean\":{mean},\"p50\":{},\"p99\":{},\"p999\":{},\"max\":{}}}}}",
            self.frames,
            self.bytes,
            self.longest,
            self.bad_checksums,
            self.delivered,
            self.delivered_bytes,
            self.refused,
            percentile(500),
            percentile(990),
            percentile(999),
            self.late_most.as_micros(),
        );
        text
    }
}

/// Ones' complement sum of big-endian words (RFC 1071), not folded.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let total: u64 = words.iter().map(|w| u64::from(u32::from_be_bytes(*w))).sum();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    total + u64::from(u32::from_be_bytes(last))
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Whether the IPv4 header's checksum and that of TCP or UDP are right; true for everything that has neither.
pub fn checksums_right(frame: &[u8]) -> bool {
    let Some((ethernet, packet)) = frame.split_at_checked(14) else { return false };
    if !ethernet.ends_with(&[0x08, 0x00]) {
        return true;
    }
    let Some(first) = packet.first_chunk::<20>() else { return false };
    let header_len = usize::from(first[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([first[2], first[3]]));
    let fragment = u16::from_be_bytes([first[6], first[7]]) & 0x3fff != 0;
    let Some(packet) = packet.get(..total) else { return false };
    let Some((header, payload)) = packet.split_at_checked(header_len) else { return false };
    if fold(sum(header)) != 0xffff {
        return false;
    }
    let protocol = first[9];
    let udp_without = protocol == 17 && payload.get(6..8) == Some(&[0, 0]);
    if fragment || !matches!(protocol, 6 | 17) || udp_without {
        return true;
    }
    let addresses = sum(first.last_chunk::<8>().map_or(&[], |a| a));
    fold(addresses + u64::from(protocol) + payload.len() as u64 + sum(payload)) == 0xffff
}

#[cfg(test)]
mod tests {
    use super::{Seen, checksums_right};
    use std::time::Duration;

    // A SYN with options; `syn` fills in the checksums.
    const SYN: &str = "02000000000202000000000108004500003c1c4640004006\
                       45bc0a582d010a582d02d43101bb00000001000000\
                       00a002faf000000000020405b40402080a0000000100000000010303070000";

    fn syn() -> Vec<u8> {
        let text: String = SYN.split_whitespace().collect();
        let mut frame: Vec<u8> = (0..text.len() / 2)
            .filter_map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
            .collect();
        frame.truncate(14 + 60);
        let put = |frame: &mut Vec<u8>, at: usize, value: u16| {
            for (i, byte) in value.to_be_bytes().into_iter().enumerate() {
                if let Some(to) = frame.get_mut(at + i) {
                    *to = byte;
                }
            }
        };
        put(&mut frame, 24, 0);
        let header = !super::fold(super::sum(frame.get(14..34).unwrap_or(&[])));
        put(&mut frame, 24, header);
        put(&mut frame, 50, 0);
        let payload = frame.get(34..).unwrap_or(&[]);
        let whole =
            super::sum(frame.get(26..34).unwrap_or(&[])) + 6 + payload.len() as u64 + super::sum(payload);
        put(&mut frame, 50, !super::fold(whole));
        frame
    }

    #[test]
    fn every_inverted_bit_of_ip_and_tcp_is_found() {
        let frame = syn();
        assert!(checksums_right(&frame));
        for byte in 14..frame.len() {
            let mut wrong = frame.clone();
            wrong[byte] ^= 1;
            assert!(!checksums_right(&wrong), "byte {byte}");
        }
    }

    #[test]
    fn a_partial_checksum_as_with_an_offload_is_wrong() {
        let mut frame = syn();
        // What the kernel leaves for the device: the sum of the pseudo-header, not inverted.
        let partial = super::fold(super::sum(&frame[26..34]) + 6 + 40).to_be_bytes();
        frame[50..52].copy_from_slice(&partial);
        assert!(!checksums_right(&frame));
    }

    #[test]
    fn lateness_is_told_in_percentiles() {
        let mut seen = Seen::default();
        for _ in 0..990 {
            seen.written(100, true, Duration::from_micros(3));
        }
        for _ in 0..10 {
            seen.written(100, true, Duration::from_micros(700));
        }
        let text = seen.json("");
        assert!(text.contains("\"p50\":4,\"p99\":4,\"p999\":1024,\"max\":700"), "{text}");
        assert!(text.contains("\"delivered\":1000,"), "{text}");
    }
}
