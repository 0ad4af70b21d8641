//! Two stacks, the network between them, a forger, and programs that know the true streams; all played by the input.
//!
//! The network loses, repeats, delays, reorders and corrupts frames, and may have a smaller MTU than the link, with or without a word
//! about it. The forger knows every number of a connection and sends what must do no harm: resets and SYNs beside the
//! mark, acknowledgements of what was not sent, SACK blocks of nothing, old timestamps, true data cut anew, windows of zero,
//! ICMP errors that quote true packets. Now and then a reset is right, and the connection may die.
//!
//! At any time:
//! - a program reads exactly the bytes that the other wrote, in order, each once;
//! - [`Stack::audit`] has nothing to say: sequence numbers are in order, what is not acknowledged has a timer, memory is bounded;
//! - no call of [`Stack::poll_transmit`] or of the timers goes on for ever;
//! - what leaves carries the stream's own bytes, and a deadline that has passed is not announced again.
//!
//! When the faults stop, what was written arrives within bounded virtual time, streams end, and nothing is left: no
//! connection, no memory, no deadline. Nobody dies of anything but a right reset: faults last shorter than all patience.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use matnet_stack::wire::{SeqNumber, ipv4, tcp};
use matnet_stack::{
    AuditConn, Buf, Capabilities, Config, Congestion, Duration, EcnMode, Error, Full, Instant, Ipv4Cidr,
    Kind, MacAddr, RxChecksum, RxMeta, Shutdown, Sink, SocketId, Stack, TcpState, Transmit, TxMeta,
};

use crate::cut::segment;
use crate::input::Input;

#[path = "forge.rs"]
mod forge;
#[path = "programs.rs"]
mod programs;

const STEPS: usize = 300;
/// Faults end after so much virtual time, or a connection could rightly give up: an orphan after 102 s, and a time-out may have doubled to
/// more than what was already over.
const CHAOS: Duration = Duration::from_secs(12);
/// What was written arrives within this time when the network is well again: time-outs have doubled meanwhile.
const PATIENCE: Duration = Duration::from_secs(3600);
/// By then each timer has been due once, and what it sent was answered: none is set to more than 120 s.
const REST: Duration = Duration::from_secs(130);
const PORT: u16 = 80;
/// Bytes that a program writes to one stream at most.
const MAX_WRITTEN: usize = 200_000;
/// Frames of one call, events of one step.
const MAX_FRAMES: usize = 20_000;
const MAX_EVENTS: usize = 2_000_000;
/// Bytes that all buffers of one stack may pin: those of some connections at their largest.
const MAX_MEMORY: usize = 32 << 20;

/// What one or several runs came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub completed: u64,
    pub killed: u64,
    pub forged: u64,
    pub bytes: u64,
    pub frames: u64,
}

impl Report {
    pub fn add(&mut self, other: &Report) {
        self.completed += other.completed;
        self.killed += other.killed;
        self.forged += other.forged;
        self.bytes += other.bytes;
        self.frames += other.frames;
    }
}

fn addr(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host as u8 + 1)
}

fn mac(host: usize) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, host as u8 + 1])
}

/// What is at `offset` of the stream that `side` of connection `conn` sends.
fn byte(conn: usize, side: usize, offset: usize) -> u8 {
    let salt = (conn * 2 + side) as u32 + 1;
    let x = (offset as u32 ^ salt.wrapping_mul(0x00c0_ffee)).wrapping_mul(0x9e37_79b1);
    ((x ^ (x >> 15)).wrapping_mul(0x85eb_ca6b) >> 24) as u8
}

/// One direction of a connection.
#[derive(Default)]
struct Stream {
    written: usize,
    read: usize,
    /// The writer has said that this is all.
    shut: bool,
    /// The reader has seen the end.
    eof: bool,
}

/// A connection: the client's end is on host 0.
struct Link {
    ends: [Option<SocketId>; 2],
    /// By the end that writes.
    streams: [Stream; 2],
    port: u16,
    /// A forged reset was right: it may be dead.
    killed: bool,
    closed: [bool; 2],
}

/// How the network is at the moment; chances in 256.
#[derive(Clone, Copy, Debug)]
struct Net {
    loss: u8,
    dup: u8,
    reorder: u8,
    corrupt: u8,
    delay: u64,
    jitter: u64,
    /// IP packets larger than this do not pass.
    mtu: usize,
    /// And the router says so.
    tells: bool,
}

const WELL: Net =
    Net { loss: 0, dup: 0, reorder: 0, corrupt: 0, delay: 1000, jitter: 0, mtu: 65_535, tells: true };

struct Outbox<'a>(&'a mut Vec<(Vec<u8>, TxMeta)>);

impl Sink for Outbox<'_> {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        let mut bytes = frame.header.to_vec();
        for slice in frame.payload {
            bytes.extend_from_slice(slice);
        }
        assert!(self.0.len() < MAX_FRAMES, "poll_transmit does not end");
        self.0.push((bytes, frame.meta));
        Ok(())
    }
}

pub struct World<'a> {
    input: Input<'a>,
    now: Instant,
    stacks: [Stack; 2],
    listener: SocketId,
    links: Vec<Link>,
    net: Net,
    /// A state for what happens to frames: not input, of which there is little.
    dice: u64,
    /// By arrival and serial number: to whom, and the frame.
    air: BTreeMap<(Instant, u64), (usize, Vec<u8>, RxMeta)>,
    serial: u64,
    /// The last frames of each host, for the forger.
    seen: [VecDeque<Vec<u8>>; 2],
    /// Something may be to do for a program.
    touched: [bool; 2],
    trace: bool,
    report: Report,
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

/// Plays one input to its end.
pub fn run(data: &[u8]) -> Report {
    let mut world = World::new(Input::new(data));
    for _ in 0..STEPS {
        if world.input.is_empty() || world.now.since(Instant::ZERO) > CHAOS {
            break;
        }
        world.step();
        world.settle();
        world.check();
    }
    world.come_to_an_end();
    world.report
}

impl<'a> World<'a> {
    fn new(mut input: Input<'a>) -> World<'a> {
        let mtu = input.pick(&[1500, 1500, 1500, 576, 9000, 200]);
        let now = Instant::ZERO;
        let flags = input.u8();
        let dice = u64::from(input.u32()) | 1 << 40;
        let mut stack = |host: usize| {
            let offload = flags >> host & 1 == 1;
            let config = Config {
                mac: mac(host),
                addr: Ipv4Cidr { addr: addr(host), prefix: 24 },
                gateway: None,
                mtu,
                capabilities: Capabilities { tx_checksum: offload, tso: offload, uso: false },
                congestion: Congestion::default(),
                ecn: input.pick(&[EcnMode::Passive, EcnMode::On, EcnMode::Off]),
                loopback: false,
            };
            Stack::new(config, now, [input.u8(); 32])
        };
        let mut stacks = [stack(0), stack(1)];
        let listener = stacks[1].open(Kind::Tcp).expect("the first socket");
        let any = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT));
        stacks[1].bind(now, listener, any).expect("a free port");
        let mut world = World {
            input,
            now,
            stacks,
            listener,
            links: Vec::new(),
            net: WELL,
            dice,
            air: BTreeMap::new(),
            serial: 0,
            seen: Default::default(),
            touched: [true; 2],
            trace: std::env::var_os("MATNET_MODEL_TRACE").is_some(),
            report: Report::default(),
        };
        let options = world.choose_options(1, listener);
        world.stacks[1].set_tcp_options(now, listener, options).expect("a socket takes options");
        world.stacks[1].listen(listener, 8).expect("a bound socket listens");
        world.connect();
        if flags & 4 != 0 {
            world.connect();
        }
        world
    }

    /// A throw of the dice: true in `chance` of 256 cases.
    fn chance(&mut self, chance: u8) -> bool {
        self.below(256) < u64::from(chance)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % n.max(1)
    }

    fn step(&mut self) {
        match self.input.u8() % 16 {
            0..=5 => self.programs_act(),
            6..=8 => self.pass_time(),
            9..=12 => self.forge(),
            13 | 14 => self.change_network(),
            _ => self.change_options(),
        }
    }

    fn change_network(&mut self) {
        let input = &mut self.input;
        let mut chance = |most: u8| if input.bool() { 0 } else { input.u8() % most };
        let (loss, dup, reorder, corrupt) = (chance(128), chance(64), chance(64), chance(32));
        self.net = Net {
            loss: if input.one_in(16) { 255 } else { loss },
            dup,
            reorder,
            corrupt,
            delay: u64::from(input.pick(&[50u32, 1000, 5000, 20_000, 150_000])),
            jitter: u64::from(input.u8()) * 40,
            mtu: input.pick(&[65_535, 65_535, 65_535, 1280, 600, 1000]),
            tells: input.bool(),
        };
        trace!(self, "{:?}", self.net);
    }

    // ---- driving ----

    fn pass_time(&mut self) {
        let micros = match self.input.u8() % 6 {
            0 => u64::from(self.input.u8()),
            1 => u64::from(self.input.u16()),
            2 => 40_000,
            3 => 250_000,
            4 => u64::from(self.input.u16()) * 50,
            _ => 1_000_000,
        };
        self.run_until(self.now + Duration::from_micros(micros));
    }

    fn next_event(&self) -> Option<Instant> {
        let arrival = self.air.first_key_value().map(|((at, _), _)| *at);
        self.stacks.iter().filter_map(Stack::poll_timeout).chain(arrival).min()
    }

    fn run_until(&mut self, end: Instant) {
        for count in 0.. {
            assert!(count < MAX_EVENTS, "there is always something to do");
            self.settle();
            let Some(next) = self.next_event().filter(|&next| next <= end) else { break };
            self.now = self.now.max(next);
            self.deliver();
        }
        self.now = self.now.max(end);
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.air.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (to, bytes, meta) = entry.remove();
            self.receive(to, bytes, meta);
        }
        for host in 0..2 {
            if self.stacks[host].poll_timeout().is_some_and(|at| at <= self.now) {
                self.stacks[host].on_timeout(self.now);
                self.touched[host] = true;
            }
        }
    }

    fn receive(&mut self, to: usize, bytes: Vec<u8>, meta: RxMeta) {
        trace!(self, "  > {to} {}", describe(&bytes));
        self.stacks[to].on_frame(self.now, Buf::from_vec(bytes), meta);
        self.touched[to] = true;
    }

    /// Stacks send what they have.
    fn settle(&mut self) {
        for host in 0..2 {
            let mut out = Vec::new();
            self.stacks[host].poll_transmit(self.now, &mut Outbox(&mut out));
            for count in 0.. {
                assert!(count < MAX_FRAMES, "poll_event does not end");
                if self.stacks[host].poll_event().is_none() {
                    break;
                }
            }
            while self.stacks[host].poll_log().is_some() {}
            let overdue = self.stacks[host].poll_timeout().is_some_and(|at| at <= self.now);
            if overdue {
                // A timer may be what makes it send; but once.
                self.stacks[host].on_timeout(self.now);
                self.stacks[host].poll_transmit(self.now, &mut Outbox(&mut out));
                let overdue = self.stacks[host].poll_timeout().filter(|&at| at <= self.now);
                assert_eq!(overdue, None, "a deadline that has passed is still there");
            }
            for (bytes, meta) in out {
                self.send(host, bytes, meta);
            }
        }
    }

    /// A frame enters the network.
    fn send(&mut self, from: usize, bytes: Vec<u8>, meta: TxMeta) {
        self.report.frames += 1;
        let whole = self.net.mtu == 65_535 && self.chance(128);
        let frames = match meta.gso {
            Some(gso) if whole => {
                let rx = RxMeta { checksum: RxChecksum::Trusted, gso_size: gso.size };
                self.judge(from, &bytes);
                vec![(bytes, rx)]
            }
            _ => {
                let frames = segment(bytes, meta);
                frames.iter().for_each(|frame| self.judge(from, frame));
                frames.into_iter().map(|frame| (frame, RxMeta::default())).collect()
            }
        };
        for (mut bytes, rx) in frames {
            let seen = &mut self.seen[from];
            if seen.len() == 32 {
                seen.pop_front();
            }
            seen.push_back(bytes.clone());
            let plain = rx.gso_size == 0;
            if bytes[13] == 0 && plain && bytes.len() - 14 > self.net.mtu {
                if bytes[20] & 0x40 != 0 {
                    if self.net.tells {
                        self.router_complains(from, &bytes);
                    }
                    trace!(self, "  x {} is too large", describe(&bytes));
                    continue;
                }
                // A router would cut it; whole, it does the same here.
            }
            // Without addresses nobody gets anywhere: a neighbour that is silent for three seconds is not there.
            if bytes[13] == 0 && self.chance(self.net.loss) {
                trace!(self, "  x {}", describe(&bytes));
                continue;
            }
            let copies = 1 + usize::from(self.chance(self.net.dup));
            if bytes[13] == 0 && plain && self.chance(self.net.corrupt) {
                let at = 14 + self.below(bytes.len() as u64 - 14) as usize;
                bytes[at] ^= 1 << self.below(8);
            }
            for _ in 0..copies {
                let mut delay = self.net.delay + self.below(self.net.jitter + 1);
                if self.chance(self.net.reorder) {
                    delay += 3 * self.net.delay + self.below(20_000);
                }
                self.serial += 1;
                let at = self.now + Duration::from_micros(delay);
                self.air.insert((at, self.serial), (1 - from, bytes.clone(), rx));
            }
        }
    }

    /// What leaves carries the bytes of its stream.
    fn judge(&mut self, from: usize, frame: &[u8]) {
        if frame[13] != 0 || frame[23] != ipv4::PROTO_TCP {
            return;
        }
        let (ip, at) = ipv4::Repr::parse(&frame[14..]).expect("our IPv4 header parses");
        let segment = &frame[14 + at..14 + at + ip.payload_len];
        let (repr, at) = tcp::Repr::parse(segment, ip.src, ip.dst, false).expect("our TCP header parses");
        let port = if from == 0 { repr.src_port } else { repr.dst_port };
        let Some(conn) = self.links.iter().position(|link| link.port == port) else { return };
        let payload = &segment[at..];
        if payload.is_empty() || repr.flags.contains(tcp::Flags::SYN) {
            return;
        }
        let Some(here) = self.audited(from, conn) else { return };
        let offset = (repr.seq - SeqNumber(here.iss)) - 1;
        let start = usize::try_from(offset).expect("no data before the stream");
        let written = self.links[conn].streams[from].written;
        assert!(start + payload.len() <= written, "{} + {} of {written} written", start, payload.len());
        for (n, &b) in payload.iter().enumerate() {
            assert_eq!(b, byte(conn, from, start + n), "byte {} that {from} sends", start + n);
        }
    }

    /// How a stack sees a connection.
    fn audited(&self, host: usize, conn: usize) -> Option<AuditConn> {
        let port = self.links[conn].port;
        let audit = self.stacks[host].audit();
        audit
            .conns
            .into_iter()
            .find(|c| if host == 0 { c.local.port() == port } else { c.remote.port() == port })
    }

    fn check(&mut self) {
        for (host, stack) in self.stacks.iter().enumerate() {
            let audit = stack.audit();
            assert!(audit.broken.is_empty(), "host {host}: {:?}", audit.broken);
            assert!(audit.memory < MAX_MEMORY, "host {host}: {} bytes of memory", audit.memory);
            if stack.pending_output() {
                assert!(stack.poll_timeout().is_some(), "host {host}: output is pending without a deadline");
            }
        }
    }
}

/// One line about a frame, for people.
fn describe(frame: &[u8]) -> String {
    let Ok((ip, at)) = ipv4::Repr::parse(&frame[14..]) else {
        return format!("{} bytes, no IPv4", frame.len());
    };
    let rest = &frame[14 + at..];
    match tcp::Repr::parse(rest, ip.src, ip.dst, false) {
        Ok((tcp, at)) if ip.protocol == ipv4::PROTO_TCP => format!(
            "{}>{} {:?} {}+{} ack {} win {} {:?}",
            tcp.src_port,
            tcp.dst_port,
            tcp.flags,
            tcp.seq,
            ip.payload_len.saturating_sub(at),
            tcp.ack,
            tcp.window,
            tcp.options
        ),
        _ => format!("protocol {}, {} bytes", ip.protocol, ip.payload_len),
    }
}
