//! A fifth of all packets is lost in both directions: time-outs, D-SACKs and lost acknowledgements all the time (`STREAMS` of 60 kB in
//! virtual time). Bounds are twice what was measured: they notice a connection that does not recover, not a percent.

use super::super::pair::{CLEAN, Link, transfer};
use super::*;

const STREAMS: u64 = 200;

#[test]
fn short_streams_come_to_an_end() {
    let link = Link { loss: 200, delay: ms(10), keep_gso: false, ..CLEAN };
    let mut times = Vec::new();
    let mut sum = Counters::default();
    for seed in 0..STREAMS {
        let (took, counters) = transfer(link, seed, [60_000, 0]);
        times.push(took.as_millis());
        sum.tcp_rto += counters[0].tcp_rto;
        sum.tcp_black_holes += counters[0].tcp_black_holes;
        sum.tcp_retransmits += counters[0].tcp_retransmits;
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100];
    let figures = format!(
        "{} {} {} {} ms; {} time-outs, {} holes, {} repeated",
        at(50),
        at(75),
        at(90),
        at(99),
        sum.tcp_rto,
        sum.tcp_black_holes,
        sum.tcp_retransmits
    );
    println!("{figures}");
    assert!(at(50) < 2_500 && at(90) < 12_500, "{figures}");
    assert!(sum.tcp_rto < 5 * STREAMS, "{figures}");
    assert!(sum.tcp_retransmits < 24 * STREAMS, "{figures}");
}
