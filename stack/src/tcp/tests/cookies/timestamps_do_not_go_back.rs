//! RFC 7323 section 4.1: the timestamp of the SYN-ACK, with options in its lowest bits, is not later than the next one.

use super::*;

#[test]
fn timestamps_do_not_go_back() {
    let mut b = flooded();
    for _ in 0..200 {
        let first = b.client_syn(MODERN).repr.options.timestamps.unwrap().0;
        b.peer(ACK | PSH, 1, 1, b"hello");
        let (child, _) = b.tcp.accept(b.id).unwrap();
        let listener = std::mem::replace(&mut b.id, child);
        b.send(b"answer");
        let next = b.flush().last().unwrap().repr.options.timestamps.unwrap().0;
        assert!((0..128).contains(&next.wrapping_sub(first)), "{first} {next}");
        b.tcp.abort(b.now, child);
        b.flush();
        b.id = listener;
        b.remote += 1;
        b.now = b.now + Duration::from_micros(777);
    }
}
