//! RFC 4821 section 7.3: probes approach what the path takes, from both sides.

use super::*;

#[test]
fn up_to_eight_bytes() {
    for limit in [1099, 1200, 1333, 1492] {
        let (mut b, mut hole) = fallen_into(limit);
        for _ in 0..120 {
            fill(&mut b);
            hole.run(&mut b, 20);
        }
        let packet = b.info().snd_mss as usize + 40;
        assert!(packet <= limit && packet + 8 > limit, "{packet} of {limit}");
        let lost = b.counters.tcp_mtu_probes - b.counters.tcp_mtu_probes_arrived;
        assert!(b.counters.tcp_mtu_probes <= 10 && lost > 0, "{} probes", b.counters.tcp_mtu_probes);
        assert_eq!(b.counters.tcp_black_holes, 1);
    }
}

#[test]
fn ten_minutes_later_it_begins_anew() {
    let (mut b, mut hole) = fallen_into(1200);
    for _ in 0..120 {
        fill(&mut b);
        hole.run(&mut b, 20);
    }
    let probes = b.counters.tcp_mtu_probes;
    hole.limit = 1500;
    fill(&mut b);
    hole.run(&mut b, 20);
    assert_eq!(b.counters.tcp_mtu_probes, probes, "not yet");
    b.advance(Duration::from_secs(600));
    for _ in 0..40 {
        fill(&mut b);
        hole.run(&mut b, 20);
    }
    assert_eq!(b.info().snd_mss, 1460);
}
