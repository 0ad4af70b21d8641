//! RFC 9293 section 3.8.6.1: the first probe after an RTO, then with doubled intervals up to 120 s, for ever while the peer answers
//! (MUST-36, MUST-37); 15 without an answer are the end (Linux: tcp_retries2).

use super::*;

#[test]
fn intervals_double_up_to_two_minutes() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.flush();
    let mut at = vec![b.now];
    for _ in 0..20_000 {
        for s in b.advance(ms(100)) {
            at.push(s.at);
            b.peer(ACK, 1, 1, &[]);
        }
    }
    let gaps: Vec<_> = at.windows(2).map(|w| w[1].since(w[0]).as_millis()).collect();
    let want: Vec<_> = (0..gaps.len() as u32).map(|i| (gaps[0] << i.min(20)).min(120_000)).collect();
    assert!((200..=240).contains(&gaps[0]) && gaps.len() > 20, "{gaps:?}");
    assert_eq!(gaps, want);
    assert_eq!(b.state(), TcpState::Established);
}

#[test]
fn fifteen_without_an_answer_are_the_end() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    let sent = b.advance(Duration::from_secs(3000));
    assert_eq!((sent.len(), b.tcp.take_error(b.id)), (15, Some(Error::TimedOut)));
}
