//! RFC 7323 section 4: the echo says which SYN was answered, so a round trip is known though the SYN was sent twice, and the
//! time-out is not the 3 s of RFC 6298 section 5.7 (Linux: `tcp_ack_update_rtt` and `tcp_synack_rtt_meas` take it too).

use super::*;

#[test]
fn of_the_client() {
    let mut b = Bench::new();
    b.connect();
    b.advance(ms(1100));
    b.advance(ms(30));
    b.syn_ack(MODERN);
    b.flush();
    let info = b.info();
    assert!(info.srtt >= ms(30) && info.srtt <= ms(140), "{info:?}");
    assert!(info.rto < ms(500), "{info:?}");
}

#[test]
fn of_the_server() {
    let mut b = Bench::listening(5);
    b.client_syn(MODERN);
    // Whatever the SYN-ACK says, the client echoes the last.
    assert!(!b.advance(ms(1050)).is_empty());
    b.advance(ms(30));
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    let info = b.info();
    assert!(info.srtt >= ms(30) && info.srtt <= ms(140), "{info:?}");
    assert!(info.rto < ms(500), "{info:?}");
}

#[test]
fn without_timestamps_nothing_is_known() {
    let mut b = Bench::new();
    b.connect();
    b.advance(ms(1100));
    b.syn_ack(SACK);
    b.flush();
    assert_eq!((b.info().srtt, b.info().rto), (Duration::ZERO, ms(3000)));
}
