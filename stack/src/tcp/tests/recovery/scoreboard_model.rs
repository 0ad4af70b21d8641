//! The scoreboard against a naive model of bytes: what is SACKed, lost and in flight, when each byte was last sent, and what RACK
//! (RFC 8985 section 6.2) takes for lost.

use super::*;
use crate::tcp::scoreboard::{Arrival, Scoreboard};
use proptest::prelude::*;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Byte {
    sent_at: Instant,
    sacked: bool,
    lost: bool,
    again: bool,
}

proptest! {
    #[test]
    fn agrees_with_a_map_of_bytes(
        ops in prop::collection::vec((0u8..7, 0u32..400, 0u32..60), 1..80),
        base in any::<u32>(),
    ) {
        let seq = |o: u32| SeqNumber(base.wrapping_add(o));
        let mut board = Scoreboard::new(seq(0));
        let mut bytes: Vec<Byte> = Vec::new();
        let mut una = 0u32;
        let mut now = Instant::from_micros(1_000_000);
        for (op, a, b) in ops {
            now = now + Duration::from_micros(u64::from(b) * 10 + 1);
            let arrival = Arrival { now, min_rtt: Duration::ZERO, echo: None };
            let nxt = una + bytes.len() as u32;
            match op {
                0 => {
                    let len = a % 30 + 1;
                    board.on_send(seq(nxt), len, now);
                    bytes.extend(vec![Byte { sent_at: now, sacked: false, lost: false, again: false }; len as usize]);
                }
                1 | 2 if nxt > una + 1 => {
                    let from = una + 1 + a % (nxt - una - 1);
                    let to = (from + b % 25 + 1).min(nxt);
                    let blocks: SackBlocks = [(seq(from), seq(to))].into_iter().collect();
                    let got = board.on_sack(&blocks, arrival);
                    let mut fresh = 0;
                    for o in from..to {
                        let byte = &mut bytes[(o - una) as usize];
                        if !byte.sacked {
                            fresh += 1;
                        }
                        *byte = Byte { sacked: true, lost: false, ..*byte };
                    }
                    prop_assert_eq!(got.bytes, fresh);
                }
                3 if nxt > una => {
                    let to = una + a % (nxt - una + 1);
                    let got = board.ack_to(seq(to), arrival);
                    let acked: Vec<_> = bytes.drain(..(to - una) as usize).collect();
                    prop_assert_eq!(got.bytes as usize, acked.iter().filter(|b| !b.sacked).count());
                    prop_assert_eq!(got.repaired, acked.iter().any(|b| b.again && !b.sacked));
                    una = to;
                }
                4 => {
                    // Everything sent strictly before the latest delivered, long enough ago, is lost; and nothing younger.
                    let wnd = Duration::from_micros(u64::from(a));
                    let (sent, rtt) = (board.latest().sent_at, board.latest().rtt());
                    board.find_lost(now, wnd);
                    for (byte, (_, lost, _)) in bytes.iter_mut().zip(board.bytes()) {
                        let due = now.since(byte.sent_at) >= rtt + wnd;
                        if !byte.sacked && !byte.lost {
                            if byte.sent_at < sent && due {
                                prop_assert!(lost, "missed");
                            }
                            if byte.sent_at > sent || !due {
                                prop_assert!(!lost, "too early");
                            }
                        }
                        byte.lost = lost;
                    }
                }
                5 => {
                    if let Some((i, start, len)) = board.next_lost_from(0) {
                        let n = (b % 7 + 1).min(len);
                        board.on_retransmit(i, n, now, false);
                        let first = start.0.wrapping_sub(base).wrapping_sub(una);
                        for o in first..first + n {
                            let byte = &mut bytes[o as usize];
                            prop_assert!(byte.lost && !byte.sacked);
                            *byte = Byte { sent_at: now, lost: false, again: true, ..*byte };
                        }
                    }
                }
                6 if a % 8 == 0 => {
                    let reneged = bytes.first().is_some_and(|b| b.sacked);
                    prop_assert_eq!(board.mark_all_lost(None), reneged);
                    for byte in &mut bytes {
                        byte.sacked &= !reneged;
                        byte.lost = !byte.sacked;
                    }
                }
                6 if a % 8 == 1 => {
                    board.unmark_lost();
                    bytes.iter_mut().for_each(|b| b.lost = false);
                }
                _ => {}
            }
            board.check();
            let have = board.bytes();
            prop_assert_eq!(have.len(), bytes.len());
            for (byte, (sacked, lost, sent_at)) in bytes.iter().zip(have) {
                prop_assert_eq!((byte.sacked, byte.lost, byte.sent_at), (sacked, lost, sent_at));
            }
            prop_assert_eq!(board.sacked() as usize, bytes.iter().filter(|b| b.sacked).count());
            prop_assert_eq!(board.lost() as usize, bytes.iter().filter(|b| b.lost).count());
        }
    }
}
