//! Linux's tcp_ecn=0.

use super::*;

#[test]
fn a_listener_does_not_agree() {
    let mut b = Bench::listening(5);
    b.options(|o| o.ecn = EcnMode::Off);
    assert_eq!(client_asks(&mut b, SETUP, 0), SYN | ACK);
    accept(&mut b);
    assert!(!b.info().ecn);
}

#[test]
fn connect_does_not_ask() {
    let mut b = Bench::new();
    b.options(|o| o.ecn = EcnMode::Off);
    assert_eq!(b.connect().repr.flags, SYN);
}
