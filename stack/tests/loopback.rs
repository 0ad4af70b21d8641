//! Packets to our own address, and to 127/8 when so configured, never touch the device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::{ipv4, tcp, tcp::Flags};
use matnet_stack::{Config, Error, Kind, SocketId, TcpOptions, TcpState};
use std::net::Ipv4Addr;

#[test]
fn datagrams_to_ourselves_arrive_whole() {
    let mut host = Host::new();
    let (a, b) = (host.udp(5000), host.udp(5001));
    let data = body(65_507);
    host.send_to(a, addr(OWN, 5001), &data).unwrap();
    assert!(host.transmit().is_empty());
    assert_eq!(host.recv(b).unwrap(), (data, addr(OWN, 5000)));
    assert_eq!(host.count("ip_fragments_out"), 0);
    assert_eq!(host.stack.path_mtu(addr(OWN, 0).ip()), 65_535);
}

#[test]
fn the_unspecified_address_is_ourselves() {
    let mut host = Host::new();
    let (a, b) = (host.udp(5000), host.udp(5001));
    host.send_to(a, addr(Ipv4Addr::UNSPECIFIED, 5001), b"x").unwrap();
    host.transmit();
    assert!(host.recv(b).is_ok());
}

#[test]
fn a_closed_port_of_our_own_refuses_without_rate_limit() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(OWN, 9999));
    for _ in 0..100 {
        host.stack.send_to(host.now, id, None, &[b"x"]).unwrap();
        assert!(host.transmit().is_empty());
        assert_eq!(host.recv(id), Err(Error::ConnectionRefused));
    }
}

#[test]
fn loopback_addresses_when_configured() {
    let mut host = Host::started(Config { loopback: true, ..config() });
    let server = host.stack.open(Kind::Udp).unwrap();
    host.stack.bind(host.now, server, addr(Ipv4Addr::new(127, 0, 0, 53), 53)).unwrap();
    let client = host.connected_udp(0, addr(Ipv4Addr::new(127, 0, 0, 53), 53));
    host.stack.send_to(host.now, client, None, &[b"q"]).unwrap();
    assert!(host.transmit().is_empty());
    let (_, from) = host.recv(server).unwrap();
    assert_eq!(from.ip(), Ipv4Addr::LOCALHOST);
    host.send_to(server, from, b"a").unwrap();
    host.transmit();
    assert_eq!(host.recv(client).unwrap().0, b"a");
}

#[test]
fn a_loop_of_datagrams_is_bounded_in_time_and_memory() {
    let mut host = Host::new();
    let id = host.udp(5000);
    for _ in 0..300 {
        let _ = host.send_to(id, addr(OWN, 5000), &body(1000));
    }
    host.transmit();
    assert_eq!(host.stack.poll_timeout(), None);
    assert!(host.count("udp_in") > 100);
}

fn connect(host: &mut Host, ip: Ipv4Addr) -> (SocketId, SocketId) {
    let listener = host.stack.open(Kind::Tcp).unwrap();
    host.stack.bind(host.now, listener, addr(ip, 80)).unwrap();
    host.stack.listen(listener, 5).unwrap();
    let client = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, client, addr(ip, 80)), Err(Error::InProgress));
    assert!(host.transmit().is_empty());
    assert_eq!(host.stack.tcp_state(client), TcpState::Established);
    let (server, peer) = host.stack.accept(listener).unwrap();
    assert_eq!(Some(peer), host.stack.local_addr(client));
    (client, server)
}

#[test]
fn a_stream_to_ourselves() {
    for ip in [OWN, Ipv4Addr::LOCALHOST] {
        let mut host = Host::started(Config { loopback: true, ..config() });
        let (client, server) = connect(&mut host, ip);
        let data = body(1_000_000);
        let (mut sent, mut got) = (0, Vec::new());
        let mut buf = vec![0; 65_536];
        for _ in 0..1000 {
            match host.stack.send(host.now, client, &data[sent..], false) {
                Ok(n) => sent += n,
                Err(error) => assert!(error == Error::WouldBlock || sent == data.len(), "{error:?}"),
            }
            assert!(host.transmit().is_empty());
            while let Ok(n) = host.stack.recv(host.now, server, &mut buf) {
                got.extend_from_slice(&buf[..n]);
            }
            if got.len() == data.len() {
                break;
            }
            host.advance(millis(1));
        }
        assert!(got == data, "{} of {}", got.len(), data.len());
        host.stack.close(host.now, client);
        host.transmit();
        assert_eq!(host.stack.recv(host.now, server, &mut buf), Ok(0));
    }
}

/// What a segment to ourselves looks like to those who ask for its header: TCP_SAVED_SYN and raw sockets.
#[test]
fn a_segment_to_ourselves_has_its_headers() {
    let mut host = Host::new();
    let raw = host.stack.open_raw(6).unwrap();
    let listener = host.stack.open(Kind::Tcp).unwrap();
    host.stack.bind(host.now, listener, addr(OWN, 80)).unwrap();
    host.stack.listen(listener, 5).unwrap();
    let options = TcpOptions { save_syn: true, ..host.stack.tcp_options(listener).unwrap() };
    host.stack.set_tcp_options(host.now, listener, options).unwrap();
    let client = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, client, addr(OWN, 80)), Err(Error::InProgress));
    host.transmit();
    let (server, peer) = host.stack.accept(listener).unwrap();
    let syn = host.stack.saved_syn(server, 100).unwrap().unwrap();
    let (ip, len) = ipv4::Repr::parse(&syn).unwrap();
    let (tcp, _) = tcp::Repr::parse(&syn[len..], OWN, OWN, true).unwrap();
    assert_eq!(
        (ip.src, ip.ttl, tcp.src_port, tcp.dst_port, tcp.flags),
        (OWN, 64, peer.port(), 80, Flags::SYN)
    );
    host.stack.send(host.now, client, b"hello", false).unwrap();
    host.transmit();
    let heard: Vec<_> = std::iter::from_fn(|| host.recv(raw).ok()).map(|(packet, _)| packet).collect();
    assert_eq!(heard[0], syn);
    assert_eq!(heard.len(), 5, "SYN, SYN-ACK, ACK, data, ACK");
    assert!(heard[3].ends_with(b"hello"));
}

#[test]
fn a_closed_tcp_port_of_our_own_refuses() {
    let mut host = Host::new();
    let client = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, client, addr(OWN, 81)), Err(Error::InProgress));
    assert!(host.transmit().is_empty());
    assert_eq!(host.stack.take_error(client), Some(Error::ConnectionRefused));
}
