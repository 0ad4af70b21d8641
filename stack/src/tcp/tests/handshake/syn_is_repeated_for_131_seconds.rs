//! RFC 9293 section 3.8.3 (R2 of a SYN), RFC 6298 section 5.5, tcp_syn_linear_timeouts: when a SYN is repeated, and how long.

use super::*;

fn seconds(b: &mut Bench, limit: u64) -> Vec<u64> {
    let start = b.now;
    let sent = b.advance(Duration::from_secs(limit));
    assert!(sent.iter().all(|s| s.repr.flags == SYN && s.repr.seq.0 == b.iss));
    sent.iter().map(|s| s.at.since(start).as_secs()).collect()
}

#[test]
fn syn_is_repeated_for_131_seconds() {
    let mut b = Bench::new();
    b.connect();
    assert_eq!(seconds(&mut b, 130), [1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    assert_eq!(b.state(), TcpState::SynSent);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
    assert!(b.ready().contains(Readiness::HUP));
    assert_eq!(b.counters.tcp_syn_retransmits, 10);
}

/// TCP_SYNCNT (tcp(7)): so many that double, and the four in addition. With less than that the time that the doubling ones would
/// take ends it (retransmits_timed_out).
#[test]
fn syncnt_says_how_often() {
    for (count, at, end) in
        [(1, &[1u64, 2][..], 3), (2, &[1, 2, 3, 4, 5], 7), (3, &[1, 2, 3, 4, 5, 7, 11], 19)]
    {
        let mut b = Bench::new();
        b.options(|o| o.syncnt = count);
        b.connect();
        assert_eq!(seconds(&mut b, end - 1), at);
        b.advance(ms(999));
        assert_eq!(b.state(), TcpState::SynSent);
        b.advance(ms(2));
        assert_eq!((b.state(), b.tcp.take_error(b.id)), (TcpState::Closed, Some(Error::TimedOut)));
    }
}
