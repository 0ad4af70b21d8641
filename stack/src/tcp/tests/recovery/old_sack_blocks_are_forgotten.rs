//! Linux's `tcp_sacktag_write_queue` uses the blocks of the last option only while something is SACKed: 2^32 bytes later the same
//! numbers mean other data.

use super::*;
use crate::tcp::scoreboard::{Arrival, Scoreboard};

#[test]
fn the_same_numbers_once_more() {
    const LEN: u32 = 1 << 20;
    let seq = |n: u32| SeqNumber(n.wrapping_mul(LEN));
    let mut now = Instant::from_micros(1_000_000);
    let mut board = Scoreboard::new(seq(0));
    for n in 0..4 {
        board.on_send(seq(n), LEN, now);
    }
    let block = || [(seq(1), seq(2))].into_iter().collect::<SackBlocks>();
    let arrival = |now| Arrival { now, min_rtt: Duration::ZERO, echo: None };
    assert_eq!(board.on_sack(&block(), arrival(now)).bytes, LEN);
    // Something is under way all the time, up to the same numbers.
    for n in 4..4100 {
        now = now + ms(1);
        board.ack_to(seq(n - 3), arrival(now));
        board.on_send(seq(n), LEN, now);
    }
    assert_eq!(board.on_sack(&block(), arrival(now)).bytes, LEN);
    board.check();
}
