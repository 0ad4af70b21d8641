//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn a_peer_that_answers_no_probe_is_given_up() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.advance(Duration::from_secs(3000));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}
