//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

/// Uses up the quick acknowledgements of the beginning.
fn settled(peer: Peer) -> (Bench, u32) {
    let mut b = Bench::connected(peer);
    let mut seq = 1;
    for _ in 0..20 {
        b.peer(ACK, seq, 1, &[7; 1000]);
        b.flush();
        seq += 1000;
    }
    b.advance(ms(50));
    while b.recv(100_000).is_ok() {}
    b.flush();
    (b, seq)
}

#[test]
fn the_first_segments_are_acknowledged_at_once() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | PSH, 1, 1, &[1; 100]);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + 101);
}

#[test]
fn a_single_segment_waits_40_ms() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 1000]);
    b.silent();
    let at = b.now + ms(40);
    let sent = b.advance(ms(60));
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].at, sent[0].repr.ack.0), (at, b.irs + seq + 1000));
}

#[test]
fn two_segments_are_acknowledged_at_once() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK, seq, 1, &[1; 1000]);
    b.silent();
    b.peer(ACK, seq + 1000, 1, &[1; 1000]);
    assert_eq!(b.flush().len(), 1);
}

#[test]
fn a_frame_of_many_segments_counts_as_many() {
    let (mut b, seq) = settled(PLAIN);
    let mut seg = b.segment(ACK, seq, 1, &[1; 20_000]);
    seg.gso_size = 1000;
    b.rx(seg);
    assert_eq!(b.flush().len(), 1);
}

#[test]
fn a_batch_of_frames_costs_one_acknowledgement() {
    let (mut b, mut seq) = settled(PLAIN);
    for _ in 0..3 {
        let mut seg = b.segment(ACK, seq, 1, &[1; 20_000]);
        seg.gso_size = 1000;
        b.rx(seg);
        seq += 20_000;
    }
    assert!(!b.tcp.ack_overdue());
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + seq);
}

#[test]
fn the_host_is_told_when_128_kb_are_not_acknowledged() {
    let mut b = Bench::connected(MODERN);
    b.peer(ACK, 1, 1, &[0; 60_000]);
    b.flush();
    b.recv(60_000).unwrap();
    b.flush();
    b.peer(ACK, 60_001, 1, &[0; 65_000]);
    assert!(!b.tcp.ack_overdue());
    b.peer(ACK, 125_001, 1, &[0; 66_100]);
    assert!(b.tcp.ack_overdue());
    b.flush();
    assert!(!b.tcp.ack_overdue());
}

#[test]
fn data_carries_the_acknowledgement() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 100]);
    b.send(b"answer");
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + seq + 100);
    assert!(b.advance(ms(100)).is_empty());
}

/// Linux acknowledges when the reader has taken a whole message, also one of exactly a segment (since 6.6): a peer with Nagle's
/// algorithm holds back the small rest of what it writes until then.
#[test]
fn a_message_that_was_read_is_acknowledged() {
    for size in [100, 1000] {
        let (mut b, seq) = settled(PLAIN);
        b.peer(ACK | PSH, seq, 1, &vec![1; size]);
        b.silent();
        assert_eq!(b.recv(size - 1).unwrap().len(), size - 1);
        b.silent();
        assert_eq!(b.recv(1).unwrap().len(), 1);
        let sent = b.flush();
        assert_eq!(sent.len(), 1, "{size}");
        assert_eq!(sent[0].repr.ack.0, b.irs + seq + size as u32);
    }
    // A full segment without PSH is the middle of a message.
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK, seq, 1, &[1; 1000]);
    assert_eq!(b.recv(1000).unwrap().len(), 1000);
    b.silent();
}

#[test]
fn one_who_answers_acknowledges_the_second_message() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 100]);
    b.send(b"answer");
    assert_eq!(b.flush().len(), 1);
    b.peer(ACK | PSH, seq + 100, 7, &[1; 100]);
    assert_eq!(b.recv(1000).unwrap().len(), 200);
    b.silent();
    b.peer(ACK | PSH, seq + 200, 7, &[1; 100]);
    assert_eq!(b.recv(1000).unwrap().len(), 100);
    assert_eq!(b.flush().len(), 1);
}

#[test]
fn a_gap_is_acknowledged_at_once_with_sack() {
    let (mut b, seq) = settled(SACK);
    b.peer(ACK, seq + 1000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq);
    let irs = b.irs;
    let at = |n: u32| SeqNumber(irs + n);
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq + 1000), at(seq + 2000))]);
    b.peer(ACK, seq + 3000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(
        ack.repr.options.sack_blocks.as_slice(),
        &[(at(seq + 3000), at(seq + 4000)), (at(seq + 1000), at(seq + 2000))]
    );
    // The first gap is filled: at once, and only the second is left to tell.
    b.peer(ACK, seq, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq + 2000);
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq + 3000), at(seq + 4000))]);
    b.peer(ACK, seq + 2000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq + 4000);
    assert!(ack.repr.options.sack_blocks.is_empty());
}

#[test]
fn a_duplicate_is_reported_once() {
    let (mut b, seq) = settled(SACK);
    b.peer(ACK, seq - 1000, 1, &[7; 1000]);
    let ack = b.flush().remove(0);
    let at = |n: u32| SeqNumber(b.irs + n);
    assert_eq!(ack.repr.ack, at(seq));
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq - 1000), at(seq))]);
    b.peer(ACK, seq, 1, &[7; 1000]);
    assert!(b.advance(ms(50)).iter().all(|s| s.repr.options.sack_blocks.is_empty()));
}

#[test]
fn overlapping_segments_are_trimmed() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abcdef");
    b.peer(ACK, 4, 1, b"defghi");
    b.peer(ACK, 12, 1, b"lmn");
    b.peer(ACK, 8, 1, b"hijklm");
    assert_eq!(b.recv(100).unwrap(), b"abcdefghijklmn");
}

#[test]
fn quickack_option() {
    let (mut b, seq) = settled(PLAIN);
    b.options(|o| o.quickack = true);
    b.peer(ACK | PSH, seq, 1, &[1; 10]);
    assert_eq!(b.flush().len(), 1);
}

/// RFC 7323 section 5: a segment with an old timestamp is answered and dropped.
#[test]
fn paws() {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 2000;
    b.peer(ACK, 1, 1, b"new");
    b.flush();
    b.ts_peer = 1500;
    b.peer(ACK, 4, 1, b"old");
    assert_eq!(b.counters.tcp_paws, 1);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 4);
    assert_eq!(b.recv(10).unwrap(), b"new");
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    // A RST is taken all the same, and after 24 days a timestamp proves nothing.
    b.advance(Duration::from_secs(25 * 24 * 3600));
    b.peer(ACK, 4, 1, b"late");
    assert_eq!(b.recv(10).unwrap(), b"late");
    b.ts_peer = 1;
    b.peer(RST | ACK, 8, 1, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}

#[test]
fn each_delivery_is_an_edge() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.peer(ACK, 1, 1, b"a");
    b.peer(ACK, 2, 1, b"b");
    assert_eq!(b.events(), vec![(id, Readiness::IN)]);
    b.peer(ACK, 3, 1, b"c");
    assert_eq!(b.events(), vec![(id, Readiness::IN)]);
    // Beyond a gap there is nothing to read.
    b.peer(ACK, 5, 1, b"e");
    assert_eq!(b.events(), vec![]);
}
