//! RFC 4821 section 7.6.3: a message that a probe was too big ends it, and bounds the search.

use super::*;

#[test]
fn the_search_goes_on_below() {
    let (mut b, mut hole) = fallen_into(1200);
    for _ in 0..100 {
        fill(&mut b);
        let sent = b.flush();
        if b.counters.tcp_mtu_probes == 1 {
            let probe = sent.iter().find(|s| s.payload.len() == 1460).expect("the probe");
            let seq = probe.repr.seq.0.wrapping_sub(b.iss);
            b.below.mtu = 1200;
            too_big(&mut b, seq, 1200);
            let again = b.flush();
            assert_eq!(again[0].repr.seq, probe.repr.seq, "sent again at once");
            assert!(again.iter().all(|s| s.payload.len() <= 1024));
            hole.take(&mut b, &again);
            break;
        }
        hole.take(&mut b, &sent);
    }
    for _ in 0..60 {
        hole.run(&mut b, 20);
        fill(&mut b);
    }
    assert_eq!(b.info().snd_mss, 1160);
    assert_eq!(b.counters.tcp_mtu_probes_arrived, 1);
}
