//! RFC 8985 section 6.3, Linux's tcp_timeout_mark_lost: a time-out does not take for lost what left less than a round trip ago.

use super::*;
use crate::tcp::scoreboard::Scoreboard;

#[test]
fn what_just_left_is_still_in_flight() {
    let start = Instant::from_micros(1_000_000);
    let mut board = Scoreboard::new(SeqNumber(0));
    board.on_send(SeqNumber(0), 1000, start);
    board.on_send(SeqNumber(1000), 1000, start);
    board.on_send(SeqNumber(2000), 1000, start + ms(195));
    board.mark_all_lost(Some((start + ms(210), ms(20))));
    assert_eq!(board.lost(), 2000);
    board.check();
    // The head is lost however young.
    let mut board = Scoreboard::new(SeqNumber(0));
    board.on_send(SeqNumber(0), 1000, start);
    board.mark_all_lost(Some((start + ms(1), ms(20))));
    assert_eq!(board.lost(), 1000);
}
