//! net/ipv4/tcp.c, TCP_RTO_MIN_US and TCP_RTO_MAX_MS.

use super::*;

#[test]
fn retransmission_stays_between_its_bounds() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.rto_min = ms(10);
        o.rto_max = ms(1000);
    });
    for i in 0..20 {
        b.send(b"x");
        b.advance(ms(10));
        b.peer(ACK, 1, 2 + i, &[]);
    }
    b.send(b"lost");
    b.flush();
    let start = b.now.millis();
    let times: Vec<_> = b.advance(Duration::from_secs(20)).iter().map(|s| s.at.millis() - start).collect();
    assert!(times[0] < 100, "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(gaps.iter().max(), Some(&1000), "{gaps:?}");
}
