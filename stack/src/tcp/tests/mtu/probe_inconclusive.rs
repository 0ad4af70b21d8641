//! A probe on its way when something else is lost proves nothing (Linux: "Inconclusive MTU probe"): the search goes on as if it had not
//! been sent.

use super::*;

#[test]
fn it_is_tried_again() {
    let (mut b, mut hole) = fallen_into(0);
    hole.limit = 1500;
    // Until the probe is sent; then nothing gets through until the timer.
    for _ in 0..100 {
        fill(&mut b);
        let sent = next(&mut b);
        if b.counters.tcp_mtu_probes == 1 {
            break;
        }
        hole.take(&mut b, &sent);
    }
    assert_eq!(b.counters.tcp_mtu_probes, 1);
    let sent = b.advance(ms(1500));
    assert!(!sent.is_empty());
    hole.take(&mut b, &sent);
    for _ in 0..40 {
        hole.run(&mut b, 20);
        fill(&mut b);
    }
    assert_eq!((b.counters.tcp_mtu_probes, b.counters.tcp_mtu_probes_arrived), (2, 1));
    assert_eq!(b.info().snd_mss, 1460);
}
