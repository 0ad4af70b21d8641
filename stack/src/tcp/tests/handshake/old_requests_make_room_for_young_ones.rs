//! reqsk_timer_handler: when half of the queue is taken, mostly by requests that did not answer at once, these are given up sooner.

use super::*;

fn repeated(backlog: u32, others: u16) -> usize {
    let mut b = Bench::listening(backlog);
    for port in 0..others {
        b.remote = 50_000 + port;
        b.client_syn(PLAIN);
    }
    let sent = b.advance(Duration::from_secs(100));
    assert_eq!(b.tcp.requests.len(), 0);
    sent.len()
}

#[test]
fn old_requests_make_room_for_young_ones() {
    // Few, or little of the room: five repetitions.
    assert_eq!(repeated(1000, 4), 20);
    assert_eq!(repeated(1000, 400), 2000);
    // More than half, and none of them young after the first second: two, until half is free.
    assert_eq!(repeated(1000, 600), 100 * 2 + 500 * 5);
}
