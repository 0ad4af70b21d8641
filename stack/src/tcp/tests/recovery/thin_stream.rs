//! TCP_THIN_LINEAR_TIMEOUTS (tcp(7)): a stream of few segments does not back off, six times; then it does.

use super::*;

#[test]
fn six_times_at_the_same_interval_then_doubled() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.thin_linear = true);
    b.send(b"x");
    b.flush();
    let start = b.now;
    let sent = b.advance(ms(2000));
    let times: Vec<_> = sent.iter().map(|s| s.at.since(start).as_millis()).collect();
    assert_eq!(times, [210, 420, 630, 840, 1050, 1260, 1470, 1890]);
}
