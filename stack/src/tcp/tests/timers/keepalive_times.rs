//! Keepalive (RFC 9293 section 3.8.4, tcp(7)): the first probe after TCP_KEEPIDLE without a segment of the peer, then one every
//! TCP_KEEPINTVL, and after TCP_KEEPCNT of them a RST and ETIMEDOUT.

use super::*;

fn alive(idle: u64, interval: u64, count: u32) -> Bench {
    Bench::connected_with(PLAIN, |b| {
        b.options(|o| {
            o.keepalive = true;
            o.keepidle = Duration::from_secs(idle);
            o.keepintvl = Duration::from_secs(interval);
            o.keepcnt = count;
        });
    })
}

fn seconds(b: &Bench, start: Instant, sent: &[Sent]) -> Vec<(u64, Flags, u32)> {
    sent.iter()
        .map(|s| (s.at.since(start).as_secs(), s.repr.flags, s.repr.seq.0.wrapping_sub(b.iss)))
        .collect()
}

#[test]
fn without_an_answer() {
    let mut b = alive(60, 5, 3);
    let start = b.now;
    let sent = b.advance(Duration::from_secs(1000));
    // MUST-25: "one byte before": SND.NXT - 1, without data.
    let probe = |at| (at, ACK, 0);
    assert_eq!(seconds(&b, start, &sent), vec![probe(60), probe(65), probe(70), (75, RST | ACK, 1)]);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}

#[test]
fn an_answer_starts_it_over() {
    let mut b = alive(60, 5, 3);
    let start = b.now;
    let mut all = b.advance(Duration::from_secs(66));
    b.peer(ACK, 1, 1, &[]);
    all.extend(b.advance(Duration::from_secs(65)));
    assert_eq!(seconds(&b, start, &all).iter().map(|s| s.0).collect::<Vec<_>>(), vec![60, 65, 126, 131]);
    assert_eq!(b.state(), TcpState::Established);
}

#[test]
fn data_of_the_peer_postpones_it() {
    let mut b = alive(60, 5, 3);
    b.advance(Duration::from_secs(50));
    b.peer(ACK, 1, 1, b"x");
    b.recv(1).unwrap();
    b.flush();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(62));
    assert_eq!(sent.last().unwrap().at.since(start), Duration::from_secs(60));
}

#[test]
fn switched_on_late_it_counts_from_then_and_keepidle_from_the_last_segment() {
    let mut b = Bench::connected(PLAIN);
    b.advance(Duration::from_secs(100));
    b.options(|o| {
        o.keepalive = true;
        o.keepidle = Duration::from_secs(30);
    });
    let start = b.now;
    assert_eq!(b.advance(Duration::from_secs(31)).len(), 1, "idle for longer already");
    b.peer(ACK, 1, 1, &[]);
    b.options(|o| o.keepidle = Duration::from_secs(50));
    let sent = b.advance(Duration::from_secs(60));
    assert_eq!(sent[0].at.since(start).as_secs(), 81);
    b.peer(ACK, 1, 1, &[]);
    b.options(|o| o.keepalive = false);
    assert!(b.advance(Duration::from_secs(10_000)).is_empty());
}

/// Linux's `tcp_keepalive_timer`: with data under way the retransmission timer finds out.
#[test]
fn with_data_under_way_there_is_none() {
    let mut b = alive(1, 1, 2);
    b.send(b"data");
    let sent = b.advance(Duration::from_secs(20));
    assert!(sent.iter().all(|s| s.payload == b"data"));
    assert_eq!((b.counters.tcp_keepalives_out, b.state()), (0, TcpState::Established));
}

#[test]
fn switched_on_late_it_counts_from_then_and_a_shorter_time_from_the_last_segment() {
    // Linux: `tcp_set_keepalive`, `tcp_sock_set_keepidle_locked`.
    let mut b = alive(60, 5, 9);
    let start = b.now;
    b.options(|o| o.keepalive = false);
    assert!(b.advance(Duration::from_secs(100)).is_empty());
    b.options(|o| o.keepalive = true);
    let sent = b.advance(Duration::from_secs(61));
    assert_eq!(seconds(&b, start, &sent), vec![(160, ACK, 0)]);
    b.options(|o| o.keepalive = false);
    b.options(|o| o.keepalive = true);
    b.options(|o| o.keepidle = Duration::from_secs(30));
    let sent = b.flush();
    assert_eq!(sent.len() + b.advance(ms(2)).len(), 1, "long overdue");
}
