//! Two stacks over a link that marks: every byte arrives, and marks alone cost no packet.

use super::pair::{CLEAN, Link, transfer};
use super::*;

#[test]
fn marks_alone_slow_down_and_lose_nothing() {
    for (tso, keep_gso) in [(0, false), (65_000, true), (20_000, false)] {
        for cc in [Congestion::Cubic, Congestion::Reno] {
            // A frame of 64 kB is one packet to mark.
            let mark = if keep_gso { 300 } else { 20 };
            let link = Link { ecn: true, mark, tso, keep_gso, cc, ..CLEAN };
            let (_, counters) = transfer(link, 5, [5_000_000, 1_000_000]);
            for c in counters {
                assert!(c.tcp_ecn_ce_in > 0 && c.tcp_ecn_echoes_in > 0);
                assert_eq!(
                    (c.tcp_retransmits, c.tcp_rto, c.tcp_duplicates, c.tcp_out_of_order),
                    (0, 0, 0, 0)
                );
            }
        }
    }
}

#[test]
fn a_marked_link_is_slower() {
    let link = Link { ecn: true, delay: ms(10), keep_gso: false, ..CLEAN };
    let (plain, _) = transfer(link, 5, [5_000_000, 0]);
    let (marked, _) = transfer(Link { mark: 50, ..link }, 5, [5_000_000, 0]);
    assert!(marked > plain * 2, "{plain:?} {marked:?}");
}

#[test]
fn marks_and_losses_together() {
    for seed in 0..6 {
        let link = Link {
            ecn: true,
            mark: 20 * (1 + seed % 3),
            loss: 10 * seed,
            dup: 10,
            reorder: 30,
            tso: [0, 65_000][seed as usize % 2],
            keep_gso: false,
            sack: seed != 3,
            timestamps: seed != 2,
            ..CLEAN
        };
        transfer(link, seed, [2_000_000, 1_000_000]);
    }
}
