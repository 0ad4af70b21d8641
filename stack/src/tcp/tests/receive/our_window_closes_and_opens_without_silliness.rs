//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn our_window_closes_and_opens_without_silliness() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(20_000)));
    let mut seq = 1;
    let mut last = 20_000;
    while last >= 1000 {
        b.peer(ACK, seq, 1, &[9; 1000]);
        seq += 1000;
        for s in b.advance(ms(50)) {
            last = window(&s, 0);
        }
    }
    assert!(seq >= 18_000, "{seq}");
    // More than the window: dropped, and said so.
    b.peer(ACK, seq, 1, &[9; 3000]);
    assert_eq!(b.counters.tcp_beyond_window, 1);
    assert!(b.flush().last().unwrap().repr.ack.0 - b.irs >= seq);
    b.advance(ms(50));
    // A few bytes read: nothing to say. Half the buffer: a window update.
    b.recv(500).unwrap();
    b.silent();
    let mut read = 500;
    let update = loop {
        read += b.recv(1000).unwrap().len();
        if let Some(s) = b.flush().pop() {
            break s;
        }
    };
    assert!(window(&update, 0) >= 1000 && read <= 12_000, "{read}");
}
