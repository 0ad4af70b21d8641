//! Several datagrams in one send or one frame: UDP_SEGMENT and UDP_GRO (udp(7)), cut by the device (USO) or here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use etherparse as ep;
use matnet_stack::wire::ethernet::EtherType;
use matnet_stack::{
    Capabilities, Config, Error, Gso, Kind, MacAddr, RxChecksum, RxMeta, SendHow, SocketId, TxChecksum,
    UdpOptions,
};
use std::net::Ipv4Addr;

fn host(tx_checksum: bool, uso: bool) -> Host {
    let capabilities = Capabilities { tx_checksum, tso: tx_checksum, uso };
    Host::started(Config { capabilities, ..config() })
}

fn set(host: &mut Host, id: SocketId, change: impl FnOnce(&mut UdpOptions)) {
    let mut options = host.stack.udp_options(id).unwrap();
    change(&mut options);
    host.stack.set_udp_options(id, options).unwrap();
}

fn send(host: &mut Host, id: SocketId, data: &[u8], segment: u16) -> matnet_stack::Result<usize> {
    let (a, b) = data.split_at(data.len() / 3);
    host.stack.send_with(
        host.now,
        id,
        Some(addr(PEER, 7)),
        &[a, b],
        SendHow { segment: Some(segment), ..SendHow::default() },
    )
}

/// What the device does with a frame: it cuts it and completes the checksums (as inet_gso_segment and __udp_gso_segment).
fn device(frame: &Frame) -> Vec<Vec<u8>> {
    let Some(gso) = frame.meta.gso else { return vec![complete(frame.bytes.clone(), frame.meta.checksum)] };
    let (header, payload) = frame.bytes.split_at(usize::from(gso.header_len));
    let cut = payload.chunks(usize::from(gso.size)).enumerate().map(|(n, chunk)| {
        let mut bytes = [header, chunk].concat();
        let ident = u16::from_be_bytes([bytes[18], bytes[19]]).wrapping_add(n as u16);
        bytes[16..18].copy_from_slice(&(28 + chunk.len() as u16).to_be_bytes());
        bytes[18..20].copy_from_slice(&ident.to_be_bytes());
        let ip = ep::Ipv4Header::from_slice(&bytes[14..34]).unwrap().0;
        bytes[24..26].copy_from_slice(&ip.calc_header_checksum().to_be_bytes());
        bytes[38..40].copy_from_slice(&(8 + chunk.len() as u16).to_be_bytes());
        // The partial sum knows the whole length; the device takes the difference out.
        let pseudo = matnet_stack::wire::checksum::pseudo_header_v4(OWN, PEER, 17, 8 + chunk.len() as u16);
        bytes[40..42].copy_from_slice(&matnet_stack::wire::checksum::fold(pseudo).to_be_bytes());
        complete(bytes, frame.meta.checksum)
    });
    cut.collect()
}

fn complete(mut bytes: Vec<u8>, what: Option<TxChecksum>) -> Vec<u8> {
    if let Some(what) = what {
        let (start, field) = (usize::from(what.start), usize::from(what.start + what.offset));
        let sum = matnet_stack::wire::checksum::checksum(&bytes[start..]).to_be_bytes();
        bytes[field..field + 2].copy_from_slice(&sum);
    }
    bytes
}

/// The payload of a whole frame and its identification field, every header and checksum read by somebody else.
fn read(bytes: &[u8]) -> (Vec<u8>, u16) {
    let parsed = ep::PacketHeaders::from_ethernet_slice(bytes).unwrap();
    let Some(ep::NetHeaders::Ipv4(ip, _)) = &parsed.net else { panic!("no IPv4") };
    let Some(ep::TransportHeader::Udp(udp)) = &parsed.transport else { panic!("no UDP") };
    let payload = parsed.payload.slice();
    assert_eq!(ip.header_checksum, ip.calc_header_checksum());
    assert_eq!(usize::from(ip.total_len), bytes.len() - 14);
    assert_eq!(usize::from(udp.length), payload.len() + 8);
    assert_eq!(udp.checksum, udp.calc_checksum_ipv4(ip, payload).unwrap());
    (payload.to_vec(), ip.identification)
}

#[test]
fn datagrams_are_cut_with_right_headers_by_us_or_the_device() {
    for (tx_checksum, uso) in [(false, false), (true, false), (true, true)] {
        for (len, size) in [(4000, 1472), (2944, 1472), (1473, 1472), (128, 1), (65_507, 1400), (999, 333)] {
            let mut host = host(tx_checksum, uso);
            let id = host.udp(5000);
            let data = body(len);
            assert_eq!(send(&mut host, id, &data, size), Ok(len));
            let frames = host.transmit();
            let count = len.div_ceil(usize::from(size));
            assert_eq!(frames.len(), if uso { 1 } else { count });
            if uso {
                assert_eq!(frames[0].meta.gso, Some(Gso { size, header_len: 42 }));
            }
            let whole: Vec<Vec<u8>> = frames.iter().flat_map(device).collect();
            let read: Vec<(Vec<u8>, u16)> = whole.iter().map(|bytes| read(bytes)).collect();
            assert_eq!(read.iter().map(|(payload, _)| payload.clone()).collect::<Vec<_>>().concat(), data);
            assert!(read[..count - 1].iter().all(|(payload, _)| payload.len() == usize::from(size)));
            let first = read[0].1;
            assert!(read.iter().enumerate().all(|(n, (_, ident))| *ident == first.wrapping_add(n as u16)));
            assert_eq!(host.count("udp_out"), count as u64);
            assert_eq!(host.stack.send_queued(id), 0);
            // The next packet's identification follows.
            send(&mut host, id, b"x", 0).unwrap();
            let next = host.transmit().remove(0).ip().0.ident;
            assert_eq!(next, first.wrapping_add(count as u16));
        }
    }
}

#[test]
fn what_fits_one_datagram_is_a_plain_one() {
    for segment in [0, 100, 1472] {
        let mut host = host(true, true);
        let id = host.udp(5000);
        send(&mut host, id, &body(100), segment).unwrap();
        send(&mut host, id, b"", segment).unwrap();
        let frames = host.transmit();
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| frame.meta.gso.is_none()));
        assert_eq!(frames[0].udp().1, body(100));
    }
}

#[test]
fn the_option_holds_unless_the_call_says_otherwise() {
    let mut host = host(true, true);
    let id = host.udp(5000);
    set(&mut host, id, |options| options.segment = 1000);
    host.send_to(id, addr(PEER, 7), &body(1400)).unwrap();
    send(&mut host, id, &body(1400), 0).unwrap();
    send(&mut host, id, &body(1400), 700).unwrap();
    let sizes: Vec<Option<u16>> = host.transmit().iter().map(|f| f.meta.gso.map(|gso| gso.size)).collect();
    assert_eq!(sizes, [Some(1000), None, Some(700)]);
}

#[test]
fn the_limits_of_linux() {
    let mut host = host(true, true);
    let id = host.udp(5000);
    // A datagram has to fit the path, whatever IP_MTU_DISCOVER says; one that is shorter than the size does.
    assert_eq!(send(&mut host, id, &body(4000), 1473), Err(Error::MessageTooLong));
    assert_eq!(send(&mut host, id, &body(1473), 1473), Err(Error::MessageTooLong));
    assert_eq!(send(&mut host, id, &body(1000), 1473), Ok(1000));
    assert_eq!(send(&mut host, id, &body(128), 1), Ok(128));
    assert_eq!(send(&mut host, id, &body(129), 1), Err(Error::InvalidArgument));
    assert_eq!(send(&mut host, id, &body(65_508), 1400), Err(Error::MessageTooLong));
    set(&mut host, id, |options| options.mtu_discover = matnet_stack::MtuDiscover::Do);
    assert_eq!(send(&mut host, id, &body(65_507), 1400), Ok(65_507));
    assert_eq!(host.transmit().len(), 3);
    // Nothing of a refused send is charged or left behind.
    assert_eq!((host.stack.send_queued(id), host.stack.pending_output()), (0, false));
}

#[test]
fn a_full_device_loses_and_repeats_nothing() {
    for uso in [false, true] {
        let mut host = host(true, uso);
        let id = host.udp(5000);
        let data = body(10_000);
        host.wire.room = Some(0);
        send(&mut host, id, &data, 1000).unwrap();
        let mut got = Vec::new();
        for _ in 0..40 {
            host.wire.room = Some(usize::from(got.len() % 2 == 0));
            got.extend(host.transmit());
            host.wire.room = Some(1);
            got.extend(host.transmit());
        }
        let whole: Vec<u8> = got.iter().flat_map(device).flat_map(|bytes| read(&bytes).0).collect();
        assert_eq!(whole, data);
        assert_eq!(host.stack.send_queued(id), 0);
    }
}

#[test]
fn datagrams_that_wait_together_leave_together() {
    let mut host = host(true, true);
    let id = host.udp(5000);
    let other = host.udp(5001);
    // What is sent before the device is asked (sendmmsg), and how many datagrams each frame then has.
    let to = |port| addr(PEER, port);
    type Send = (SocketId, u16, usize);
    let cases: &[(&[Send], &[usize])] = &[
        (&[(id, 7, 64); 64], &[64]),
        (&[(id, 7, 64); 300], &[128, 128, 44]),
        (&[(id, 7, 1472); 50], &[44, 6]),
        (&[(id, 7, 1473); 2], &[1, 1, 1, 1]),
        (&[(id, 7, 10), (id, 7, 10), (id, 7, 9), (id, 7, 9), (id, 7, 10)], &[3, 1, 1]),
        (&[(id, 7, 0), (id, 7, 0), (id, 7, 5), (id, 7, 0), (id, 7, 5)], &[1, 1, 1, 1, 1]),
        (&[(id, 7, 5), (id, 8, 5), (id, 7, 5)], &[1, 1, 1]),
        (&[(id, 7, 5), (other, 7, 5), (other, 7, 5)], &[1, 2]),
    ];
    for (sends, wanted) in cases {
        let mut sent = Vec::new();
        for (n, (socket, port, len)) in sends.iter().enumerate() {
            let data: Vec<u8> = body(len + n).split_off(n);
            host.send_to(*socket, to(*port), &data).unwrap();
            sent.push(data);
        }
        let frames = host.transmit();
        if wanted.len() == 4 {
            assert_eq!(frames.len(), 4, "in fragments");
            continue;
        }
        let cut: Vec<Vec<Vec<u8>>> = frames.iter().map(device).collect();
        assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), *wanted);
        let got: Vec<Vec<u8>> = cut.concat().iter().map(|bytes| read(bytes).0).collect();
        assert_eq!(got, sent);
        assert_eq!(host.stack.send_queued(id), 0);
    }
    // Another TTL is another packet; so is what we hear ourselves, and what a device would have to be asked to cut.
    host.send_to(id, to(7), b"a").unwrap();
    set(&mut host, id, |options| (options.ttl, options.broadcast) = (9, true));
    for _ in 0..2 {
        host.send_to(id, to(7), b"b").unwrap();
    }
    assert_eq!(host.transmit().len(), 2);
    for ip in [NET_BROADCAST, Ipv4Addr::new(239, 1, 2, 3)] {
        for _ in 0..2 {
            host.send_to(id, addr(ip, 7), b"c").unwrap();
        }
        assert_eq!(host.transmit().len(), 2);
    }
    for capabilities in [(true, false), (false, false)] {
        let mut host = self::host(capabilities.0, capabilities.1);
        let id = host.udp(5000);
        for _ in 0..3 {
            host.send_to(id, to(7), b"d").unwrap();
        }
        assert_eq!(host.transmit().len(), 3);
    }
}

#[test]
fn datagrams_to_ourselves_stay_apart() {
    let mut host = host(true, true);
    let (a, b) = (host.udp(5000), host.udp(5001));
    set(&mut host, b, |options| options.gro = true);
    for _ in 0..3 {
        host.send_to(a, addr(OWN, 5001), b"abc").unwrap();
    }
    host.transmit();
    for _ in 0..3 {
        assert_eq!(host.recv(b).unwrap().0, b"abc");
    }
}

#[test]
fn an_unknown_neighbour_is_asked_first() {
    let mut host = Host::with(Config {
        capabilities: Capabilities { tx_checksum: true, tso: true, uso: true },
        ..config()
    });
    let id = host.udp(5000);
    let data = body(5000);
    send(&mut host, id, &data, 1200).unwrap();
    assert!(host.transmit().iter().all(|frame| frame.arp().is_some()));
    let frames = host.feed(arp_reply(PEER_MAC, PEER));
    assert_eq!(frames.len(), 1);
    let whole: Vec<u8> = device(&frames[0]).iter().flat_map(|bytes| read(bytes).0).collect();
    assert_eq!(whole, data);
}

#[test]
fn a_path_that_shrinks_meanwhile_drops_and_counts() {
    let mut host = host(true, true);
    let id = host.udp(5000);
    send(&mut host, id, &body(4000), 1400).unwrap();
    let sent = host.transmit().remove(0);
    host.wire.room = Some(0);
    send(&mut host, id, &body(4000), 1400).unwrap();
    let quoted = sent.bytes[14..14 + 28].to_vec();
    let error = matnet_stack::wire::icmpv4::Repr::DstUnreachable { code: 4, mtu: 1000, quoted: &quoted };
    host.wire.room = None;
    assert!(host.feed(icmp_frame(FAR, &error)).iter().all(|frame| frame.ip().0.protocol != 17));
    assert_eq!(host.count("output_dropped"), 3);
    assert_eq!(host.stack.send_queued(id), 0);
    assert_eq!(send(&mut host, id, &body(4000), 1400), Err(Error::MessageTooLong));
    assert_eq!(send(&mut host, id, &body(4000), 972), Ok(4000));
}

fn several(gso_size: u16) -> RxMeta {
    RxMeta { checksum: RxChecksum::Trusted, gso_size }
}

#[test]
fn a_socket_without_gro_gets_single_datagrams() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let data = body(4100);
    host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &data), several(1000));
    for chunk in data.chunks(1000) {
        assert_eq!(host.stack.next_datagram_len(id), Some(chunk.len()));
        assert_eq!(host.recv(id).unwrap(), (chunk.to_vec(), addr(FAR, 9)));
    }
    assert!(host.recv(id).is_err());
    assert_eq!(host.count("udp_in"), 5);
    // Each is cut to the caller's room by itself.
    host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &data), several(3000));
    let mut room = [0; 10];
    for (len, at) in [(3000, 0), (1100, 3000)] {
        let meta = host.stack.recv_from(id, &mut room, false).unwrap();
        assert_eq!((meta.len, meta.gso_size, &room[..]), (len, 0, &data[at..at + 10]));
    }
}

#[test]
fn a_socket_with_gro_gets_them_as_one() {
    let mut host = Host::new();
    let id = host.udp(5000);
    set(&mut host, id, |options| options.gro = true);
    let data = body(4100);
    host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &data), several(1000));
    host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &data[..700]), several(1000));
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"plain"));
    let mut room = vec![0; 5000];
    for (len, gso_size) in [(4100, 1000), (700, 0), (5, 0)] {
        let (a, b) = room.split_at_mut(2000);
        let meta = host.stack.recv_vectored(id, &mut [a, b], false).unwrap();
        assert_eq!((meta.len, meta.gso_size), (len, gso_size));
        if len > 5 {
            assert_eq!(room[..len], data[..len]);
        }
    }
}

#[test]
fn what_a_full_queue_refuses_is_counted_in_datagrams() {
    for gro in [false, true] {
        let mut host = Host::new();
        let id = host.udp(5000);
        set(&mut host, id, |options| (options.rcvbuf, options.gro) = (3000, gro));
        for _ in 0..10 {
            host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(4000)), several(500));
        }
        let (taken, refused) = (host.count("udp_in"), host.count("udp_queue_full"));
        assert_eq!(taken + refused, 80);
        assert!((5..=8).contains(&taken), "{taken}");
        let mut got = 0;
        while let Ok((bytes, _)) = host.recv(id) {
            got += bytes.len();
        }
        assert_eq!(got, taken as usize * 500);
    }
}

#[test]
fn a_broadcast_of_several_is_cut_for_each_socket() {
    let mut host = Host::new();
    let ids = [false, true].map(|gro| {
        let id = host.stack.open(Kind::Udp).unwrap();
        set(&mut host, id, |options| (options.reuseaddr, options.gro) = (true, gro));
        host.stack.bind(host.now, id, addr(Ipv4Addr::UNSPECIFIED, 5000)).unwrap();
        id
    });
    let packet = udp_packet(addr(PEER, 9), addr(NET_BROADCAST, 5000), &body(2500));
    host.feed_meta(frame(MacAddr::BROADCAST, PEER_MAC, EtherType::Ipv4, &packet), several(1000));
    let lens = ids.map(|id| {
        let mut lens = Vec::new();
        while let Ok((bytes, _)) = host.recv(id) {
            lens.push(bytes.len());
        }
        lens
    });
    assert_eq!(lens, [vec![1000, 1000, 500], vec![2500]]);
}

#[test]
fn to_ourselves_they_stay_together() {
    for gro in [false, true] {
        let mut host = Host::new();
        let (a, b) = (host.udp(5000), host.udp(5001));
        set(&mut host, b, |options| options.gro = gro);
        let data = body(40_000);
        let how = SendHow { segment: Some(1472), ..SendHow::default() };
        host.stack.send_with(host.now, a, Some(addr(OWN, 5001)), &[&data], how).unwrap();
        assert!(host.transmit().is_empty());
        let (first, _) = host.recv(b).unwrap();
        assert_eq!(first, data[..if gro { 40_000 } else { 1472 }]);
    }
}

#[test]
fn a_ping_socket_has_no_segments() {
    let mut host = host(true, true);
    let id = host.stack.open(Kind::Ping).unwrap();
    set(&mut host, id, |options| options.segment = 10);
    let mut message = vec![8, 0];
    message.resize(100, 0);
    host.stack.send_to(host.now, id, Some(addr(PEER, 0)), &[&message]).unwrap();
    let frames = host.transmit();
    assert_eq!((frames.len(), frames[0].meta.gso), (1, None));
}
