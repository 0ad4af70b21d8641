//! Two stacks with a hole between them: every byte arrives, whatever else is lost.

use super::pair::{CLEAN, Link, transfer};

#[test]
fn through_holes_of_many_sizes() {
    for (n, hole) in [560, 700, 1064, 1065, 1200, 1499].into_iter().enumerate() {
        for tso in [0, 65_000] {
            let link = Link { hole, tso, keep_gso: false, delay: super::ms(5), ..CLEAN };
            let (took, counters) = transfer(link, n as u64, [1_000_000, 1_000_000]);
            for c in counters {
                assert!(c.tcp_black_holes >= 1);
                // As much as the search needs, and not once for each window.
                assert!(c.tcp_mtu_probes <= 24, "{hole} {tso}: {} probes", c.tcp_mtu_probes);
            }
            assert!(took < std::time::Duration::from_secs(60), "{hole} {tso}: {took:?}");
        }
    }
}

#[test]
fn with_losses_beside() {
    for seed in 0..8 {
        let link = Link {
            hole: 900 + 70 * seed as usize,
            loss: [5, 20, 100][seed as usize % 3],
            reorder: 20 * (seed % 2),
            dup: 10 * (seed % 3),
            tso: [0, 65_000][seed as usize % 2],
            keep_gso: false,
            sack: seed % 4 != 3,
            timestamps: seed % 3 != 2,
            delay: super::ms(3),
            ..CLEAN
        };
        transfer(link, seed, [400_000, 200_000]);
    }
}
