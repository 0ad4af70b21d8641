//! A server and its clients over one bottleneck, in virtual time. Each flow is a connection of a client of its own; its
//! access line may add to the round trip. Programs send without end or so many bytes, read at once, check every byte, and
//! close when both streams are over.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use matnet_faults::{Direction, Path, Spec};
use matnet_stack::{
    Buf, Capabilities, Config, Congestion, Duration, Error, Full, Instant, Ipv4Cidr, Kind, MacAddr, Shutdown,
    Sink, SocketId, Stack, TcpState, Transmit, TxMeta,
};

use crate::link::{Line, segment};

/// A prime, so that a piece at the wrong offset never matches.
const PATTERN: usize = 65_521;
/// More than any run here sends.
pub const ENDLESS: usize = usize::MAX;
const PORT: u16 = 80;
const MTU: usize = 1500;

/// What a stack sends into.
#[derive(Default)]
struct Outbox(Vec<(Vec<u8>, TxMeta)>);

impl Sink for Outbox {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        let mut bytes = frame.header.to_vec();
        for slice in frame.payload {
            bytes.extend_from_slice(slice);
        }
        assert!(frame.meta.gso.is_some() || bytes.len() <= MTU + 14, "a frame of {} bytes", bytes.len());
        self.0.push((bytes, frame.meta));
        Ok(())
    }
}

/// One connection.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    pub congestion: Congestion,
    /// When it connects.
    pub start: Duration,
    /// Bytes that the client sends, and the server.
    pub bytes: [usize; 2],
    /// Added to the delay of the bottleneck in each direction.
    pub access: Duration,
    /// SO_RCVBUF of the server and SO_SNDBUF of the client.
    pub buffer: Option<usize>,
}

impl Flow {
    /// The client sends without end.
    pub fn upload(congestion: Congestion) -> Flow {
        let (start, access) = (Duration::ZERO, Duration::ZERO);
        Flow { congestion, start, bytes: [ENDLESS, 0], access, buffer: None }
    }
}

/// One end of a flow.
struct App {
    socket: SocketId,
    to_send: usize,
    sent: usize,
    received: usize,
    shut: bool,
    eof: Option<Instant>,
    closed: bool,
    retransmitted: u32,
    /// The longest time without news, and when it began.
    stall: (Duration, Instant),
    last_news: Instant,
}

impl App {
    fn new(socket: SocketId, to_send: usize, now: Instant) -> App {
        App {
            socket,
            to_send,
            sent: 0,
            received: 0,
            shut: false,
            eof: None,
            closed: false,
            retransmitted: 0,
            stall: (Duration::ZERO, now),
            last_news: now,
        }
    }

    /// What a program would do now.
    fn run(&mut self, stack: &mut Stack, now: Instant, pattern: &[u8], buf: &mut [u8]) {
        if self.closed {
            return;
        }
        let id = self.socket;
        while self.sent < self.to_send {
            let from = self.sent % PATTERN;
            let len = (self.to_send - self.sent).min(PATTERN);
            match stack.send(now, id, &pattern[from..from + len], false) {
                Ok(n) => self.sent += n,
                Err(Error::WouldBlock | Error::NotConnected) => break,
                Err(error) => panic!("send: {error:?} after {} bytes", self.sent),
            }
        }
        while self.eof.is_none() {
            match stack.recv(now, id, buf) {
                Ok(0) => self.eof = Some(now),
                Ok(n) => {
                    let from = self.received % PATTERN;
                    assert!(buf[..n] == pattern[from..from + n], "wrong bytes at {}", self.received);
                    if self.received > 0 && now.since(self.last_news) > self.stall.0 {
                        self.stall = (now.since(self.last_news), self.last_news);
                    }
                    self.last_news = now;
                    self.received += n;
                }
                Err(Error::WouldBlock | Error::NotConnected) => break,
                Err(error) => panic!("recv: {error:?} after {} bytes", self.received),
            }
        }
        // One who has nothing to say ends when the other does.
        let done = self.sent == self.to_send && (self.to_send > 0 || self.eof.is_some());
        if done && !self.shut && stack.tcp_state(id) != TcpState::SynSent {
            stack.shutdown(now, id, Shutdown::Write).unwrap();
            self.shut = true;
        }
        if self.shut && self.eof.is_some() {
            self.retransmitted = stack.tcp_info(now, id).unwrap().total_retrans;
            stack.close(now, id);
            self.closed = true;
        }
    }
}

/// A host with its stack.
struct Host {
    stack: Stack,
    touched: bool,
}

impl Host {
    fn new(last: u8, offload: bool) -> Host {
        let config = Config {
            mac: mac(last),
            addr: Ipv4Cidr { addr: addr(last), prefix: 24 },
            gateway: None,
            mtu: MTU as u16,
            capabilities: Capabilities { tx_checksum: offload, tso: offload, uso: false },
            congestion: Congestion::default(),
            ecn: Default::default(),
            loopback: false,
        };
        Host { stack: Stack::new(config, Instant::ZERO, [last; 32]), touched: true }
    }
}

fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

fn addr(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

/// Everything. Client `n` is host `n + 1`.
pub struct World {
    name: String,
    pub now: Instant,
    server: Host,
    clients: Vec<Host>,
    flows: Vec<Flow>,
    /// The client's end and the server's.
    ends: Vec<[Option<App>; 2]>,
    listener: SocketId,
    pub up: Line,
    down: Line,
    access_up: Vec<Line>,
    access_down: Vec<Line>,
    pattern: Vec<u8>,
    buf: Vec<u8>,
    /// Frames that stacks sent.
    pub frames: u64,
}

impl World {
    pub fn new(name: &str, link: &Spec, flows: &[Flow], offload: bool, seed: u64) -> World {
        let mut server = Host::new(1, offload);
        let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT));
        let listener = server.stack.open(Kind::Tcp).unwrap();
        server.stack.bind(Instant::ZERO, listener, address).unwrap();
        if let Some(buffer) = flows.iter().find_map(|flow| flow.buffer) {
            let mut options = server.stack.tcp_options(listener).unwrap();
            options.rcvbuf = Some(buffer);
            server.stack.set_tcp_options(Instant::ZERO, listener, options).unwrap();
        }
        server.stack.listen(listener, 64).unwrap();
        let access = |flow: &Flow| Path {
            delay: std::time::Duration::from_micros(flow.access.as_micros() as u64),
            ..Path::default()
        };
        let line = |flow: &Flow, direction| Line::new(&access(flow), seed, direction);
        World {
            name: name.to_string(),
            now: Instant::ZERO,
            server,
            clients: (0..flows.len()).map(|n| Host::new(n as u8 + 2, offload)).collect(),
            ends: flows.iter().map(|_| [None, None]).collect(),
            listener,
            up: Line::new(link.path(Direction::Out), seed, Direction::Out),
            down: Line::new(link.path(Direction::In), seed, Direction::In),
            access_up: flows.iter().map(|flow| line(flow, Direction::Out)).collect(),
            access_down: flows.iter().map(|flow| line(flow, Direction::In)).collect(),
            flows: flows.to_vec(),
            pattern: (0..2 * PATTERN as u64)
                .map(|n| ((n % PATTERN as u64 * 2_654_435_761) >> 13) as u8)
                .collect(),
            buf: vec![0; PATTERN],
            frames: 0,
        }
    }

    /// Bytes of the client's stream that the server's program has.
    pub fn uploaded(&self, flow: usize) -> usize {
        self.ends[flow][1].as_ref().map_or(0, |app| app.received)
    }

    /// Bytes of the server's stream that the client's program has.
    pub fn downloaded(&self, flow: usize) -> usize {
        self.ends[flow][0].as_ref().map_or(0, |app| app.received)
    }

    /// Segments that the client and the server retransmitted; whole streams only.
    pub fn retransmitted(&self, flow: usize) -> [u32; 2] {
        let of = |end: usize| self.ends[flow][end].as_ref().map_or(0, |app| app.retransmitted);
        [of(0), of(1)]
    }

    /// When the client and the server had seen the other's end of stream.
    pub fn finished(&self, flow: usize) -> [Option<Instant>; 2] {
        let of = |end: usize| self.ends[flow][end].as_ref().and_then(|app| app.eof);
        [of(0), of(1)]
    }

    /// The longest time without news at the server, and when it began.
    pub fn stall(&self, flow: usize) -> (Duration, Instant) {
        self.ends[flow][1].as_ref().map_or((Duration::ZERO, self.now), |app| app.stall)
    }

    pub fn sender_info(&self, flow: usize) -> matnet_stack::TcpInfo {
        let app = self.ends[flow][0].as_ref().unwrap();
        self.clients[flow].stack.tcp_info(self.now, app.socket).unwrap()
    }

    fn connect_due(&mut self) {
        for (at, flow) in self.flows.iter().enumerate() {
            if self.ends[at][0].is_some() || Instant::ZERO + flow.start > self.now {
                continue;
            }
            let stack = &mut self.clients[at].stack;
            let id = stack.open(Kind::Tcp).unwrap();
            let mut options = stack.tcp_options(id).unwrap();
            options.congestion = flow.congestion;
            options.sndbuf = flow.buffer;
            stack.set_tcp_options(self.now, id, options).unwrap();
            let to = SocketAddr::V4(SocketAddrV4::new(addr(1), PORT));
            assert_eq!(stack.connect(self.now, id, to), Err(Error::InProgress));
            self.ends[at][0] = Some(App::new(id, flow.bytes[0], self.now));
            self.clients[at].touched = true;
        }
    }

    fn accept(&mut self) {
        while let Ok((id, peer)) = self.server.stack.accept(self.listener) {
            let SocketAddr::V4(peer) = peer else { continue };
            let at = usize::from(peer.ip().octets()[3]) - 2;
            let mut options = self.server.stack.tcp_options(id).unwrap();
            options.congestion = self.flows[at].congestion;
            self.server.stack.set_tcp_options(self.now, id, options).unwrap();
            self.ends[at][1] = Some(App::new(id, self.flows[at].bytes[1], self.now));
        }
    }

    /// Programs act and stacks send, where something happened.
    fn serve(&mut self) {
        let now = self.now;
        for at in 0..=self.clients.len() {
            let host = if at == 0 { &mut self.server } else { &mut self.clients[at - 1] };
            if !std::mem::take(&mut host.touched) {
                continue;
            }
            let mut out = Outbox::default();
            // Twice: what the program does may let more leave.
            host.stack.poll_transmit(now, &mut out);
            while host.stack.poll_event().is_some() {}
            if at == 0 {
                self.accept();
                for [_, end] in &mut self.ends {
                    if let Some(app) = end {
                        app.run(&mut self.server.stack, now, &self.pattern, &mut self.buf);
                    }
                }
                self.server.stack.poll_transmit(now, &mut out);
            } else {
                if let Some(app) = &mut self.ends[at - 1][0] {
                    app.run(&mut host.stack, now, &self.pattern, &mut self.buf);
                }
                host.stack.poll_transmit(now, &mut out);
            }
            self.frames += out.0.len() as u64;
            for (bytes, meta) in out.0 {
                // Without an access delay, frames enter the bottleneck as they are.
                match at.checked_sub(1) {
                    None => self.down.send(now, bytes, meta),
                    Some(n) if self.flows[n].access == Duration::ZERO => self.up.send(now, bytes, meta),
                    Some(n) => {
                        for bytes in segment(bytes, meta) {
                            self.access_up[n].send(now, bytes, TxMeta::default());
                        }
                    }
                }
            }
        }
    }

    /// Frames that are there.
    fn deliver(&mut self) {
        let now = self.now;
        for n in 0..self.clients.len() {
            while let Some(packet) = self.access_up[n].pop(now) {
                self.up.push(now, packet);
            }
        }
        while let Some(packet) = self.up.pop(now) {
            self.server.stack.on_frame(now, Buf::from_vec(packet.bytes), packet.rx);
            self.server.touched = true;
        }
        while let Some(packet) = self.down.pop(now) {
            let last = packet.bytes[5];
            if packet.bytes[0] & 1 == 1 {
                for n in 0..self.clients.len() {
                    self.access_down[n].push(now, packet.clone());
                }
            } else {
                self.access_down[usize::from(last) - 2].push(now, packet);
            }
        }
        for (n, client) in self.clients.iter_mut().enumerate() {
            while let Some(packet) = self.access_down[n].pop(now) {
                client.stack.on_frame(now, Buf::from_vec(packet.bytes), packet.rx);
                client.touched = true;
            }
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let lines = [&self.up, &self.down].into_iter().chain(&self.access_up).chain(&self.access_down);
        let hosts = std::iter::once(&self.server).chain(&self.clients);
        let starts = self.flows.iter().zip(&self.ends).filter(|(_, ends)| ends[0].is_none());
        lines
            .filter_map(Line::deadline)
            .chain(hosts.filter_map(|host| host.stack.poll_timeout()))
            .chain(starts.map(|(flow, _)| Instant::ZERO + flow.start))
            .min()
    }

    fn all_closed(&self) -> bool {
        self.ends.iter().flatten().all(|end| end.as_ref().is_some_and(|app| app.closed))
            && self.up.is_empty()
            && self.down.is_empty()
    }

    /// Goes on until `end`, or until all streams are over; true when they are.
    pub fn run_until(&mut self, end: Instant) -> bool {
        loop {
            self.connect_due();
            self.serve();
            if self.all_closed() {
                return true;
            }
            let next = self.next_event().unwrap_or_else(|| panic!("{}: nothing is due", self.name));
            if next > end {
                self.now = end;
                return false;
            }
            self.now = self.now.max(next);
            self.deliver();
            for host in std::iter::once(&mut self.server).chain(&mut self.clients) {
                if host.stack.poll_timeout().is_some_and(|due| due <= self.now) {
                    host.stack.on_timeout(self.now);
                    host.touched = true;
                }
            }
        }
    }

    /// To the orderly end: every byte arrived, both ways, and nothing is left behind.
    pub fn run_to_the_end(&mut self) {
        let limit = Instant::from_micros(600_000_000);
        assert!(self.run_until(limit), "{}: ten minutes", self.name);
        for (n, flow) in self.flows.iter().enumerate() {
            assert_eq!([self.uploaded(n), self.downloaded(n)], flow.bytes, "{}", self.name);
        }
        self.settle();
    }

    /// After the end nothing is left behind: no connection, no timer. (What is still retransmitted meets a perfect link.)
    fn settle(&mut self) {
        let mut now = self.now;
        self.server.stack.close(now, self.listener);
        let hosts: Vec<&mut Host> = std::iter::once(&mut self.server).chain(&mut self.clients).collect();
        let mut by_mac: HashMap<u8, &mut Host> =
            hosts.into_iter().enumerate().map(|(n, host)| (n as u8 + 1, host)).collect();
        for _ in 0..10_000 {
            let mut frames = Vec::new();
            for host in by_mac.values_mut() {
                let mut out = Outbox::default();
                host.stack.poll_transmit(now, &mut out);
                frames.extend(out.0.into_iter().flat_map(|(bytes, meta)| segment(bytes, meta)));
            }
            if !frames.is_empty() {
                for frame in frames {
                    let (group, last) = (frame[0] & 1 == 1, frame[5]);
                    for (_, host) in by_mac.iter_mut().filter(|(n, _)| group || **n == last) {
                        host.stack.on_frame(now, Buf::from_vec(frame.clone()), Default::default());
                    }
                }
                continue;
            }
            let Some(due) = by_mac.values().filter_map(|host| host.stack.poll_timeout()).min() else { break };
            now = now.max(due);
            by_mac.values_mut().for_each(|host| host.stack.on_timeout(now));
        }
        for host in by_mac.values() {
            assert_eq!(host.stack.poll_timeout(), None);
            assert!(!host.stack.pending_output());
            let open: Vec<_> =
                host.stack.connections().into_iter().filter(|c| c.state != TcpState::Closed).collect();
            assert!(open.is_empty(), "{open:?}");
        }
    }
}
