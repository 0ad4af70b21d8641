//! RFC 7413 section 4.2.2: a SYN-ACK may carry data for who used Fast Open, and for nobody else.

use super::*;

fn answer(b: &mut Bench, data: &[u8]) {
    let mut seg = b.segment(SYN | ACK, 0, 1, data);
    seg.repr.options.mss = Some(1000);
    b.rx(seg);
}

#[test]
fn a_syn_ack_may_bring_data() {
    let mut b = client();
    send_to(&mut b, b"").unwrap();
    syn(&mut b);
    answer(&mut b, b"welcome");
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 8);
    assert_eq!(b.recv(10).unwrap(), b"welcome");
    // Unasked: it is left to come again.
    b.tcp.abort(b.now, b.id);
    b.flush();
    b.id = b.tcp.open();
    b.connect();
    answer(&mut b, b"welcome");
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 1);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
}
