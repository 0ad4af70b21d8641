//! RFC 3168 sections 6.1.2, 6.1.4 and 6.1.5: new data is ECN-capable; pure acknowledgements, retransmissions, window probes and
//! (as on Linux) a lone FIN are not. The rest of the TOS byte is the user's.

use super::*;

#[test]
fn new_data_is_and_acknowledgements_are_not() {
    let mut b = connected(PLAIN);
    b.send(&[1; 1000]);
    assert_eq!(marks(&mut b), [(ACK, 1000, ECT0)]);
    b.peer(ACK, 1, 1001, &[1; 3000]);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
}

#[test]
fn a_retransmission_is_not() {
    let mut b = connected(PLAIN);
    b.send(&[1; 1000]);
    b.flush();
    let again = b.advance(ms(300));
    assert_eq!(again.iter().map(|s| (s.payload.len(), s.tos)).collect::<Vec<_>>(), [(1000, 0)]);
}

#[test]
fn a_window_probe_is_not_and_tells_of_no_reduction() {
    let mut b = connected(PLAIN);
    b.send(&[1; 1000]);
    b.flush();
    b.peer(ACK | ECE, 1, 1001, &[]);
    b.peer_window = 0;
    b.peer(ACK, 1, 1001, &[]);
    b.send(&[1; 1000]);
    let probes = b.advance(ms(700));
    let plain = |s: &Sent| s.tos == 0 && !s.repr.flags.contains(CWR);
    assert!(!probes.is_empty() && probes.iter().all(plain), "{probes:?}");
}

#[test]
fn a_fin_alone_is_not() {
    let mut b = connected(PLAIN);
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    assert_eq!(marks(&mut b), [(FIN | ACK, 0, 0)]);
}

#[test]
fn the_users_tos_stays() {
    let mut b = connected(PLAIN);
    b.options(|o| o.tos = 0xb8);
    b.send(&[1; 1000]);
    assert_eq!(b.flush()[0].tos, 0xb8 | ECT0);
    b.peer(ACK, 1, 1001, &[1; 3000]);
    assert_eq!(b.flush()[0].tos, 0xb8);
}

#[test]
fn nothing_is_without_agreement() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 1000]);
    assert_eq!(marks(&mut b), [(ACK, 1000, 0)]);
}
