//! RFC 9293 section 3.8.6: the peer's window shrinks below what is in flight; only the head is sent again, and the connection lives on.

use super::*;

#[test]
fn a_window_that_closes_over_data_in_flight() {
    let mut b = in_flight(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 3001, &[]);
    b.flush();
    for _ in 0..30 {
        let due = b.tcp.poll_timeout().unwrap();
        for s in b.advance(due.since(b.now) + ms(1)) {
            assert_eq!(s.repr.seq.0, b.iss + 3001);
        }
        b.peer(ACK, 1, 3001, &[]);
        assert_eq!(b.state(), TcpState::Established);
    }
    b.peer_window = 60_000;
    b.peer(ACK, 1, 10_001, &[]);
    assert!(!b.sent().is_empty());
}
