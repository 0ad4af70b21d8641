//! RFC 7323 section 7.1: our timestamp clock tells nobody how long we are up: its offset depends on the pair of addresses, and is the
//! same for all connections of that pair, in both directions.

use super::*;

#[test]
fn timestamps_have_an_offset_for_each_peer() {
    let mut b = Bench::new();
    let to = |b: &mut Bench, peer: Ipv4Addr| {
        let id = b.tcp.open();
        let _ = b.tcp.connect(b.now, id, SocketAddrV4::new(peer, 80), US, 1500);
        b.flush()[0].repr.options.timestamps.unwrap().0
    };
    let first = to(&mut b, PEER);
    assert_eq!(to(&mut b, PEER), first);
    assert_ne!(to(&mut b, Ipv4Addr::new(10, 0, 0, 3)), first);
    assert_ne!(u64::from(first), b.now.millis());
    let mut l = Bench::listening(5);
    assert_eq!(l.client_syn(MODERN).repr.options.timestamps.unwrap().0, first);
}
