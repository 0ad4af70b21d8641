//! RFC 7413 section 4.1.3.1: a path that keeps losing SYNs with data is not offered any for a while.

use super::*;

fn attempt(b: &mut Bench, lost: bool) -> Sent {
    b.tcp.abort(b.now, b.id);
    b.flush();
    b.id = b.tcp.open();
    send_to(b, b"hello").unwrap();
    let sent = syn(b);
    if lost {
        b.advance(ms(1000));
    }
    syn_ack(b, if lost || sent.payload.is_empty() { 0 } else { 5 }, None);
    b.flush();
    sent
}

#[test]
fn a_destination_that_loses_such_syns_is_spared() {
    let mut b = client();
    for _ in 0..2 {
        assert_eq!(attempt(&mut b, true).payload, b"hello");
    }
    let plain = attempt(&mut b, false);
    assert!(plain.payload.is_empty() && plain.repr.options.fast_open.is_none());
    // 60 s doubled twice.
    b.advance(Duration::from_secs(238));
    assert!(attempt(&mut b, false).payload.is_empty());
    b.advance(Duration::from_secs(3));
    assert_eq!(attempt(&mut b, false).payload, b"hello");
    // It arrived: all is forgotten.
    assert_eq!(attempt(&mut b, true).payload, b"hello");
    assert_eq!(attempt(&mut b, false).payload, b"hello");
}
