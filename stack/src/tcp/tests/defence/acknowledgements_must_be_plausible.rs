//! RFC 5961 section 5.2: SEG.ACK must lie from SND.UNA - MAX.SND.WND to SND.NXT, or the segment is dropped, data and all, and
//! challenged. MAX.SND.WND is the largest window that the peer ever announced. As on Linux (tcp_ack), what was never sent was never
//! acknowledged either.

use super::*;

/// `end`: SND.UNA and SND.NXT, once so much is acknowledged.
fn checked(end: u32, cases: &[(u32, bool)]) {
    let mut b = Bench::connected(PLAIN);
    let mut una = 1;
    while una < end {
        una += b.send(&vec![1; (end - una).min(10_000) as usize]) as u32;
        b.flush();
        b.peer(ACK, 1, una, &[]);
    }
    let mut seq = 1;
    for (ack, taken) in cases {
        b.advance(ms(600));
        b.flush();
        b.peer(ACK, seq, *ack, b"data");
        assert_eq!(b.recv(10).is_ok(), *taken, "{ack}");
        if *taken {
            seq += 4;
        } else {
            let sent = b.flush();
            assert_eq!((sent.len(), sent[0].repr.ack.0), (1, b.irs + seq), "{ack}");
        }
    }
    let refused = cases.iter().filter(|(_, taken)| !taken).count() as u64;
    assert_eq!(b.counters.tcp_ack_unsent + b.counters.tcp_ack_too_old, refused);
}

#[test]
fn acknowledgements_must_be_plausible() {
    let end = 70_001_u32;
    let (oldest, far) = (end - 60_000, end.wrapping_add(1 << 31));
    checked(
        end,
        &[
            (end, true),
            (end + 1, false),
            (oldest + 1, true),
            (oldest, true),
            (oldest - 1, false),
            (far, false),
        ],
    );
}

#[test]
fn nor_of_what_was_never_sent() {
    checked(3001, &[(1, true), (0, true), (u32::MAX, false), (3001_u32.wrapping_sub(60_000), false)]);
}
