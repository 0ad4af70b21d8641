//! ip(7) IP_LOCAL_PORT_RANGE, for bind and for connect.

use super::*;

#[test]
fn ports_come_from_the_range() {
    let mut b = Bench::new();
    for (low, high) in [(40_000, 40_003), (40_001, 40_001), (0, 32_769), (60_998, 0)] {
        for _ in 0..3 {
            let id = b.tcp.open();
            let mut opts = b.tcp.options(id).unwrap().clone();
            opts.port_range = (low, high);
            b.tcp.set_options(b.now, id, opts).unwrap();
            assert_eq!(b.tcp.connect(b.now, id, b.peer_addr(), US, 1500), Err(Error::InProgress));
            let port = b.tcp.local_addr(id).unwrap().port();
            let high = if high == 0 { 60_999 } else { high };
            assert!((low.max(32_768)..=high).contains(&port), "{port}");
            b.tcp.abort(b.now, id);
        }
    }
    let id = b.tcp.open();
    let mut opts = b.tcp.options(id).unwrap().clone();
    opts.port_range = (50_000, 50_000);
    b.tcp.set_options(b.now, id, opts.clone()).unwrap();
    b.tcp.bind(id, SocketAddrV4::new(US, 0)).unwrap();
    assert_eq!(b.tcp.local_addr(id).unwrap().port(), 50_000);
    let second = b.tcp.open();
    b.tcp.set_options(b.now, second, opts).unwrap();
    assert_eq!(b.tcp.bind(second, SocketAddrV4::new(US, 0)), Err(Error::AddrInUse));
}
