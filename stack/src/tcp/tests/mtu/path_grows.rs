//! RFC 1191 section 6.3: when the IP layer has forgotten the smaller MTU, segments grow again.

use super::*;

#[test]
fn with_the_next_transmission() {
    let mut b = Bench::connected(WIDE);
    b.below.mtu = 1000;
    b.send(&[1; 2000]);
    assert!(b.flush().iter().all(|s| s.payload.len() <= 960));
    b.peer(ACK, 1, 2001, &[]);
    b.below.mtu = 1500;
    b.send(&[1; 1460]);
    assert_eq!(b.sent(), [(PSH | ACK, 2001, 1460)]);
}
