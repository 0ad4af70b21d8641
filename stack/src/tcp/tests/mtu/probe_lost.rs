//! RFC 4821 section 7.6.2: the loss of a probe alone "is not an indication of congestion": cwnd stays, only the probe's bytes are
//! sent again.

use super::*;

#[test]
fn the_window_stays() {
    let (mut b, mut hole) = fallen_into(1200);
    for _ in 0..100 {
        fill(&mut b);
        let before = b.info();
        hole.run(&mut b, 1);
        if b.counters.tcp_mtu_probes == 1 {
            // The probe has been lost in this round, what followed it has arrived.
            let sent = b.flush();
            let again: usize = sent
                .iter()
                .filter(|s| s.repr.seq.0.wrapping_sub(b.iss) == hole.next)
                .map(|s| s.payload.len())
                .sum();
            assert!(again > 0, "the probe's bytes are sent again: {sent:?}");
            let after = b.info();
            assert!(after.cwnd >= before.cwnd && after.ssthresh == before.ssthresh, "{before:?} {after:?}");
            assert_eq!(after.snd_mss, 1024);
            return;
        }
    }
    panic!("no probe was sent");
}
