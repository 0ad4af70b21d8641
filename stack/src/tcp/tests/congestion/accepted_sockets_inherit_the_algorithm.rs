//! A child has its listener's algorithm and pacing limit (tcp_ca_openreq_child, sk_clone_lock).

use super::*;

#[test]
fn bbr_and_the_rate_are_the_childs_too() {
    let mut b = Bench::listening(5);
    b.options(|o| {
        o.congestion = Congestion::Bbr;
        o.max_pacing_rate = 123_456;
    });
    b.client_syn(MODERN);
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    let opts = b.tcp.options(child).unwrap();
    assert_eq!((opts.congestion, opts.max_pacing_rate), (Congestion::Bbr, 123_456));
    assert!(b.tcp.info(b.now, child).unwrap().bbr.is_some());
    assert_eq!(b.tcp.info(b.now, child).unwrap().max_pacing_rate, 123_456);
}
