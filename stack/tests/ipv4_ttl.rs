//! RFC 1122 section 3.2.1.7: a host takes a datagram that arrives with any time to live: it is not a router.

mod common;

use common::*;

#[test]
fn a_datagram_with_any_ttl_is_taken() {
    let mut host = Host::new();
    let socket = host.udp(53);
    for ttl in [1, 0, 255] {
        let datagram = udp_datagram(addr(PEER, 1000), addr(OWN, 53), b"word");
        let mut repr = ip_repr(PEER, OWN, 17, datagram.len());
        repr.ttl = ttl;
        host.feed(ip_frame(repr, &datagram));
        assert_eq!(host.recv(socket).map(|(data, _)| data), Ok(b"word".to_vec()), "{ttl}");
    }
}
