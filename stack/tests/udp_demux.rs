//! Which socket gets a datagram: connected, then bound to the address, then the wildcard (Linux compute_score).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Kind, Readiness, SocketId, UdpOptions};
use std::net::Ipv4Addr;

fn reusable(host: &mut Host, ip: Ipv4Addr, options: &UdpOptions) -> SocketId {
    let id = host.stack.open(Kind::Udp).unwrap();
    host.stack.set_udp_options(id, options.clone()).unwrap();
    host.stack.bind(host.now, id, addr(ip, 5000)).unwrap();
    id
}

#[test]
fn the_best_match_wins() {
    let mut host = Host::new();
    let options = UdpOptions { reuseaddr: true, ..UdpOptions::default() };
    let exact = reusable(&mut host, OWN, &options);
    let connected = reusable(&mut host, Ipv4Addr::UNSPECIFIED, &options);
    host.stack.connect(host.now, connected, addr(FAR, 9)).unwrap();
    let wildcard = reusable(&mut host, Ipv4Addr::UNSPECIFIED, &options);
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"peer"));
    assert_eq!(host.recv(connected).unwrap(), (b"peer".to_vec(), addr(FAR, 9)));
    host.feed(udp_frame(addr(FAR, 10), addr(OWN, 5000), b"other"));
    assert_eq!(host.recv(exact).unwrap(), (b"other".to_vec(), addr(FAR, 10)));
    host.stack.close(host.now, exact);
    host.feed(udp_frame(addr(FAR, 10), addr(OWN, 5000), b"again"));
    assert_eq!(host.recv(wildcard).unwrap().0, b"again");
    host.stack.close(host.now, wildcard);
    assert_eq!(host.feed(udp_frame(addr(FAR, 10), addr(OWN, 5000), b"x")).len(), 1, "port unreachable");
}

#[test]
fn each_datagram_is_an_edge() {
    let mut host = Host::new();
    let id = host.udp(5000);
    assert_eq!(host.stack.readiness(id), Readiness::OUT);
    for n in 0..3 {
        host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), &[n]));
        let event = host.stack.poll_event().unwrap();
        assert_eq!((event.socket, event.edges), (id, Readiness::IN));
        assert!(host.stack.poll_event().is_none());
    }
    assert!(host.stack.readiness(id).contains(Readiness::IN));
    for n in 0..3 {
        assert_eq!(host.stack.next_datagram_len(id), Some(1));
        assert_eq!(host.recv(id).unwrap().0, [n]);
    }
    assert_eq!(host.stack.readiness(id), Readiness::OUT);
}

#[test]
fn reuseport_spreads_senders_and_keeps_each_on_one_socket() {
    let mut host = Host::new();
    let options = UdpOptions { reuseport: true, ..UdpOptions::default() };
    let group: Vec<_> = (0..4).map(|_| reusable(&mut host, Ipv4Addr::UNSPECIFIED, &options)).collect();
    for port in 1..=400 {
        for _ in 0..2 {
            host.feed(udp_frame(addr(FAR, port), addr(OWN, 5000), &[0]));
        }
    }
    for id in group {
        let mut senders = std::collections::HashMap::new();
        while let Ok((_, from)) = host.recv(id) {
            *senders.entry(from).or_insert(0) += 1;
        }
        assert!((50..=150).contains(&senders.len()), "{}", senders.len());
        assert!(senders.values().all(|n| *n == 2));
    }
}

#[test]
fn peek_and_truncation_tell_the_whole_length() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"abcdef"));
    let mut buf = [0; 4];
    for peek in [true, true, false] {
        let meta = host.stack.recv_from(id, &mut buf, peek).unwrap();
        assert_eq!((meta.len, &buf, meta.to, meta.ttl), (6, b"abcd", addr(OWN, 0).ip(), 61));
    }
    assert!(host.recv(id).is_err(), "the rest is lost");
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b""));
    assert_eq!(host.recv(id).unwrap().0, b"", "an empty datagram is one");
}

#[test]
fn a_frame_of_several_datagrams_is_cut_up() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let data = body(2500);
    let meta = matnet_stack::RxMeta { gso_size: 1000, ..TRUSTED };
    host.feed_meta(udp_frame(addr(FAR, 9), addr(OWN, 5000), &data), meta);
    let got: Vec<_> = (0..3).map(|_| host.recv(id).unwrap().0).collect();
    assert_eq!(got, [&data[..1000], &data[1000..2000], &data[2000..]]);
    assert!(host.recv(id).is_err());
    assert_eq!(host.count("udp_in"), 3);
}

#[test]
fn closed_ids_name_nothing() {
    let mut host = Host::new();
    let old = host.udp(5000);
    host.stack.close(host.now, old);
    let new = host.udp(5001);
    assert_ne!(old, new);
    assert_eq!(host.recv(old), Err(matnet_stack::Error::BadSocket));
    assert_eq!(host.send_to(old, addr(FAR, 9), b"x"), Err(matnet_stack::Error::BadSocket));
    assert_eq!(host.stack.readiness(old), Readiness::NONE);
    host.stack.close(host.now, old);
    assert_eq!(host.stack.local_addr(new), Some(addr(Ipv4Addr::UNSPECIFIED, 5001)));
}
