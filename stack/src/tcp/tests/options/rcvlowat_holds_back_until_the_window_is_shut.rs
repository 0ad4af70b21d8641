//! net/ipv4/tcp.c, tcp_stream_is_readable: SO_RCVLOWAT holds poll back, unless the peer can hardly send more.

use super::*;

#[test]
fn rcvlowat_holds_back_until_the_window_is_shut() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.rcvlowat = 100_000);
    b.peer(ACK | PSH, 1, 1, b"little");
    assert!(!b.ready().contains(Readiness::IN));
    b.options(|o| o.rcvlowat = 6);
    assert!(b.ready().contains(Readiness::IN));
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.rcvbuf = Some(8000);
        o.rcvlowat = 100_000;
    });
    let mut at = 1;
    for _ in 0..200 {
        b.peer(ACK | PSH, at, 1, &[9; 1000]);
        at += 1000;
        b.flush();
        if b.ready().contains(Readiness::IN) {
            return;
        }
    }
    panic!("never readable");
}
