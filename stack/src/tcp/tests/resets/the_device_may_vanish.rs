//! Without a device every socket fails with ENETDOWN.

use super::*;

#[test]
fn the_device_may_vanish() {
    let mut b = Bench::connected(PLAIN);
    let fresh = b.tcp.open();
    b.tcp.device_gone();
    for id in [b.id, fresh] {
        assert!(b.tcp.readiness(id).contains(Readiness::ERR | Readiness::HUP));
        assert_eq!(b.tcp.take_error(id), Some(Error::NetDown));
    }
    assert_eq!(b.events().len(), 2);
    assert_eq!(b.tcp.poll_timeout(), None);
}
