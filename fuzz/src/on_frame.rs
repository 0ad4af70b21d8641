//! A whole stack under a hostile network, a hostile clock and a careless program, all played by the input.
//!
//! The network sends structurally valid frames with fields of the fuzzer's choice: segments near (or far from) what
//! a connection expects, handshakes from both sides, fragments, ICMP errors that quote what the stack really
//! sent, ARP. After each step the stack is driven as a host drives it, and these must hold:
//! - [`Stack::poll_transmit`], [`Stack::poll_event`] and the timers come to an end;
//! - every frame is right in every header and checksum, for us and for etherparse ([`crate::frames::judge`]);
//! - streams carry exactly the bytes that were written, in both directions, and acknowledge only what was sent
//!   ([`crate::streams`]);
//! - something to send means a deadline; a deadline that has passed is not announced again;
//! - a readiness that rises without the program's doing is told by an event, and readiness never promises what the
//!   verb then refuses;
//! - when the program has closed everything and the network is silent, the stack comes to rest: no deadline, no
//!   connection.
//!
//! To follow one input: `MATNET_FUZZ_TRACE=1 cargo fuzz run -s none on_frame FILE`.

pub mod datagrams;
pub mod options;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use matnet_stack::wire::{ChecksumMode, SeqNumber, arp, checksum, icmpv4, ipv4, tcp, udp};
use matnet_stack::{
    Buf, Capabilities, Config, Congestion, Counters, Duration, Error, Full, Instant, Ipv4Cidr, Kind, MacAddr,
    Readiness, RxChecksum, RxMeta, Shutdown, Sink, SocketId, Stack, Transmit,
};

use crate::frames::{self, GATEWAY, OUR_ADDR, OUR_MAC, PEERS, Peer, Sent};
use crate::input::Input;
use crate::streams::{self, Flow, Reading};

const STEPS: usize = 200;
const MAX_SOCKETS: usize = 12;
const MAX_WRITTEN: u32 = 1 << 20;
/// More frames than any window allows here.
const MAX_FRAMES: usize = 100_000;
const TCP_PORT: u16 = 80;
const UDP_PORT: u16 = 53;

/// Our port, the peer's address and port.
type FlowKey = (u16, Ipv4Addr, u16);

/// A TCP socket that the program holds.
struct Socket {
    id: SocketId,
    reading: Option<Reading>,
    written: u32,
    /// Readiness after the last step.
    seen: Readiness,
}

/// Takes the stack's frames, as many as `room` says.
struct Wire<'a> {
    room: usize,
    mtu: u16,
    taken: &'a mut Vec<(Vec<u8>, Sent)>,
}

impl Sink for Wire<'_> {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        if self.room == 0 {
            return Err(Full);
        }
        self.room -= 1;
        assert!(self.taken.len() < MAX_FRAMES, "poll_transmit does not end");
        self.taken.push(frames::judge(frame, self.mtu));
        Ok(())
    }
}

struct World<'a> {
    input: Input<'a>,
    stack: Stack,
    now: Instant,
    mtu: u16,
    sockets: Vec<Socket>,
    listener: Option<Socket>,
    udp: Option<SocketId>,
    ping: Option<SocketId>,
    raw: Vec<SocketId>,
    /// UDP sockets that share a port (SO_REUSEPORT).
    sharing: Vec<SocketId>,
    flows: HashMap<FlowKey, Flow>,
    /// The flows in the order of their appearance, for the input to choose from.
    order: Vec<FlowKey>,
    /// The last frames that the stack sent, for ICMP to quote.
    recent: Vec<Vec<u8>>,
    /// Frames on their way to the stack.
    inbound: Vec<(Vec<u8>, RxMeta)>,
    last_inbound: Vec<u8>,
    answer_arp: bool,
    /// How many frames the device takes per step; `None`: all.
    room: Option<usize>,
    /// Frames went in that the books know nothing of, so streams are no longer judged.
    tainted: bool,
    /// The program sent an urgent byte, which is missing from a stream of its own.
    urgent: bool,
    gone: bool,
    trace: bool,
}

/// Says what happens, when asked to.
macro_rules! trace {
    ($world:expr, $($what:tt)+) => {
        if $world.trace {
            eprintln!("{:>12} {}", $world.now.micros(), format_args!($($what)+));
        }
    };
}

use trace;

/// Plays one input to its end; what was counted tells how far it came.
pub fn run(data: &[u8]) -> Counters {
    let mut input = Input::new(data);
    let flags = input.u8();
    // 128: below some 100 bytes TCP's least segment (48 of payload, as on Linux) does not fit.
    let mtu = input.pick(&[1500, 1500, 1500, 576, 9000, 128, 65_521]);
    let now = Instant::from_micros(u64::from(input.u16()) << 16);
    let config = Config {
        mac: OUR_MAC,
        addr: Ipv4Cidr { addr: OUR_ADDR, prefix: 24 },
        gateway: (flags & 1 == 0).then_some(GATEWAY.addr),
        mtu,
        capabilities: Capabilities { tx_checksum: flags & 6 != 0, tso: flags & 4 != 0, uso: flags & 8 != 0 },
        congestion: if flags & 16 == 0 { Congestion::Cubic } else { Congestion::Reno },
        ecn: if flags & 128 == 0 { matnet_stack::EcnMode::Passive } else { matnet_stack::EcnMode::On },
        loopback: flags & 32 != 0,
    };
    let mut world = World {
        stack: Stack::new(config, now, [input.u8(); 32]),
        now,
        mtu,
        input,
        sockets: Vec::new(),
        listener: None,
        udp: None,
        ping: None,
        raw: Vec::new(),
        sharing: Vec::new(),
        flows: HashMap::new(),
        order: Vec::new(),
        recent: Vec::new(),
        inbound: Vec::new(),
        last_inbound: Vec::new(),
        answer_arp: flags & 64 == 0,
        room: None,
        tainted: false,
        urgent: false,
        gone: false,
        trace: std::env::var_os("MATNET_FUZZ_TRACE").is_some(),
    };
    world.open_servers();
    for _ in 0..STEPS {
        if world.input.is_empty() {
            break;
        }
        world.step();
        world.settle();
    }
    world.come_to_rest();
    *world.stack.counters()
}

const GROUPS: [Ipv4Addr; 2] = [Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::new(232, 1, 2, 3)];

/// The hardware address of a group, where the destination is one.
fn to_group(frame: &mut [u8], dst: Ipv4Addr) {
    if dst.is_multicast() {
        let [_, a, b, c] = dst.octets();
        frame[..6].copy_from_slice(&[1, 0, 0x5e, a & 0x7f, b, c]);
    }
}

fn v4(addr: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(addr, port))
}

impl World<'_> {
    fn open_servers(&mut self) {
        let any = |port| v4(Ipv4Addr::UNSPECIFIED, port);
        let id = self.stack.open(Kind::Tcp).expect("the first socket");
        self.stack.bind(self.now, id, any(TCP_PORT)).expect("a free port");
        self.stack.listen(id, 4).expect("a bound socket listens");
        self.listener = Some(Socket::new(id, self.stack.readiness(id)));
        let udp = self.stack.open(Kind::Udp).expect("the second socket");
        self.stack.bind(self.now, udp, any(UDP_PORT)).expect("a free port");
        self.udp = Some(udp);
        let ping = self.stack.open(Kind::Ping).expect("the third socket");
        self.stack.bind(self.now, ping, any(7)).expect("a free identifier");
        self.ping = Some(ping);
        for protocol in [1, frames::RAW_PROTOCOL.into(), 17] {
            self.raw.push(self.stack.open_raw(protocol).expect("a raw socket"));
        }
        self.settle();
    }

    fn step(&mut self) {
        match self.input.u8() % 32 {
            0..=13 => self.network_segment(),
            14..=20 => self.program(),
            21..=23 => self.pass_time(),
            24 => self.network_datagram(),
            25 => self.network_fragments(),
            26 => self.network_icmp(),
            27 if self.input.one_in(3) => self.network_igmp(),
            27 => self.network_arp(),
            28 => self.network_mutated(),
            29 => self.room = Some(self.input.below(4)).filter(|&room| room < 3),
            30 if self.input.one_in(3) => self.program_tunes_datagrams(),
            30 => self.program_datagram(),
            _ => self.upheaval(),
        }
    }

    // ---- the network ----

    fn send_in(&mut self, frame: Vec<u8>, meta: RxMeta) {
        trace!(self, "  < {} {meta:?}", frames::describe(&frame));
        self.last_inbound.clone_from(&frame);
        self.inbound.push((frame, meta));
    }

    /// A segment near what its flow expects, or anywhere.
    fn network_segment(&mut self) {
        let peer = self.input.pick(&PEERS);
        let choice = usize::from(self.input.u8());
        let key = match self.order.get(choice % 16) {
            Some(&key) if choice < 128 => key,
            _ => (TCP_PORT, peer.addr, 1000 + self.input.u16() % 16),
        };
        let (our_port, addr, peer_port) = key;
        let mac = PEERS.iter().find(|p| p.addr == addr).map_or(GATEWAY.mac, |p| p.mac);
        use tcp::Flags;
        let flags = match self.input.u8() % 16 {
            0..=2 => Flags::SYN,
            3..=6 => Flags::ACK,
            7..=9 => Flags::ACK | Flags::PSH,
            10 => Flags::ACK | Flags::FIN,
            11 => Flags::SYN | Flags::ACK,
            12 => Flags::RST,
            13 => Flags::RST | Flags::ACK,
            14 => Flags::ACK | Flags::ECE,
            _ => Flags(self.input.u8()),
        };
        let near = |input: &mut Input<'_>| match input.u8() % 12 {
            0..=6 => 0,
            7 => 1,
            8 => u32::MAX,
            9 => u32::from(input.u16()),
            10 => u32::from(input.u16()).wrapping_neg(),
            _ => input.u32(),
        };
        let (seq_off, ack_off) = (near(&mut self.input), near(&mut self.input));
        let len = match self.input.u8() % 12 {
            0..=4 => 0,
            5 => 1,
            6 => 7,
            7 => 536,
            8 => 1448,
            9 => 1460,
            10 => usize::from(self.input.u16() % 9000),
            _ => usize::from(self.input.u16() % 65_000),
        };
        let window = match self.input.u8() % 6 {
            0..=2 => 65_535,
            3 => 0,
            4 => 1000,
            _ => self.input.u16(),
        };
        let flow = self.flows.entry(key).or_insert_with(|| {
            self.order.push(key);
            Flow::default()
        });
        let isn = SeqNumber(u32::from(peer_port).wrapping_mul(0x1357_9bdf));
        let base = flow.rcv_nxt.unwrap_or(isn);
        let mut repr = tcp::Repr {
            src_port: peer_port,
            dst_port: our_port,
            seq: SeqNumber(base.0.wrapping_add(seq_off)),
            ack: SeqNumber(flow.snd_max.0.wrapping_add(ack_off)),
            flags,
            window,
            urgent: 0,
            options: tcp::Options::default(),
        };
        if flags.contains(Flags::URG) {
            repr.urgent = self.input.u16();
        }
        let options = self.input.u8();
        if options & 1 != 0 {
            // Running with virtual time, as PAWS wants it; sometimes late.
            let mut value = (self.now.millis() as u32).wrapping_add(0x8000_0000);
            if options & 0xc0 == 0xc0 {
                value = value.wrapping_sub(self.input.u32());
            }
            repr.options.timestamps = Some((value, flow.ts_val));
        }
        if options & 2 != 0 && flags.contains(Flags::SYN) {
            repr.options.mss = Some(self.input.pick(&[1460, 536, 1, 65_535, 100, 8960]));
        }
        if options & 4 != 0 {
            repr.options.window_scale = Some(self.input.u8() % 15).filter(|_| flags.contains(Flags::SYN));
        }
        repr.options.sack_permitted = options & 8 != 0 && flags.contains(Flags::SYN);
        if options & 16 != 0 {
            for _ in 0..1 + self.input.u8() % 4 {
                let left = flow.snd_max - self.input.below(20_000);
                repr.options.sack_blocks.push(left, left + self.input.below(4000));
            }
        }
        // Data after a SYN begins one further.
        let first = repr.seq + usize::from(flags.contains(Flags::SYN));
        let data = streams::network_bytes(first, len.min(65_535 - 20 - repr.header_len()));
        flow.network_sends(&repr, data.len());
        let bits = self.input.u8();
        let (mode, checksum) = match bits & 3 {
            0 => (ChecksumMode::Partial, RxChecksum::Trusted),
            _ => (ChecksumMode::Full, RxChecksum::Unverified),
        };
        let gso_size = if data.len() > 1460 && bits & 4 != 0 { 1460 } else { 0 };
        let mut header = frames::ip_header(addr, OUR_ADDR, ipv4::PROTO_TCP);
        header.tos = bits >> 6;
        let segment = frames::segment(&repr, addr, OUR_ADDR, &data, mode);
        let frame = frames::ip(Peer { addr, mac }, header, &segment);
        self.send_in(frame, RxMeta { checksum, gso_size });
    }

    fn network_datagram(&mut self) {
        let peer = self.input.pick(&PEERS);
        let dst = self.input.pick(&[OUR_ADDR, OUR_ADDR, Ipv4Addr::new(10, 88, 45, 255), Ipv4Addr::BROADCAST, GROUPS[0], GROUPS[1]]);
        let repr =
            udp::Repr { src_port: self.input.u16(), dst_port: self.input.pick(&[UDP_PORT, UDP_PORT, 9]) };
        let data = vec![7; usize::from(self.input.u16() % 3000)];
        let mut header = frames::ip_header(peer.addr, dst, ipv4::PROTO_UDP);
        header.ttl = self.input.pick(&[64, 1, 0]);
        let mut frame = frames::ip(peer, header, &frames::datagram(&repr, peer.addr, dst, &data));
        to_group(&mut frame, dst);
        self.send_in(frame, RxMeta::default());
    }

    /// A query or a report of any version, whole or not.
    fn network_igmp(&mut self) {
        let peer = self.input.pick(&PEERS);
        let group = self.input.pick(&[Ipv4Addr::UNSPECIFIED, GROUPS[0], GROUPS[1], Ipv4Addr::new(224, 0, 0, 1)]);
        let dst = if group.is_unspecified() { Ipv4Addr::new(224, 0, 0, 1) } else { group };
        let mut message = vec![self.input.pick(&[0x11, 0x11, 0x11, 0x12, 0x16, 0x17, 0x22]), self.input.u8(), 0, 0];
        message.extend_from_slice(&group.octets());
        if self.input.bool() {
            let count = self.input.u8() % 4;
            message.extend_from_slice(&[self.input.u8(), 125, 0, count]);
            (0..count).for_each(|n| message.extend_from_slice(&[10, 88, 45, n]));
        }
        if self.input.one_in(8) {
            message.truncate(self.input.below(message.len() + 1));
        }
        let sum = checksum::checksum(&message).to_be_bytes();
        if let Some(field) = message.get_mut(2..4) {
            field.copy_from_slice(&sum);
        }
        let mut frame = frames::ip(peer, frames::ip_header(peer.addr, dst, ipv4::PROTO_IGMP), &message);
        to_group(&mut frame, dst);
        self.send_in(frame, RxMeta::default());
    }

    /// A datagram or an echo request in pieces: in any order, some missing, some twice, some overlapping.
    fn network_fragments(&mut self) {
        let peer = self.input.pick(&PEERS);
        let data = vec![9; self.input.below(20_000)];
        let (protocol, whole) = if self.input.bool() {
            let repr = udp::Repr { src_port: 5, dst_port: UDP_PORT };
            (ipv4::PROTO_UDP, frames::datagram(&repr, peer.addr, OUR_ADDR, &data))
        } else {
            let mut message = Vec::new();
            icmpv4::Repr::EchoRequest { ident: 1, seq: 2, data: &data }.emit(&mut message);
            (ipv4::PROTO_ICMP, message)
        };
        let size = 8 * (1 + self.input.below(300));
        let ident = u16::from(self.input.u8() % 4);
        let mut pieces: Vec<_> = (0..whole.len()).step_by(size).take(64).collect();
        for _ in 0..self.input.u8() % 4 {
            let (a, b) = (self.input.below(pieces.len()), self.input.below(pieces.len()));
            match self.input.u8() % 3 {
                0 => pieces.swap(a, b),
                1 => drop(pieces.remove(a)),
                _ => pieces.push(pieces[b]),
            }
            if pieces.is_empty() {
                return;
            }
        }
        let stretch = if self.input.one_in(8) { 8 } else { 0 };
        for offset in pieces {
            let end = (offset + size + stretch).min(whole.len());
            let header = ipv4::Repr {
                ident,
                more_fragments: offset + size < whole.len(),
                fragment_offset: offset as u16,
                ..frames::ip_header(peer.addr, OUR_ADDR, protocol)
            };
            let frame = frames::ip(peer, header, &whole[offset..end]);
            self.send_in(frame, RxMeta::default());
        }
    }

    fn network_icmp(&mut self) {
        let peer = self.input.pick(&PEERS);
        let mut message = Vec::new();
        let choice = self.input.u8() % 10;
        let (code, value) = (self.input.u8() % 16, self.input.u16());
        let sent = match self.recent.len() {
            0 => Vec::new(),
            n => self.recent[self.input.below(n)].clone(),
        };
        let quoted = &sent[14.min(sent.len())..];
        let quoted = &quoted[..quoted.len().min(28 + usize::from(self.input.u8()))];
        let data = vec![3; self.input.below(2000)];
        match choice {
            0..=3 => icmpv4::Repr::DstUnreachable { code, mtu: value, quoted },
            4 => icmpv4::Repr::TimeExceeded { code: code % 2, quoted },
            5 => icmpv4::Repr::ParamProblem { code: 0, pointer: code, quoted },
            6 => icmpv4::Repr::SourceQuench { quoted },
            7 => icmpv4::Repr::Redirect { code: code % 4, gateway: PEERS[1].addr, quoted },
            8 => icmpv4::Repr::EchoRequest { ident: value, seq: 1, data: &data },
            _ => icmpv4::Repr::EchoReply { ident: 7, seq: value, data: &data },
        }
        .emit(&mut message);
        let frame = frames::ip(peer, frames::ip_header(peer.addr, OUR_ADDR, ipv4::PROTO_ICMP), &message);
        self.send_in(frame, RxMeta::default());
    }

    fn network_arp(&mut self) {
        let addrs = [PEERS[0].addr, PEERS[1].addr, OUR_ADDR, Ipv4Addr::UNSPECIFIED, PEERS[2].addr];
        let macs = [PEERS[0].mac, PEERS[1].mac, MacAddr([2, 9, 9, 9, 9, 9]), MacAddr::BROADCAST, OUR_MAC];
        let repr = arp::Repr {
            operation: self.input.pick(&[arp::Operation::Request, arp::Operation::Reply]),
            sha: self.input.pick(&macs),
            spa: self.input.pick(&addrs),
            tha: self.input.pick(&macs),
            tpa: self.input.pick(&addrs),
        };
        let dst = self.input.pick(&[OUR_MAC, MacAddr::BROADCAST]);
        self.send_in(frames::arp(&repr, dst), RxMeta::default());
    }

    /// The last frame again with some bytes changed or cut off: mostly dropped for a checksum, sometimes not.
    fn network_mutated(&mut self) {
        let mut frame = self.last_inbound.clone();
        for _ in 0..1 + self.input.u8() % 4 {
            let at = self.input.below(frame.len().clamp(1, 100));
            if let Some(byte) = frame.get_mut(at) {
                *byte = self.input.u8();
            }
        }
        if self.input.bool() {
            frame.truncate(self.input.below(200));
        }
        let checksum = self.input.pick(&[RxChecksum::Unverified, RxChecksum::Trusted]);
        self.tainted = true;
        self.inbound.push((frame, RxMeta { checksum, gso_size: self.input.u16() }));
    }

    // ---- the program ----

    fn program(&mut self) {
        let what = self.input.u8() % 24;
        if what < 4 || self.sockets.is_empty() {
            return if what == 0 { self.program_connects() } else { self.program_accepts() };
        }
        let choice = self.input.below(self.sockets.len());
        let id = self.sockets[choice].id;
        trace!(self, "program {what} on {id:?} in {:?}", self.stack.tcp_state(id));
        match what {
            4..=8 => self.program_writes(choice),
            9..=12 => self.program_reads(choice),
            13 => self.program_peeks(choice),
            14 => {
                let how =
                    self.input.pick(&[Shutdown::Write, Shutdown::Write, Shutdown::Read, Shutdown::Both]);
                let _ = self.stack.shutdown(self.now, id, how);
            }
            15 | 16 => {
                self.sockets.remove(choice);
                if what == 15 {
                    self.stack.close(self.now, id);
                } else {
                    self.stack.abort(self.now, id);
                }
                self.void(id);
            }
            17 => {
                let _ = self.stack.take_error(id);
            }
            18 => {
                let info = self.stack.tcp_info(self.now, id).expect("an open TCP socket has figures");
                trace!(self, "{info:?}");
                assert_eq!(info.state, self.stack.tcp_state(id));
                let _ = (self.stack.local_addr(id), self.stack.peer_addr(id), self.stack.send_space(id));
                assert!(self.stack.send_notsent(id) <= self.stack.send_queued(id));
            }
            19 => {
                let _ = self.stack.disconnect(self.now, id);
                self.sockets[choice].reading = None;
                self.sockets[choice].written = 0;
            }
            20 => self.program_is_urgent(choice),
            21 => self.program_takes_errors(id),
            _ => self.program_sets_options(id),
        }
        if let Some(socket) = self.sockets.get_mut(choice) {
            socket.seen = self.stack.readiness(socket.id);
        }
    }

    /// A closed id is refused by every verb.
    fn void(&mut self, id: SocketId) {
        let now = self.now;
        assert_eq!(self.stack.recv(now, id, &mut [0; 4]), Err(Error::BadSocket));
        assert_eq!(self.stack.send(now, id, &[0; 4], false), Err(Error::BadSocket));
        assert_eq!(self.stack.shutdown(now, id, Shutdown::Both), Err(Error::BadSocket));
        assert_eq!((self.stack.local_addr(id), self.stack.peer_addr(id)), (None, None));
        self.stack.close(now, id);
    }

    fn program_connects(&mut self) {
        if self.sockets.len() >= MAX_SOCKETS {
            return;
        }
        let Ok(id) = self.stack.open(Kind::Tcp) else { return };
        let targets = [
            v4(PEERS[0].addr, 9),
            v4(PEERS[1].addr, 9),
            v4(PEERS[2].addr, 9),
            v4(OUR_ADDR, TCP_PORT),
            v4(OUR_ADDR, 81),
            v4(Ipv4Addr::LOCALHOST, TCP_PORT),
            v4(Ipv4Addr::BROADCAST, 9),
        ];
        let target = self.input.pick(&targets);
        if self.input.one_in(4) {
            let port = 2000 + self.input.u16() % 4;
            let _ = self.stack.bind(self.now, id, v4(Ipv4Addr::UNSPECIFIED, port));
        }
        let result = self.stack.connect(self.now, id, target);
        trace!(self, "connect {target}: {result:?}");
        assert!(result.is_err(), "a connection cannot be complete at once");
        self.sockets.push(Socket::new(id, self.stack.readiness(id)));
    }

    fn program_accepts(&mut self) {
        let Some(listener) = &self.listener else { return };
        let ready = self.stack.readiness(listener.id);
        while self.sockets.len() < MAX_SOCKETS {
            match self.stack.accept(listener.id) {
                Ok((id, peer)) => {
                    trace!(self, "accept {id:?} from {peer}");
                    assert!(ready.contains(Readiness::IN));
                    assert_eq!(self.stack.local_addr(id).map(|a| a.port()), Some(TCP_PORT));
                    assert_ne!(peer.port(), 0);
                    self.sockets.push(Socket::new(id, self.stack.readiness(id)));
                }
                Err(error) => {
                    let left = self.stack.readiness(listener.id);
                    assert!(error != Error::WouldBlock || !left.contains(Readiness::IN));
                    break;
                }
            }
        }
    }

    fn program_writes(&mut self, choice: usize) {
        let len = match self.input.u8() % 4 {
            0 => 1,
            1 => 100,
            2 => 5000,
            _ => usize::from(self.input.u16()) * 2,
        };
        let more = self.input.one_in(4);
        let socket = &mut self.sockets[choice];
        if socket.written > MAX_WRITTEN {
            return;
        }
        let data = streams::program_bytes(socket.written, len);
        let ready = self.stack.readiness(socket.id);
        let result = self.stack.send(self.now, socket.id, &data, more);
        trace!(self, "send {len} more={more}: {result:?}");
        match result {
            Ok(n) => {
                assert!(n <= len && (n > 0 || len == 0));
                socket.written += n as u32;
            }
            Err(Error::WouldBlock) => {
                assert!(!ready.contains(Readiness::OUT) || len == 0, "OUT, yet it would block");
            }
            Err(_) => {}
        }
    }

    fn program_reads(&mut self, choice: usize) {
        let mut buf = vec![0; self.input.pick(&[1, 100, 4096, 65_536, 1 << 20])];
        let discard = self.input.one_in(8);
        self.prepare_reading(choice);
        let socket = &mut self.sockets[choice];
        let queued = self.stack.recv_queued(socket.id);
        let low = self.stack.tcp_options(socket.id).map_or(1, |options| options.rcvlowat);
        let ready = self.stack.readiness(socket.id);
        let result = if discard {
            self.stack.discard(self.now, socket.id, buf.len())
        } else {
            self.stack.recv(self.now, socket.id, &mut buf)
        };
        trace!(self, "recv {} of {queued}: {result:?}", buf.len());
        match result {
            Ok(n) => {
                assert!(n <= buf.len());
                assert!(ready.contains(Readiness::IN) || queued < low, "{n} bytes read without IN");
                // Urgent data may stand between.
                assert!(n > 0 || queued == 0);
                match &mut socket.reading {
                    Some(reading) if discard => reading.read = reading.read.wrapping_add(n as u32),
                    Some(reading) => reading.read(&buf[..n]),
                    None => {}
                }
            }
            Err(Error::WouldBlock) => {
                assert_eq!(queued, 0, "bytes are queued, yet it would block");
                assert!(!ready.contains(Readiness::IN), "IN, yet it would block");
            }
            Err(_) => {}
        }
    }

    fn program_peeks(&mut self, choice: usize) {
        let offset = self.input.below(3000);
        let mut buf = [0; 500];
        self.prepare_reading(choice);
        let socket = &mut self.sockets[choice];
        if let Ok(n) = self.stack.peek(socket.id, offset, &mut buf) {
            if let Some(reading) = &mut socket.reading {
                // Urgent data ends what FIONREAD counts; such a stream has no reading.
                assert!(n == 0 || offset + n <= self.stack.recv_queued(socket.id));
                reading.peek(offset as u32, &buf[..n]);
            }
        }
    }

    /// Finds out, at the first read, what the stream must be; a socket whose stream cannot be judged has none.
    fn prepare_reading(&mut self, choice: usize) {
        let socket = &mut self.sockets[choice];
        let (Some(local), Some(SocketAddr::V4(peer))) =
            (self.stack.local_addr(socket.id), self.stack.peer_addr(socket.id))
        else {
            // Closed: whose stream it was is not known any more.
            if self.urgent {
                socket.reading = None;
            }
            return;
        };
        let looped = self.stack.is_local(IpAddr::V4(*peer.ip()));
        let flow = self.flows.get(&(local.port(), *peer.ip(), peer.port()));
        let trusted = !self.tainted && flow.is_none_or(|flow| !flow.urgent);
        match flow {
            _ if !trusted => socket.reading = None,
            _ if looped && self.urgent => socket.reading = None,
            _ if socket.reading.is_some() => {}
            _ if looped => socket.reading = Some(Reading::from_program()),
            Some(flow) => socket.reading = Some(Reading::from_network(flow)),
            None => {}
        }
    }

    fn program_sets_options(&mut self, id: SocketId) {
        let mut options = self.stack.tcp_options(id).expect("an open TCP socket has options");
        match self.input.u8() % 16 {
            0 => options.nodelay = self.input.bool(),
            1 => options.cork = self.input.bool(),
            2 => {
                let (on, once) = (self.input.bool(), self.input.bool());
                self.stack.set_tcp_quickack(self.now, id, on, once).expect("an open TCP socket takes it");
            }
            3 => options.keepalive = self.input.bool(),
            4 => options.keepidle = Duration::from_secs(1 + u64::from(self.input.u8())),
            5 => options.keepintvl = Duration::from_secs(1 + u64::from(self.input.u8())),
            6 => options.keepcnt = 1 + u32::from(self.input.u8() % 10),
            7 => options.user_timeout = Duration::from_millis(u64::from(self.input.u16())),
            8 => options.linger = Some(Duration::ZERO).filter(|_| self.input.bool()),
            9 => options.rcvbuf = Some(usize::from(self.input.u16())),
            10 => options.sndbuf = Some(usize::from(self.input.u16())),
            11 => options.rcvlowat = 1 + self.input.below(5000),
            _ => self.rare_tcp_option(&mut options),
        }
        trace!(self, "{options:?}");
        self.stack.set_tcp_options(self.now, id, options).expect("an open TCP socket takes options");
    }

    /// What happens once in the life of a host.
    fn upheaval(&mut self) {
        let what = self.input.u8() % 16;
        trace!(self, "upheaval {what}");
        match what {
            0 => self.stack.abort_all(self.now),
            1 => {
                self.stack.device_gone();
                self.gone = true;
            }
            2 => {
                if let Some(listener) = self.listener.take() {
                    self.stack.close(self.now, listener.id);
                }
            }
            3 => self.answer_arp = !self.answer_arp,
            _ => {}
        }
    }

    // ---- driving ----

    fn pass_time(&mut self) {
        let micros = match self.input.u8() % 8 {
            0 => u64::from(self.input.u8()),
            1 => u64::from(self.input.u16()),
            2 => 40_000,
            3 => 200_000,
            4 => 1_000_000,
            5 => u64::from(self.input.u16()) * 1000,
            6 => u64::from(self.input.u16()) * 1_000_000,
            // Exactly to the next deadline.
            _ => self.stack.poll_timeout().map_or(0, |at| at.since(self.now).as_micros() as u64),
        };
        self.now = self.now + Duration::from_micros(micros);
        trace!(self, "{micros} us later");
    }

    /// Delivers what is on its way and drives the stack until it has nothing more to do.
    fn settle(&mut self) {
        let mut events: HashMap<SocketId, Readiness> = HashMap::new();
        for round in 0.. {
            assert!(round < 1000, "the stack and the network never come to an end");
            for (frame, meta) in std::mem::take(&mut self.inbound) {
                self.stack.on_frame(self.now, Buf::from_vec(frame), meta);
            }
            if self.stack.poll_timeout().is_some_and(|at| at <= self.now) {
                trace!(self, "  timer");
                self.stack.on_timeout(self.now);
            }
            let mut taken = Vec::new();
            let room = self.room.unwrap_or(usize::MAX);
            self.stack.poll_transmit(self.now, &mut Wire { room, mtu: self.mtu, taken: &mut taken });
            assert!(taken.is_empty() || !self.gone, "a frame for a device that is gone");
            for (bytes, sent) in taken {
                self.notice(bytes, sent);
            }
            for count in 0.. {
                let Some(event) = self.stack.poll_event() else { break };
                assert!(count < MAX_FRAMES, "poll_event does not end");
                trace!(self, "  event {event:?}");
                let edges = events.entry(event.socket).or_default();
                *edges |= event.edges;
            }
            while self.stack.poll_log().is_some() {}
            let _ = self.stack.ack_overdue();
            if self.inbound.is_empty() {
                break;
            }
        }
        if self.room.is_none() && !self.gone {
            let deadline = self.stack.poll_timeout();
            assert!(deadline.is_none_or(|at| at > self.now), "a deadline that has passed is still there");
            if self.stack.pending_output() {
                assert!(deadline.is_some(), "output is pending without a deadline");
            }
        }
        for socket in self.sockets.iter_mut().chain(&mut self.listener) {
            let ready = self.stack.readiness(socket.id);
            if self.trace && ready != socket.seen {
                eprintln!("               {:?} {:?} {ready:?}", socket.id, self.stack.tcp_state(socket.id));
            }
            let risen = ready.0 & !socket.seen.0;
            let told = events.get(&socket.id).copied().unwrap_or_default();
            assert_eq!(risen & !told.0, 0, "{risen:#x} has risen, {told:?} was told");
            socket.seen = ready;
        }
    }

    /// Looks at a frame that the stack sent.
    fn notice(&mut self, bytes: Vec<u8>, sent: Sent) {
        trace!(self, "  > {}", frames::describe(&bytes));
        if self.recent.len() == 16 {
            self.recent.remove(0);
        }
        self.recent.push(bytes[..bytes.len().min(600)].to_vec());
        match sent {
            Sent::Arp(request) if request.operation == arp::Operation::Request && self.answer_arp => {
                let Some(peer) = PEERS.iter().find(|peer| peer.addr == request.tpa) else { return };
                let reply = arp::Repr {
                    operation: arp::Operation::Reply,
                    sha: peer.mac,
                    spa: peer.addr,
                    tha: request.sha,
                    tpa: request.spa,
                };
                self.inbound.push((frames::arp(&reply, OUR_MAC), RxMeta::default()));
            }
            Sent::Tcp { dst, repr, payload } => {
                let key = (repr.src_port, dst, repr.dst_port);
                let flow = self.flows.entry(key).or_insert_with(|| {
                    self.order.push(key);
                    Flow::default()
                });
                if !self.tainted {
                    flow.stack_sends(&repr, &payload);
                }
            }
            Sent::Arp(_) | Sent::Udp { .. } | Sent::Icmp { .. } | Sent::Fragment | Sent::Other => {}
        }
    }

    /// The program ends and the network falls silent.
    fn come_to_rest(&mut self) {
        trace!(self, "the end");
        self.room = None;
        let now = self.now;
        for socket in self.sockets.drain(..).chain(self.listener.take()) {
            self.stack.close(now, socket.id);
        }
        let more = std::mem::take(&mut self.raw).into_iter().chain(std::mem::take(&mut self.sharing));
        for id in [self.udp.take(), self.ping.take()].into_iter().flatten().chain(more) {
            self.stack.close(now, id);
        }
        self.answer_arp = false;
        self.settle();
        let end = now + Duration::from_secs(86_400);
        for step in 0.. {
            let Some(at) = self.stack.poll_timeout() else { break };
            assert!(step < 20_000 && at < end, "the stack never comes to rest");
            self.now = self.now.max(at);
            self.settle();
        }
        assert!(!self.stack.pending_output(), "at rest with output pending");
        assert!(self.stack.connections().is_empty(), "at rest with {:?}", self.stack.connections());
    }
}

impl Socket {
    fn new(id: SocketId, seen: Readiness) -> Socket {
        Socket { id, reading: None, written: 0, seen }
    }
}
