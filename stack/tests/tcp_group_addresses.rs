//! RFC 9293 section 3.10.7.2, MUST-57: a segment to a broadcast or multicast address is dropped without an answer, be there a
//! listener or not.

mod common;

use common::*;
use matnet_stack::wire::tcp::{Flags, Options, Repr};
use matnet_stack::wire::{ChecksumMode, SeqNumber, ethernet, ipv4};
use matnet_stack::{Buf, Kind, MacAddr, RxMeta};
use std::net::Ipv4Addr;

fn syn(to: Ipv4Addr, mac: MacAddr, port: u16) -> Buf {
    let repr = Repr {
        src_port: 1000,
        dst_port: port,
        seq: SeqNumber(1),
        ack: SeqNumber(0),
        flags: Flags::SYN,
        window: 1000,
        urgent: 0,
        options: Options::default(),
    };
    let mut segment = Vec::new();
    repr.emit(&mut segment, PEER, to, &[], ChecksumMode::Full);
    let mut frame = Vec::new();
    ethernet::Repr { src: PEER_MAC, dst: mac, ethertype: ethernet::EtherType::Ipv4 }.emit(&mut frame);
    let header = ipv4::Repr {
        src: PEER,
        dst: to,
        protocol: ipv4::PROTO_TCP,
        ttl: 64,
        tos: 0,
        ident: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: segment.len(),
    };
    header.emit(&mut frame);
    frame.extend_from_slice(&segment);
    Buf::from_vec(frame)
}

#[test]
fn a_syn_to_everybody_is_not_answered() {
    let mut host = Host::new();
    let listener = host.stack.open(Kind::Tcp).unwrap();
    host.stack.bind(host.now, listener, addr(Ipv4Addr::UNSPECIFIED, 80)).unwrap();
    host.stack.listen(listener, 5).unwrap();
    host.transmit();
    let group = MacAddr([1, 0, 0x5e, 0, 0, 1]);
    let everybody = [
        (NET_BROADCAST, MacAddr::BROADCAST),
        (Ipv4Addr::BROADCAST, MacAddr::BROADCAST),
        (Ipv4Addr::new(224, 0, 0, 1), group),
    ];
    for (to, mac) in everybody {
        for port in [80, 81] {
            host.stack.on_frame(host.now, syn(to, mac, port), RxMeta::default());
            let sent = host.transmit();
            assert!(sent.is_empty(), "{to}:{port}: {sent:?}");
        }
    }
    // The same to us alone is answered.
    host.stack.on_frame(host.now, syn(OWN, OWN_MAC, 80), RxMeta::default());
    assert!(!host.transmit().is_empty());
}
