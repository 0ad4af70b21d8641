//! RFC 9293 section 3.10.1: an active OPEN sends a SYN; what a SYN offers (RFC 9293 section 3.7.1, RFC 7323, RFC 2018).

use super::*;

#[test]
fn syn_offers_everything() {
    let mut b = Bench::new();
    let syn = b.connect();
    let o = syn.repr.options;
    assert_eq!((o.mss, o.window_scale, o.sack_permitted), (Some(1460), Some(10), true));
    assert!(o.timestamps.is_some_and(|t| t.1 == 0));
    assert_eq!(syn.repr.window, 65_535);
    assert_eq!(b.state(), TcpState::SynSent);
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Err(Error::Already));
    assert!((32_768..61_000).contains(&b.local));
}
