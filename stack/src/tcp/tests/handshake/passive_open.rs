//! RFC 9293 section 3.5, figure 6, from the side that listens.

use super::*;

#[test]
fn passive_open() {
    let mut b = Bench::listening(5);
    assert_eq!(b.ready(), Readiness::NONE);
    let syn_ack = b.client_syn(MODERN);
    let o = syn_ack.repr.options;
    assert_eq!((o.mss, o.window_scale, o.sack_permitted), (Some(1460), Some(10), true));
    assert_eq!(o.timestamps.map(|t| t.1), Some(1000));
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    b.advance(ms(7));
    b.client_ack();
    let listener = b.id;
    assert_eq!(b.events(), vec![(listener, Readiness::IN)]);
    assert_eq!(b.ready(), Readiness::IN);
    let (child, _) = b.tcp.accept(listener).unwrap();
    assert_eq!(b.ready(), Readiness::NONE);
    b.id = child;
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.info().srtt, ms(7));
    assert_eq!(b.tcp.local_addr(child), Some(SocketAddrV4::new(US, 8000)));
}
