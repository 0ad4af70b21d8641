//! bind(2), socket(7) SO_REUSEADDR: a port in TIME-WAIT is in use.

use super::*;

#[test]
fn time_wait_holds_the_port_against_bind() {
    let mut b = in_time_wait();
    b.tcp.close(b.now, b.id);
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000);
    let id = b.tcp.open();
    assert_eq!(b.tcp.bind(id, any), Err(Error::AddrInUse));
    // Both must have said SO_REUSEADDR; the old one had not.
    b.id = id;
    b.options(|o| o.reuseaddr = true);
    assert_eq!(b.tcp.bind(id, any), Err(Error::AddrInUse));
    b.advance(Duration::from_secs(61));
    assert_eq!(b.tcp.bind(id, any), Ok(()));
}
