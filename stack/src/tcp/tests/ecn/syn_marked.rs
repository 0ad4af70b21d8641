//! RFC 3168 section 6.1.1: "A host MUST NOT set ECT on SYN or SYN-ACK packets." One that has it is not agreed with (Linux:
//! `tcp_ecn_create_request`): a network that marks everything would mark what means nothing.

use super::*;

#[test]
fn a_marked_syn_is_answered_without_ecn() {
    for tos in [1, ECT0, CE] {
        let mut b = Bench::listening(5);
        assert_eq!(client_asks(&mut b, SETUP, tos), SYN | ACK, "{tos}");
    }
}

#[test]
fn our_own_syn_is_not_marked() {
    let mut b = Bench::new();
    b.options(|o| o.ecn = EcnMode::On);
    assert_eq!(b.connect().tos, 0);
}
