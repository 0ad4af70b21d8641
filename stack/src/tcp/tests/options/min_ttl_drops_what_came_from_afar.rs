//! ip(7), RFC 5082 section 3: IP_MINTTL.

use super::*;

#[test]
fn min_ttl_drops_what_came_from_afar() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.min_ttl = 255);
    let mut far = b.segment(ACK | PSH, 1, 1, b"far");
    far.ttl = 254;
    b.rx(far);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    assert_eq!(b.counters.tcp_min_ttl, 1);
    let mut near = b.segment(ACK | PSH, 1, 1, b"near");
    near.ttl = 255;
    b.rx(near);
    assert_eq!(b.recv(10).unwrap(), b"near");
}
