//! SYN cookies (RFC 4987 section 3.6; net/ipv4/syncookies.c): a listener whose queue of half-open requests is full keeps nothing
//! of a SYN and still lets its sender in.
//!
//! The first sequence number of the SYN-ACK is made of a keyed hash of the addresses and ports, the client's sequence
//! number, a count of minutes and, under a second hash that takes in the count, a number for the client's MSS. An ACK for
//! it proves that its sender has seen the SYN-ACK, in the last two minutes at most. What else the SYN said goes into the six
//! lowest bits of our timestamp, which comes back in the ACK: window scale, SACK, ECN. A client without timestamps
//! has to do without these.
//!
//! Cookies are believed only while the queue overflowed within the last two minutes, so that guessing is of no use at other
//! times. A guess succeeds with a chance of 2 in 2^29.
//!
//! Deviation: eight values of the MSS (Linux: four, 536 to 1460): smaller ones, since a segment must not be larger than the
//! peer's MSS, and those of jumbo frames.

use super::Tuple;
use super::isn::Secrets;
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;
use crate::wire::tcp::Options;

/// For so long after the queue was full cookies are believed (TCP_SYNCOOKIE_VALID).
pub(super) const VALID: Duration = Duration::from_secs(60 * MAX_AGE as u64);
/// Minutes begun since a cookie was made, below which it counts.
const MAX_AGE: u32 = 2;
const COUNT_SHIFT: u32 = 24;
const LOW: u32 = (1 << COUNT_SHIFT) - 1;
/// MSS that a cookie can tell; sorted.
const MSS: [u16; 8] = [48, 256, 536, 1240, 1400, 1440, 1460, 8960];

/// Bits of the timestamp that carry options.
const STAMP_BITS: u32 = 6;
const SCALE: u32 = 0xf;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;

fn minute(now: Instant) -> u32 {
    // Its lowest eight bits count.
    (now.micros() / 60_000_000) as u32
}

/// The first sequence number that answers a SYN with `seq` from a client with this MSS, and the MSS that it tells.
pub(super) fn make(
    secrets: &Secrets,
    now: Instant,
    tuple: &Tuple,
    seq: SeqNumber,
    mss: u16,
) -> (SeqNumber, u16) {
    let index = MSS.partition_point(|m| *m <= mss).saturating_sub(1);
    let count = minute(now);
    let low = secrets.cookie(tuple, count).wrapping_add(index as u32) & LOW;
    let cookie =
        secrets.cookie_base(tuple).wrapping_add(seq.0).wrapping_add(count << COUNT_SHIFT).wrapping_add(low);
    (SeqNumber(cookie), MSS.get(index).copied().unwrap_or(536))
}

/// The MSS that `cookie` tells of the client whose SYN had `seq`; None: it is not a cookie of ours, or too old.
pub(super) fn check(
    secrets: &Secrets,
    now: Instant,
    tuple: &Tuple,
    seq: SeqNumber,
    cookie: SeqNumber,
) -> Option<u16> {
    let rest = cookie.0.wrapping_sub(secrets.cookie_base(tuple)).wrapping_sub(seq.0);
    let age = minute(now).wrapping_sub(rest >> COUNT_SHIFT) & (u32::MAX >> COUNT_SHIFT);
    if age >= MAX_AGE {
        return None;
    }
    let made = minute(now).wrapping_sub(age);
    let index = rest.wrapping_sub(secrets.cookie(tuple, made)) & LOW;
    MSS.get(usize::try_from(index).ok()?).copied()
}

/// Our timestamp with the options in its lowest bits, and not later than `clock`, so that the next one is not earlier.
pub(super) fn stamp(clock: u32, syn: &Options, ecn: bool) -> u32 {
    let mut bits = syn.window_scale.map_or(SCALE, u32::from);
    if syn.sack_permitted {
        bits |= SACK;
    }
    if ecn {
        bits |= ECN;
    }
    let stamp = clock >> STAMP_BITS << STAMP_BITS | bits;
    if stamp > clock { stamp.wrapping_sub(1 << STAMP_BITS) } else { stamp }
}

/// The options that such a timestamp tells, and whether ECN was agreed on.
pub(super) fn unstamp(stamp: u32) -> (Options, bool) {
    let scale = stamp & SCALE;
    let options = Options {
        window_scale: (scale != SCALE).then_some(scale as u8),
        sack_permitted: stamp & SACK != 0,
        ..Options::default()
    };
    (options, stamp & ECN != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddrV4};

    fn tuple(port: u16) -> Tuple {
        Tuple {
            local: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80),
            remote: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), port),
        }
    }

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    #[test]
    fn a_cookie_tells_the_mss_and_lasts_one_to_two_minutes() {
        let secrets = Secrets::new([3; 32]);
        let seq = SeqNumber(0xffff_fff0);
        for (mss, told) in
            [(1, 48), (48, 48), (535, 256), (536, 536), (1460, 1460), (1461, 1460), (65_000, 8960)]
        {
            let (cookie, said) = make(&secrets, at(59), &tuple(1), seq, mss);
            assert_eq!(said, told);
            assert_eq!(check(&secrets, at(59), &tuple(1), seq, cookie), Some(told));
            assert_eq!(check(&secrets, at(119), &tuple(1), seq, cookie), Some(told));
            assert_eq!(check(&secrets, at(120), &tuple(1), seq, cookie), None);
            assert_eq!(check(&secrets, at(59), &tuple(2), seq, cookie), None);
            assert_eq!(check(&secrets, at(59), &tuple(1), seq + 100, cookie), None);
            assert_eq!(check(&Secrets::new([4; 32]), at(59), &tuple(1), seq, cookie), None);
        }
    }

    #[test]
    fn guesses_fail() {
        let secrets = Secrets::new([3; 32]);
        // Two counts of 256, eight of 2^24 low parts: 2^20 guesses succeed 1 time in 256 or so.
        let found = (0..1u32 << 20).filter(|n: &u32| {
            let guess = SeqNumber(n.wrapping_mul(4093));
            check(&secrets, at(1000), &tuple(1), SeqNumber(7), guess).is_some()
        });
        assert!(found.count() <= 1);
    }

    #[test]
    fn options_come_back_and_time_does_not_go_back() {
        for clock in [64, 1000, 1023, 1024, u32::MAX] {
            for (scale, sack, ecn) in [(None, false, false), (Some(0), true, false), (Some(14), true, true)] {
                let syn = Options { window_scale: scale, sack_permitted: sack, ..Options::default() };
                let stamp = stamp(clock, &syn, ecn);
                assert!(stamp <= clock && clock - stamp < 128);
                assert_eq!(unstamp(stamp), (syn, ecn));
            }
        }
    }
}
