//! RFC 5961 section 5.2: SEG.ACK must lie from SND.UNA - MAX.SND.WND to SND.NXT, or the segment is dropped, data and all, and
//! challenged. MAX.SND.WND is the largest window that the peer ever announced.

use super::*;

#[test]
fn acknowledgements_must_be_plausible() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 3000]);
    b.flush();
    b.peer(ACK, 1, 3001, &[]);
    let mut seq = 1;
    for (ack, taken) in [
        (3001, true),
        (3002, false),
        (1, true),
        (3001u32.wrapping_sub(60_000), true),
        (3001u32.wrapping_sub(60_001), false),
        (1 << 31, false),
    ] {
        b.advance(ms(600));
        b.flush();
        b.peer(ACK, seq, ack, b"data");
        assert_eq!(b.recv(10).is_ok(), taken, "{ack}");
        if taken {
            seq += 4;
        } else {
            let sent = b.flush();
            assert_eq!((sent.len(), sent[0].repr.ack.0), (1, b.irs + seq), "{ack}");
        }
    }
    assert_eq!((b.counters.tcp_ack_unsent, b.counters.tcp_ack_too_old), (2, 1));
}
