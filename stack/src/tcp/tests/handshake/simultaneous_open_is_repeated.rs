//! RFC 9293 section 3.10.8, section 3.5 figure 7: in SYN-RECEIVED after a simultaneous open the SYN-ACK is repeated at intervals that
//! double, then the attempt ends.

use super::*;

#[test]
fn simultaneous_open_is_repeated() {
    let mut b = Bench::new();
    b.connect();
    b.peer(SYN, 0, 0, &[]);
    assert_eq!((b.state(), b.flush()[0].repr.flags), (TcpState::SynReceived, SYN | ACK));
    let start = b.now;
    let sent = b.advance(Duration::from_secs(100));
    assert!(
        sent.iter().all(|s| s.repr.flags == SYN | ACK && s.repr.seq.0 == b.iss && s.repr.ack.0 == b.irs + 1)
    );
    let at: Vec<u64> = sent.iter().map(|s| s.at.since(start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31, 63]);
    b.advance(Duration::from_secs(30));
    assert_eq!((b.state(), b.tcp.take_error(b.id)), (TcpState::Closed, Some(Error::TimedOut)));
}

/// tcp_reset: an attempt that got so far was reset, not refused.
#[test]
fn a_reset_then_is_no_refusal() {
    let mut b = Bench::new();
    b.connect();
    b.peer(SYN, 0, 0, &[]);
    b.flush();
    b.peer(RST | ACK, 1, 1, &[]);
    assert_eq!(b.tcp.outcome(b.id), Err(Error::ConnectionReset));
}
