//! RFC 791 section 3.2: outgoing datagrams above the path MTU are cut into fragments that tile them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Capabilities, Config, Error, TxMeta};

fn check(host: &mut Host, len: usize, mtu: usize) {
    let id = host.udp(0);
    let data = body(len);
    assert_eq!(host.send_to(id, addr(PEER, 7), &data), Ok(len));
    let frames = host.transmit();
    assert_eq!(frames.len(), (len + 8).div_ceil((mtu - 20) & !7));
    let (repr, datagram) = reassemble(&frames, mtu);
    assert_eq!(datagram[8..], data);
    assert!(sums(&repr, &datagram), "a complete checksum");
    host.stack.close(host.now, id);
}

#[test]
fn fragments_tile_the_datagram() {
    for mtu in [1500, 1280, 576, 68] {
        let mut host = Host::started(Config { mtu, ..config() });
        for len in [mtu as usize - 27, 3000, 9999, 65_507] {
            check(&mut host, len, mtu.into());
        }
    }
}

#[test]
fn checksums_of_fragments_are_ours_even_when_the_device_offers() {
    let capabilities = Capabilities { tx_checksum: true, tso: true, uso: true };
    check(&mut Host::started(Config { capabilities, ..config() }), 5000, 1500);
}

#[test]
fn what_just_fits_is_sent_whole_with_df() {
    let mut host = Host::new();
    let id = host.udp(0);
    host.send_to(id, addr(PEER, 7), &body(1472)).unwrap();
    let frames = host.transmit();
    assert_eq!(frames.len(), 1);
    let (repr, _) = frames[0].ip();
    assert!(repr.dont_fragment && !repr.is_fragment());
    assert_eq!(frames[0].meta, TxMeta::default());
}

#[test]
fn with_df_a_large_datagram_is_refused() {
    let mut host = Host::new();
    let id = host.udp(0);
    let mut options = host.stack.udp_options(id).unwrap();
    options.mtu_discover = matnet_stack::MtuDiscover::Do;
    host.stack.set_udp_options(id, options).unwrap();
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(1473)), Err(Error::MessageTooLong));
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(1472)), Ok(1472));
}

#[test]
fn identifiers_differ_from_datagram_to_datagram() {
    let mut host = Host::new();
    let id = host.udp(0);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1000 {
        host.send_to(id, addr(PEER, 7), &body(1600)).unwrap();
        assert!(seen.insert(host.transmit()[0].ip().0.ident));
    }
}

#[test]
fn a_full_device_interrupts_between_fragments() {
    let mut host = Host::new();
    let id = host.udp(0);
    host.send_to(id, addr(PEER, 7), &body(9000)).unwrap();
    let mut frames = Vec::new();
    for _ in 0..20 {
        host.wire.room = Some(1);
        frames.extend(host.transmit());
    }
    let (_, datagram) = reassemble(&frames, 1500);
    assert_eq!(datagram[8..], body(9000));
    assert_eq!((host.count("ip_fragmented_out"), host.count("udp_out")), (1, 1));
}
