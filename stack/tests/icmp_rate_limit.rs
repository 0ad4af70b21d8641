//! RFC 1812 section 4.3.2.8: ICMP errors are limited, per destination and in all, echo replies are not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::icmpv4::Repr;
use std::net::Ipv4Addr;

#[test]
fn six_at_once_then_one_a_second_per_destination() {
    let mut host = Host::new();
    let knock = udp_frame(addr(FAR, 9), addr(OWN, 5000), b"x");
    let mut answers = 0;
    for _ in 0..100 {
        answers += host.feed(knock.clone()).len();
    }
    assert_eq!(answers, 6);
    assert_eq!(host.count("icmp_rate_limited"), 94);
    for _ in 0..3 {
        host.advance(secs(1));
        assert_eq!((0..10).map(|_| host.feed(knock.clone()).len()).sum::<usize>(), 1);
    }
}

#[test]
fn fifty_at_once_in_all() {
    let mut host = Host::new();
    let answers: usize = (0..500u32)
        .map(|n| host.feed(udp_frame(addr(Ipv4Addr::from(0xc000_0200 + n), 9), addr(OWN, 5000), b"x")).len())
        .sum();
    assert_eq!(answers, 50);
}

#[test]
fn echo_replies_are_not_limited() {
    let mut host = Host::new();
    let ping = icmp_frame(FAR, &Repr::EchoRequest { ident: 1, seq: 1, data: b"x" });
    assert_eq!((0..1000).map(|_| host.feed(ping.clone()).len()).sum::<usize>(), 1000);
}
