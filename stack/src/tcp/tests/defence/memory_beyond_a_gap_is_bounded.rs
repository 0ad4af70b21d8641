//! Data beyond a gap takes at most twice the receive buffer and a little, however small its segments are; what was given up for
//! that is not reported any more, and is taken when it comes again (RFC 2018 section 8; Linux: `tcp_prune_ofo_queue`).

use super::*;

#[test]
fn scattered_bytes() {
    let mut b =
        Bench::connected_with(Peer { wscale: Some(7), ..SACK }, |b| b.options(|o| o.rcvbuf = Some(60_000)));
    let most = 2 * 60_000 + (128 << 10);
    let mut told = std::collections::BTreeSet::new();
    // Every other byte of the window, from its end: each is nearer than those before.
    for at in (2..30_000).rev() {
        b.peer(ACK, at * 2 - 1, 1, b"x");
        for s in b.flush() {
            let irs = b.irs;
            for (start, end) in s.repr.options.sack_blocks.iter().map(|b| (b.0.0 - irs, b.1.0 - irs)) {
                told.extend(start..end);
            }
        }
        assert!(memory(&b) <= most, "{} at {at}", memory(&b));
    }
    assert!(b.counters.tcp_pruned > 1000, "{}", b.counters.tcp_pruned);
    assert!(told.len() > 20_000);
    // What is reported now is here: the peer sends what is missing up to there, and all of it is taken at once.
    b.peer(ACK, 3, 1, b"x");
    let s = b.flush().remove(0);
    let blocks: Vec<_> = s.repr.options.sack_blocks.iter().map(|x| (x.0.0 - b.irs, x.1.0 - b.irs)).collect();
    for (start, end) in blocks {
        assert!(end - start == 1 && start % 2 == 1);
    }
    let mut expected = 1;
    for at in (2..20_000).step_by(2) {
        b.peer(ACK, at - 1, 1, b"yy");
        b.flush();
        expected = at + 1;
        if b.tcp.recv_queued(b.id) > 20_000 {
            break;
        }
    }
    let got = b.recv(60_000).unwrap();
    assert!(got.len() as u32 + 1 >= expected);
}

#[test]
fn blocks_beyond_what_was_given_up_are_cut() {
    let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.rcvbuf = Some(20_000)));
    // One large piece at the far end, then so many bytes before it that it must go.
    b.peer(ACK, 15_001, 1, &[1; 1000]);
    let irs = b.irs;
    let blocks = |s: &Sent| -> Vec<(u32, u32)> {
        s.repr.options.sack_blocks.iter().map(|x| (x.0.0 - irs, x.1.0 - irs)).collect()
    };
    assert_eq!(blocks(&b.flush()[0]), vec![(15_001, 16_001)]);
    let mut cut = None;
    for i in 0..7000 {
        b.peer(ACK, 14_999 - 2 * i, 1, b"x");
        let sent = b.flush();
        if b.counters.tcp_pruned > 0 {
            cut = Some(blocks(&sent[0]));
            break;
        }
    }
    assert!(cut.unwrap().iter().all(|x| x.1 <= 15_001));
    b.peer(ACK, 15_001, 1, &[1; 1000]);
    assert!(b.counters.tcp_memory_dropped >= 1, "still no room for it");
}
