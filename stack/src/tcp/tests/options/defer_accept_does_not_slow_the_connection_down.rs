//! The time until the client says something is no round trip, and who waits for it has lost no SYN-ACK (RFC 5681 section 3.1 has
//! an initial window of one segment for that; inet_rtx_syn_ack counts what was sent again, not the waiting).

use super::*;

#[test]
fn defer_accept_does_not_slow_the_connection_down() {
    for wait in [ms(500), ms(5000)] {
        let mut b = Bench::listening(5);
        b.options(|o| o.defer_accept = 10);
        b.client_syn(MODERN);
        b.advance(ms(10));
        b.client_ack();
        assert!(b.advance(wait).is_empty());
        b.peer(ACK | PSH, 1, 1, b"GET");
        let (child, _) = b.tcp.accept(b.id).unwrap();
        b.id = child;
        let info = b.info();
        assert_eq!(info.srtt, ms(10), "{wait:?}");
        assert!(info.rto <= ms(250) && info.cwnd >= 10 * 1400, "{wait:?}: {:?} {}", info.rto, info.cwnd);
    }
}
