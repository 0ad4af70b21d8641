//! Whatever a neighbour sends, the stack neither panics nor grows without bound nor stops to serve.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::{GROUP, NONE, SOURCES, query, simple};
use matnet_stack::filter::{Filter, Instruction};
use matnet_stack::wire::{ethernet::EtherType, icmpv4, ipv4};
use matnet_stack::{Buf, Config, FilterMode, Kind, MacAddr, RxChecksum, RxMeta};
use std::net::Ipv4Addr;
use std::sync::Arc;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let quoted = udp_packet(addr(OWN, 5000), addr(FAR, 7), b"some data of ours");
    let mut seeds = vec![
        arp_request(PEER_MAC, PEER, OWN),
        arp_reply(PEER_MAC, PEER),
        udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(100)),
        udp_frame(addr(FAR, 9), addr(OWN, 9999), &body(20)),
        icmp_frame(FAR, &icmpv4::Repr::EchoRequest { ident: 1, seq: 1, data: &body(40) }),
        icmp_frame(FAR, &icmpv4::Repr::EchoReply { ident: 77, seq: 1, data: &body(40) }),
        icmp_frame(PEER, &icmpv4::Repr::DstUnreachable { code: 3, mtu: 0, quoted: &quoted }),
        icmp_frame(PEER, &icmpv4::Repr::DstUnreachable { code: 4, mtu: 600, quoted: &quoted }),
        icmp_frame(PEER, &icmpv4::Repr::TimeExceeded { code: 0, quoted: &quoted }),
        ip_frame(ip_repr(FAR, OWN, ipv4::PROTO_TCP, 40), &[&[0x1f, 0x90, 0, 80][..], &[2; 36]].concat()),
        ip_frame(ip_repr(FAR, OWN, 132, 8), &[1; 8]),
    ];
    let datagram = udp_datagram(addr(FAR, 9), addr(OWN, 5000), &body(3000));
    seeds.extend(fragments(ip_repr(FAR, OWN, ipv4::PROTO_UDP, 0), &datagram, 1000));
    seeds.extend([
        query(NONE, &[], 1, 2),
        query(GROUP, &SOURCES, 0x9f, 2),
        simple(0x11, 0, NONE, igmp::ALL_HOSTS),
        simple(0x11, 50, GROUP, GROUP),
        simple(0x16, 0, GROUP, GROUP),
    ]);
    let to_group = ip_repr(FAR, GROUP, ipv4::PROTO_UDP, 0);
    let datagram = udp_datagram(addr(FAR, 9), addr(GROUP, 5000), &body(30));
    let packet = packet(ipv4::Repr { payload_len: datagram.len(), ..to_group }, &datagram);
    seeds.push(frame(MacAddr([1, 0, 0x5e, 1, 1, 1]), PEER_MAC, EtherType::Ipv4, &packet));
    let packet = udp_packet(addr(PEER, 9), addr(NET_BROADCAST, 5000), b"all");
    seeds.push(frame(MacAddr::BROADCAST, PEER_MAC, EtherType::Ipv4, &packet));
    seeds
}

#[test]
fn mutated_frames_are_survived() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut host = Host::started(Config { loopback: true, ..config() });
    let udp = host.connected_udp(5000, addr(FAR, 7));
    let ping = host.stack.open(Kind::Ping).unwrap();
    host.stack.bind(host.now, ping, addr(Ipv4Addr::UNSPECIFIED, 77)).unwrap();
    let listener = host.stack.open(Kind::Tcp).unwrap();
    host.stack.bind(host.now, listener, addr(Ipv4Addr::UNSPECIFIED, 80)).unwrap();
    host.stack.listen(listener, 5).unwrap();
    // And all that hears or keeps more than it must: raw sockets, groups, error queues, filters.
    let raws = [1, 2, 6, 17, 132].map(|protocol| host.stack.open_raw(protocol).unwrap());
    let anybody = host.stack.open(Kind::Udp).unwrap();
    let instruction = |code, k| Instruction { code, jt: 0, jf: 0, k };
    // The byte behind the UDP header, doubled, is how much is kept.
    let program = vec![instruction(0x30, 8), instruction(0x24, 2), instruction(0x16, 0)];
    let filter = Some(Arc::new(Filter::new(program).unwrap()));
    for id in raws.into_iter().chain([udp, anybody]) {
        let mut options = host.stack.udp_options(id).unwrap().clone();
        (options.recverr, options.reuseaddr) = (true, true);
        if id == anybody {
            options.filter = filter.clone();
        }
        host.stack.set_udp_options(id, options).unwrap();
        host.stack.join_group(host.now, id, GROUP).unwrap();
    }
    host.stack.bind(host.now, anybody, addr(Ipv4Addr::UNSPECIFIED, 5001)).unwrap();
    host.stack.add_source(host.now, anybody, GROUP, SOURCES[0], FilterMode::Exclude).unwrap();
    let mut errors = 0;
    let seeds = seeds();
    for round in 0..40_000 {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        for _ in 0..random.below(6) {
            let at = random.below(bytes.len());
            bytes[at] = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => random.below(256) as u8,
                _ => bytes[at] ^ 1 << random.below(8),
            };
        }
        if random.below(8) == 0 {
            bytes.truncate(random.below(bytes.len() + 1));
        }
        // So that more than the checksum is tested.
        if bytes.len() > 34 && random.below(4) != 0 {
            bytes[24] = 0;
            bytes[25] = 0;
            let sum = matnet_stack::wire::checksum::checksum(&bytes[14..34]);
            bytes[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        if bytes.len() > 42 && bytes[23] == 2 && random.below(4) != 0 {
            bytes[36..38].fill(0);
            let sum = matnet_stack::wire::checksum::checksum(&bytes[34..]);
            bytes[36..38].copy_from_slice(&sum.to_be_bytes());
        }
        let meta = RxMeta {
            checksum: if random.below(2) == 0 { RxChecksum::Trusted } else { RxChecksum::Unverified },
            gso_size: if random.below(4) == 0 { random.below(1500) as u16 } else { 0 },
        };
        host.stack.on_frame(host.now, Buf::from_vec(bytes), meta);
        if round % 16 == 0 {
            host.advance(millis(random.below(400) as u64));
        }
        if round % 1000 == 0 {
            for id in raws.into_iter().chain([udp, anybody]) {
                while host.recv(id).is_ok() {}
                let before = errors;
                while host.stack.recv_error(id, &mut []).is_ok() {
                    errors += 1;
                }
                assert!(errors - before < 300, "the queue is bounded");
            }
            // Joining and leaving keeps the timers of the group going.
            let _ = host.stack.leave_group(host.now, raws[0], GROUP);
            let _ = host.stack.join_group(host.now, raws[0], GROUP);
        }
        while host.stack.poll_event().is_some() {}
    }
    assert!(
        errors > 100
            && host.count("igmp_in") > 1000
            && host.count("igmp_out") > 100
            && host.count("raw_in") > 1000
    );
    host.advance(secs(4000));
    assert_eq!(host.stack.poll_timeout(), None, "no timer is left");
    host.feed(arp_request(PEER_MAC, PEER, OWN));
    host.stack.take_error(udp);
    while host.recv(udp).is_ok() {}
    host.feed(udp_frame(addr(FAR, 7), addr(OWN, 5000), b"still alive"));
    assert_eq!(host.recv(udp).unwrap().0, b"still alive");
}
