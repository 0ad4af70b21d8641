//! RFC 1191 and RFC 5927 for TCP: a path MTU is believed when the quoted sequence number is in flight.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::tcp::{Flags, Options, Repr};
use matnet_stack::wire::{ChecksumMode, SeqNumber, icmpv4, ipv4};
use matnet_stack::{Error, Kind, SocketId, TcpState};

fn tcp(frame: &Frame) -> (Repr, usize) {
    let (ip, payload) = frame.ip();
    let (repr, at) = Repr::parse(payload, ip.src, ip.dst, true).unwrap();
    (repr, payload.len() - at)
}

/// An established connection to FAR and the data that it has in flight.
fn connection() -> (Host, SocketId, Vec<Frame>) {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, id, addr(FAR, 80)), Err(Error::InProgress));
    let (syn, _) = tcp(&host.transmit()[0]);
    let answer = Repr {
        src_port: 80,
        dst_port: syn.src_port,
        seq: SeqNumber(1000),
        ack: syn.seq + 1usize,
        flags: Flags::SYN | Flags::ACK,
        window: 60_000,
        urgent: 0,
        options: Options { mss: Some(1460), ..Options::default() },
    };
    let mut segment = Vec::new();
    answer.emit(&mut segment, FAR, OWN, &[], ChecksumMode::Full);
    host.feed(ip_frame(ip_repr(FAR, OWN, ipv4::PROTO_TCP, segment.len()), &segment));
    assert_eq!(host.stack.tcp_state(id), TcpState::Established);
    assert_eq!(host.stack.send(host.now, id, &body(5000), false), Ok(5000));
    let frames = host.transmit();
    assert!(frames.iter().all(|f| tcp(f).1 <= 1460) && tcp(&frames[0]).1 == 1460);
    assert!(frames[0].ip().0.dont_fragment);
    (host, id, frames)
}

fn too_big(mut quoted: Vec<u8>, mtu: u16, seq_delta: u32) -> Vec<u8> {
    let seq = u32::from_be_bytes(quoted[24..28].try_into().unwrap()).wrapping_add(seq_delta);
    quoted[24..28].copy_from_slice(&seq.to_be_bytes());
    icmp_frame(PEER, &icmpv4::Repr::DstUnreachable { code: 4, mtu, quoted: &quoted })
}

#[test]
fn segments_shrink_to_the_path_and_are_sent_again() {
    let (mut host, _, frames) = connection();
    let quoted = frames[0].bytes[14..42].to_vec();
    let again = host.feed(too_big(quoted, 1000, 0));
    assert_eq!(host.stack.path_mtu(addr(FAR, 0).ip()), 1000);
    assert!(!again.is_empty());
    assert_eq!(tcp(&again[0]), (Repr { flags: tcp(&again[0]).0.flags, ..tcp(&frames[0]).0 }, 960));
    assert!(again.iter().all(|f| f.ip().1.len() <= 980));
}

#[test]
fn forged_messages_change_nothing() {
    let (mut host, _, frames) = connection();
    let quoted = frames[0].bytes[14..42].to_vec();
    assert!(host.feed(too_big(quoted.clone(), 600, 1_000_000)).is_empty());
    assert!(host.feed(too_big(quoted.clone(), 600, u32::MAX)).is_empty());
    let mut other_port = quoted;
    other_port[23] ^= 1;
    assert!(host.feed(too_big(other_port, 600, 0)).is_empty());
    assert_eq!(host.stack.path_mtu(addr(FAR, 0).ip()), 1500);
    assert_eq!(host.count("pmtu_updates"), 0);
}

#[test]
fn other_errors_do_not_end_an_established_connection() {
    let (mut host, id, frames) = connection();
    let quoted = &frames[0].bytes[14..42];
    for code in [0, 1, 2, 3, 13] {
        host.feed(icmp_frame(PEER, &icmpv4::Repr::DstUnreachable { code, mtu: 0, quoted }));
    }
    assert_eq!(host.stack.tcp_state(id), TcpState::Established);
    assert_eq!(host.stack.take_error(id), None);
}

#[test]
fn an_error_ends_a_connection_attempt() {
    for (code, error) in
        [(1, Error::HostUnreachable), (3, Error::ConnectionRefused), (13, Error::HostUnreachable)]
    {
        let mut host = Host::new();
        let id = host.stack.open(Kind::Tcp).unwrap();
        assert_eq!(host.stack.connect(host.now, id, addr(FAR, 80)), Err(Error::InProgress));
        let frames = host.transmit();
        let quoted = &frames[0].bytes[14..42];
        host.feed(icmp_frame(PEER, &icmpv4::Repr::DstUnreachable { code, mtu: 0, quoted }));
        assert_eq!(host.stack.take_error(id), Some(error));
    }
}

/// What is in TIME_WAIT has nothing in flight (Linux: `tcp_v4_err` drops it).
#[test]
fn a_connection_in_time_wait_believes_nothing() {
    let (mut host, id, frames) = connection();
    let (first, _) = tcp(&frames[0]);
    let quoted = frames[0].bytes[14..42].to_vec();
    host.stack.shutdown(host.now, id, matnet_stack::Shutdown::Write).unwrap();
    host.transmit();
    let last = Repr {
        src_port: 80,
        dst_port: first.src_port,
        seq: SeqNumber(1001),
        ack: first.seq + 5001usize,
        flags: Flags::ACK | Flags::FIN,
        window: 60_000,
        urgent: 0,
        options: Options::default(),
    };
    let mut segment = Vec::new();
    last.emit(&mut segment, FAR, OWN, &[], ChecksumMode::Full);
    host.feed(ip_frame(ip_repr(FAR, OWN, ipv4::PROTO_TCP, segment.len()), &segment));
    host.feed(too_big(quoted, 1000, 0));
    assert_eq!(host.stack.path_mtu(addr(FAR, 0).ip()), 1500);
    assert_eq!(host.count("tcp_icmp_out_of_window"), 1);
}
