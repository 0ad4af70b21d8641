//! Two stacks over a simulated link in virtual time: rate, delay, jitter, loss, duplication, corruption, all from a
//! seed. Each run moves a stream both ways at once, checks every byte and the orderly end, and prints goodput:
//! `cargo test --test netsim -- --nocapture`.
//!
//! With offloads and a clean link, frames of up to 64 kB cross whole with their gso size, as on a TAP. With faults the link
//! cuts them to the MTU and completes their checksums first, as a real device would; a lost frame is one segment then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use matnet_stack::wire::{checksum, ipv4};
use matnet_stack::{
    Buf, Capabilities, Config, Duration, Error, Full, Instant, Ipv4Cidr, Kind, MacAddr, RxChecksum, RxMeta,
    Sink, SocketId, Stack, TcpState, Transmit, TxMeta,
};

/// A prime, so that a piece at the wrong offset never matches.
const PATTERN: usize = 65_521;

#[derive(Clone, Copy, Debug)]
struct Link {
    name: &'static str,
    /// Bits per second.
    rate: u64,
    delay: Duration,
    /// Added at random, which reorders.
    jitter: Duration,
    loss: f64,
    dup: f64,
    corrupt: f64,
    /// Held back by four delays.
    reorder: f64,
    /// Bytes that may wait for the transmitter.
    queue: u64,
}

const CLEAN: Link = Link {
    name: "",
    rate: 1_000_000_000,
    delay: Duration::from_micros(100),
    jitter: Duration::ZERO,
    loss: 0.0,
    dup: 0.0,
    corrupt: 0.0,
    reorder: 0.0,
    queue: 512 * 1024,
};

impl Link {
    fn has_faults(&self) -> bool {
        self.loss + self.dup + self.corrupt + self.reorder > 0.0 || self.jitter != Duration::ZERO
    }
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && ((self.next() >> 11) as f64) < p * (1u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { (self.next() >> 16) % n }
    }
}

/// What a stack sends into.
#[derive(Default)]
struct Outbox(Vec<(Vec<u8>, TxMeta)>);

impl Sink for Outbox {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        let mut bytes = frame.header.to_vec();
        for slice in frame.payload {
            bytes.extend_from_slice(slice);
        }
        assert!(frame.meta.gso.is_some() || bytes.len() <= 1514, "a frame of {} bytes", bytes.len());
        self.0.push((bytes, frame.meta));
        Ok(())
    }
}

/// What a device without offloads would have sent.
fn segment(bytes: Vec<u8>, meta: TxMeta) -> Vec<Vec<u8>> {
    let Some(at) = meta.checksum else { return vec![bytes] };
    let complete = |mut frame: Vec<u8>, len_delta: usize| {
        let start = at.start as usize;
        let field = start + at.offset as usize;
        // The field holds the pseudo-header sum over the length of the whole frame.
        let held = u32::from(u16::from_be_bytes([frame[field], frame[field + 1]]));
        let corrected = checksum::fold(checksum::combine(held, u32::from(!(len_delta as u16))));
        frame[field..field + 2].copy_from_slice(&corrected.to_be_bytes());
        let sum = checksum::checksum(&frame[start..]);
        frame[field..field + 2].copy_from_slice(&sum.to_be_bytes());
        frame
    };
    let Some(gso) = meta.gso else { return vec![complete(bytes, 0)] };
    let (header, payload) = bytes.split_at(gso.header_len as usize);
    let (mut ip, _) = ipv4::Repr::parse(&bytes[14..]).unwrap();
    let l4_header = ip.payload_len - payload.len();
    let count = payload.chunks(gso.size.into()).count();
    let pieces = payload.chunks(gso.size.into()).enumerate().map(|(n, piece)| {
        let mut frame = header[..14].to_vec();
        ip.payload_len = l4_header + piece.len();
        ip.emit(&mut frame);
        ip.ident = ip.ident.wrapping_add(1);
        frame.extend_from_slice(&header[34..]);
        frame.extend_from_slice(piece);
        let offset = (n * gso.size as usize) as u32;
        let seq = u32::from_be_bytes(frame[38..42].try_into().unwrap()).wrapping_add(offset);
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        if n + 1 < count {
            // FIN and PSH belong to the last one.
            frame[47] &= !0x09;
        }
        complete(frame, payload.len() - piece.len())
    });
    pieces.collect()
}

struct Node {
    stack: Stack,
    socket: Option<SocketId>,
    listener: Option<SocketId>,
    to_send: usize,
    sent: usize,
    received: usize,
    shut: bool,
    eof: Option<Instant>,
    closed: bool,
    retransmitted: u32,
    /// When the transmitter will be idle.
    busy_until: Instant,
    dropped: u64,
}

impl Node {
    fn new(last: u8, offload: bool, to_send: usize) -> Node {
        let config = Config {
            mac: MacAddr([2, 0, 0, 0, 0, last]),
            addr: Ipv4Cidr { addr: Ipv4Addr::new(10, 0, 0, last), prefix: 24 },
            gateway: None,
            mtu: 1500,
            capabilities: Capabilities { tx_checksum: offload, tso: offload, uso: false },
            congestion: Default::default(),
            loopback: false,
        };
        Node {
            stack: Stack::new(config, Instant::ZERO, [last; 32]),
            socket: None,
            listener: None,
            to_send,
            sent: 0,
            received: 0,
            shut: false,
            eof: None,
            closed: false,
            retransmitted: 0,
            busy_until: Instant::ZERO,
            dropped: 0,
        }
    }

    /// What a program would do now. True when it did something.
    fn run(&mut self, now: Instant, pattern: &[u8], buf: &mut [u8]) {
        if let (Some(listener), None) = (self.listener, self.socket) {
            self.socket = self.stack.accept(listener).ok().map(|(id, _)| id);
        }
        let Some(id) = self.socket else { return };
        if self.closed {
            return;
        }
        while self.sent < self.to_send {
            let from = self.sent % PATTERN;
            let len = (self.to_send - self.sent).min(PATTERN);
            match self.stack.send(now, id, &pattern[from..from + len], false) {
                Ok(n) => self.sent += n,
                Err(Error::WouldBlock | Error::NotConnected) => break,
                Err(error) => panic!("send: {error:?} after {} bytes", self.sent),
            }
        }
        if self.sent == self.to_send && !self.shut {
            self.stack.shutdown(now, id, matnet_stack::Shutdown::Write).unwrap();
            self.shut = true;
        }
        while self.eof.is_none() {
            match self.stack.recv(now, id, buf) {
                Ok(0) => self.eof = Some(now),
                Ok(n) => {
                    let from = self.received % PATTERN;
                    assert!(buf[..n] == pattern[from..from + n], "wrong bytes at {}", self.received);
                    self.received += n;
                }
                Err(Error::WouldBlock | Error::NotConnected) => break,
                Err(error) => panic!("recv: {error:?} after {} bytes", self.received),
            }
        }
        if self.shut && self.eof.is_some() {
            self.retransmitted = self.stack.tcp_info(now, id).unwrap().total_retrans;
            self.stack.close(now, id);
            self.closed = true;
        }
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    elapsed: Duration,
    /// Bits per second, to the first node and to the second.
    goodput: [u64; 2],
    retransmitted: [u32; 2],
    frames: u64,
}

fn simulate(link: Link, offload: bool, sizes: [usize; 2], seed: u64) -> Outcome {
    let pattern: Vec<u8> =
        (0..2 * PATTERN as u64).map(|n| ((n % PATTERN as u64 * 2_654_435_761) >> 13) as u8).collect();
    let mut buf = vec![0; PATTERN];
    let mut random = Random(seed | 1);
    let mut nodes = [Node::new(1, offload, sizes[0]), Node::new(2, offload, sizes[1])];
    let mut now = Instant::ZERO;
    // Frames under way by arrival time and serial number.
    let mut air: BTreeMap<(Instant, u64), (usize, Vec<u8>, RxMeta)> = BTreeMap::new();
    let mut serial = 0;

    let server = nodes[1].stack.open(Kind::Tcp).unwrap();
    let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80));
    nodes[1].stack.bind(now, server, address).unwrap();
    nodes[1].stack.listen(server, 8).unwrap();
    nodes[1].listener = Some(server);
    let client = nodes[0].stack.open(Kind::Tcp).unwrap();
    assert_eq!(nodes[0].stack.connect(now, client, address), Err(Error::InProgress));
    nodes[0].socket = Some(client);

    let mut touched = [true, true];
    loop {
        for at in 0..2 {
            if !std::mem::take(&mut touched[at]) {
                continue;
            }
            let node = &mut nodes[at];
            let mut out = Outbox::default();
            // Twice: what the program does may let more leave.
            node.stack.poll_transmit(now, &mut out);
            while node.stack.poll_event().is_some() {}
            node.run(now, &pattern, &mut buf);
            node.stack.poll_transmit(now, &mut out);
            for (bytes, meta) in out.0 {
                let gso_size = meta.gso.map_or(0, |gso| gso.size);
                let (frames, rx) = if link.has_faults() {
                    (segment(bytes, meta), RxMeta::default())
                } else {
                    let checksum = match meta.checksum {
                        Some(_) => RxChecksum::Trusted,
                        None => RxChecksum::Unverified,
                    };
                    (vec![bytes], RxMeta { checksum, gso_size })
                };
                for mut bytes in frames {
                    let start = node.busy_until.max(now);
                    let backlog = start.since(now).as_micros() as u64 * link.rate / 8_000_000;
                    if backlog > link.queue {
                        node.dropped += 1;
                        continue;
                    }
                    let wire_time = bytes.len() as u64 * 8_000_000 / link.rate;
                    node.busy_until = start + Duration::from_micros(wire_time);
                    if random.chance(link.loss) {
                        continue;
                    }
                    let copies = 1 + usize::from(random.chance(link.dup));
                    // ARP has no checksum to catch it.
                    if bytes[13] == 0 && random.chance(link.corrupt) {
                        let at = 14 + random.below(bytes.len() as u64 - 14) as usize;
                        bytes[at] ^= 1 << random.below(8);
                    }
                    for _ in 0..copies {
                        let extra = random.below(link.jitter.as_micros() as u64 + 1);
                        let mut arrival = node.busy_until + link.delay + Duration::from_micros(extra);
                        if random.chance(link.reorder) {
                            arrival = arrival + link.delay * 4;
                        }
                        serial += 1;
                        air.insert((arrival, serial), (1 - at, bytes.clone(), rx));
                    }
                }
            }
        }
        if nodes.iter().all(|node| node.closed) && air.is_empty() {
            break;
        }
        let arrival = air.first_key_value().map(|((at, _), _)| *at);
        let timers = nodes.iter().filter_map(|node| node.stack.poll_timeout());
        let next = timers.chain(arrival).min().unwrap_or_else(|| {
            panic!("{}: nothing is due, {} and {} received", link.name, nodes[0].received, nodes[1].received)
        });
        now = now.max(next);
        assert!(now < Instant::from_micros(600_000_000), "{}: ten minutes", link.name);
        while let Some(((at, key), _)) = air.first_key_value() {
            let key = (*at, *key);
            if key.0 > now {
                break;
            }
            let (to, bytes, meta) = air.remove(&key).unwrap();
            nodes[to].stack.on_frame(now, Buf::from_vec(bytes), meta);
            touched[to] = true;
        }
        for at in 0..2 {
            if nodes[at].stack.poll_timeout().is_some_and(|due| due <= now) {
                nodes[at].stack.on_timeout(now);
                touched[at] = true;
            }
        }
    }
    let finished = now;
    settle(&mut nodes, now, server);
    let to_bits = |node: &Node| {
        let micros = node.eof.unwrap().micros().max(1);
        node.received as u64 * 8_000_000 / micros
    };
    assert_eq!([nodes[1].received, nodes[0].received], sizes, "{}", link.name);
    Outcome {
        elapsed: finished.since(Instant::ZERO),
        goodput: [to_bits(&nodes[0]), to_bits(&nodes[1])],
        retransmitted: [nodes[0].retransmitted, nodes[1].retransmitted],
        frames: serial,
    }
}

/// After the end nothing is left behind: no connection, no timer. (What is still retransmitted meets a perfect link.)
fn settle(nodes: &mut [Node; 2], mut now: Instant, server: SocketId) {
    nodes[1].stack.close(now, server);
    for _ in 0..10_000 {
        let mut quiet = true;
        for at in 0..2 {
            let mut out = Outbox::default();
            nodes[at].stack.poll_transmit(now, &mut out);
            for (bytes, meta) in out.0 {
                for frame in segment(bytes, meta) {
                    nodes[1 - at].stack.on_frame(now, Buf::from_vec(frame), RxMeta::default());
                    quiet = false;
                }
            }
        }
        if !quiet {
            continue;
        }
        let Some(due) = nodes.iter().filter_map(|node| node.stack.poll_timeout()).min() else { break };
        now = now.max(due);
        for node in nodes.iter_mut() {
            node.stack.on_timeout(now);
        }
    }
    for node in nodes {
        assert_eq!(node.stack.poll_timeout(), None);
        assert!(!node.stack.pending_output());
        let open: Vec<_> =
            node.stack.connections().into_iter().filter(|c| c.state != TcpState::Closed).collect();
        assert!(open.is_empty(), "{open:?}");
    }
}

fn run(link: Link, sizes: [usize; 2], least: u64) {
    for offload in [true, false] {
        let outcome = simulate(link, offload, sizes, 0x6d61_746e_6574);
        println!(
            "{:<28} {:>3}  {:>8.1} {:>8.1} Mb/s  {:>4} {:>4} retransmitted  {:>6} frames  {:>9.1} ms",
            link.name,
            if offload { "TSO" } else { "" },
            outcome.goodput[1] as f64 / 1e6,
            outcome.goodput[0] as f64 / 1e6,
            outcome.retransmitted[0],
            outcome.retransmitted[1],
            outcome.frames,
            outcome.elapsed.as_micros() as f64 / 1e3,
        );
        let slowest =
            outcome.goodput.into_iter().zip([sizes[1], sizes[0]]).filter(|(_, size)| *size > 100_000);
        for (goodput, _) in slowest {
            assert!(goodput >= least, "{}: {goodput} b/s", link.name);
        }
        if !link.has_faults() && link.queue > 1 << 20 {
            assert_eq!(outcome.retransmitted, [0, 0], "{}", link.name);
        }
    }
}

#[test]
fn a_clean_link_is_filled() {
    let link = Link { name: "clean 1 Gb/s, 0.2 ms", queue: 4 << 20, ..CLEAN };
    run(link, [8_000_000, 8_000_000], 500_000_000);
    run(link, [8_000_000, 0], 600_000_000);
    run(Link { name: "clean 1 Gb/s, one byte", ..link }, [1, 1], 0);
}

#[test]
fn a_long_link_is_filled() {
    let delay = Duration::from_millis(10);
    let link = Link { name: "clean 100 Mb/s, 20 ms", rate: 100_000_000, delay, queue: 4 << 20, ..CLEAN };
    run(link, [6_000_000, 3_000_000], 40_000_000);
}

#[test]
fn a_short_queue_is_survived() {
    let delay = Duration::from_millis(5);
    let link = Link { name: "10 ms, queue of 60 kB", rate: 50_000_000, delay, queue: 60_000, ..CLEAN };
    // Whole 64 kB frames do not fit such a queue one by one, so the link cuts them up: jitter of a microsecond.
    run(Link { jitter: Duration::from_micros(1), ..link }, [3_000_000, 3_000_000], 10_000_000);
}

const SLOW: Link = Link { rate: 100_000_000, delay: Duration::from_millis(5), ..CLEAN };

#[test]
fn loss_is_repaired() {
    run(Link { name: "10 ms, loss 0.1 %", loss: 0.001, ..SLOW }, [3_000_000, 3_000_000], 15_000_000);
    run(Link { name: "10 ms, loss 1 %", loss: 0.01, ..SLOW }, [2_000_000, 2_000_000], 5_000_000);
    run(Link { name: "10 ms, loss 10 %", loss: 0.1, ..SLOW }, [200_000, 200_000], 100_000);
}

#[test]
fn reordering_and_duplication_are_survived() {
    let jitter = Duration::from_micros(300);
    run(Link { name: "10 ms, jitter 0.3 ms", jitter, ..SLOW }, [2_000_000, 2_000_000], 5_000_000);
    run(Link { name: "10 ms, reorder 1 %", reorder: 0.01, ..SLOW }, [2_000_000, 2_000_000], 5_000_000);
    run(Link { name: "10 ms, duplicates 5 %", dup: 0.05, ..SLOW }, [2_000_000, 2_000_000], 10_000_000);
}

#[test]
fn corruption_never_reaches_the_program() {
    run(Link { name: "10 ms, corrupt 1 %", corrupt: 0.01, ..SLOW }, [2_000_000, 2_000_000], 4_000_000);
}

#[test]
fn everything_at_once() {
    let link = Link {
        name: "everything",
        loss: 0.01,
        dup: 0.01,
        corrupt: 0.005,
        reorder: 0.01,
        jitter: Duration::from_millis(1),
        ..SLOW
    };
    run(link, [1_000_000, 1_000_000], 1_000_000);
}

#[test]
fn a_seed_repeats_itself() {
    let link = Link { name: "repeat", loss: 0.02, dup: 0.02, reorder: 0.02, corrupt: 0.01, ..SLOW };
    let once = simulate(link, true, [300_000, 300_000], 5);
    assert_eq!(once, simulate(link, true, [300_000, 300_000], 5));
    assert_ne!(once, simulate(link, true, [300_000, 300_000], 6));
}

#[test]
fn many_seeds_move_every_byte() {
    for seed in 0..20 {
        let link = Link {
            name: "many seeds",
            loss: 0.05,
            dup: 0.05,
            reorder: 0.05,
            corrupt: 0.02,
            jitter: Duration::from_millis(2),
            delay: Duration::from_millis(1),
            ..SLOW
        };
        simulate(link, seed % 2 == 0, [40_000, 60_000], seed * 7919 + 1);
    }
}
