//! ICMP errors at raw sockets (net/ipv4/raw.c raw_err).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::Error;
use matnet_stack::wire::icmpv4::Repr;

#[test]
fn a_connected_socket_hears_of_hard_errors_of_its_protocol_and_peer() {
    let mut host = Host::new();
    let open = |host: &mut Host| host.stack.open_raw(89).unwrap();
    let (connected, loose, asking, other) =
        (open(&mut host), open(&mut host), open(&mut host), open(&mut host));
    host.stack.connect(host.now, connected, addr(FAR, 0)).unwrap();
    host.stack.connect(host.now, other, addr(PEER, 0)).unwrap();
    let mut options = host.stack.udp_options(asking).unwrap();
    options.recverr = true;
    host.stack.set_udp_options(asking, options).unwrap();
    host.stack.send_to(host.now, connected, None, &[b"12345678"]).unwrap();
    let quoted = host.transmit()[0].bytes[14..].to_vec();
    let quoted = &quoted[..];
    host.feed(icmp_frame(PEER, &Repr::DstUnreachable { code: 2, mtu: 0, quoted }));
    assert_eq!(host.stack.take_error(connected), Some(Error::ProtocolUnreachable));
    assert_eq!(host.stack.take_error(asking), Some(Error::ProtocolUnreachable), "IP_RECVERR needs no peer");
    assert_eq!((host.stack.take_error(loose), host.stack.take_error(other)), (None, None));
    host.feed(icmp_frame(PEER, &Repr::TimeExceeded { code: 0, quoted }));
    assert_eq!(host.stack.take_error(connected), None, "soft");
    assert_eq!(host.stack.take_error(asking), Some(Error::HostUnreachable));
    assert_eq!(host.count("icmp_error_unmatched"), 0);
}

#[test]
fn a_path_mtu_is_learnt_from_them() {
    let mut host = Host::new();
    let id = host.stack.open_raw(89).unwrap();
    host.send_to(id, addr(FAR, 0), &body(1400)).unwrap();
    let quoted = host.transmit()[0].bytes[14..100].to_vec();
    host.feed(icmp_frame(PEER, &Repr::DstUnreachable { code: 4, mtu: 1200, quoted: &quoted }));
    assert_eq!(host.stack.path_mtu(FAR.into()), 1200);
}
