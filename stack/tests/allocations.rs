//! In a steady state no packet allocates memory: neither sending nor receiving, neither bulk nor small messages.
//!
//! Two stacks talk in virtual time over buffers that are used again, as a device does with them; an allocator counts what
//! the thread allocates once everything is warm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

use matnet_stack::{
    Buf, Capabilities, Config, Duration, Error, Full, Instant, Ipv4Cidr, Kind, MacAddr, RxChecksum, RxMeta,
    Sink, SocketId, Stack, Transmit,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Buffers of one size, lent as a device's pool does.
struct Class {
    size: usize,
    all: Vec<Arc<Vec<u8>>>,
    next: usize,
}

impl Class {
    fn new(size: usize) -> Class {
        Class { size, all: (0..256).map(|_| Arc::new(vec![0; size])).collect(), next: 0 }
    }

    fn lend(&mut self, frame: &Transmit<'_>) -> Buf {
        for _ in 0..self.all.len() {
            self.next = (self.next + 1) % self.all.len();
            let Some(bytes) = Arc::get_mut(&mut self.all[self.next]) else { continue };
            let mut at = 0;
            for part in [frame.header].iter().chain(frame.payload) {
                bytes[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
            return Buf::from_arc(Arc::clone(&self.all[self.next]), 0, at);
        }
        panic!("all 256 buffers of {} bytes are held", self.size);
    }
}

/// Frames under way to the other stack.
struct Air {
    classes: Vec<Class>,
    frames: VecDeque<(Buf, RxMeta)>,
}

impl Air {
    fn new() -> Air {
        let classes = (7..=17).map(|bits| Class::new(1 << bits)).collect();
        Air { classes, frames: VecDeque::with_capacity(1024) }
    }
}

impl Sink for Air {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        let class = self.classes.iter_mut().find(|c| c.size >= frame.len()).unwrap();
        let checksum = match frame.meta.checksum {
            Some(_) => RxChecksum::Trusted,
            None => RxChecksum::Unverified,
        };
        let gso_size = frame.meta.gso.map_or(0, |gso| gso.size);
        self.frames.push_back((class.lend(frame), RxMeta { checksum, gso_size }));
        Ok(())
    }
}

struct Pair {
    stacks: [Stack; 2],
    sockets: [SocketId; 2],
    /// To each of the stacks.
    air: [Air; 2],
    now: Instant,
}

fn stack(last: u8, tso: bool) -> Stack {
    let config = Config {
        mac: MacAddr([2, 0, 0, 0, 0, last]),
        addr: Ipv4Cidr { addr: Ipv4Addr::new(10, 0, 0, last), prefix: 24 },
        gateway: None,
        mtu: 1500,
        capabilities: Capabilities { tx_checksum: true, tso, uso: false },
        congestion: Default::default(),
        ecn: Default::default(),
        loopback: false,
    };
    Stack::new(config, Instant::ZERO, [last; 32])
}

impl Pair {
    fn connected(tso: bool) -> Pair {
        let mut stacks = [stack(1, tso), stack(2, tso)];
        let now = Instant::from_micros(1_000_000);
        let address = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80));
        let server = stacks[1].open(Kind::Tcp).unwrap();
        stacks[1].bind(now, server, address).unwrap();
        stacks[1].listen(server, 8).unwrap();
        let client = stacks[0].open(Kind::Tcp).unwrap();
        assert_eq!(stacks[0].connect(now, client, address), Err(Error::InProgress));
        let mut pair = Pair { stacks, sockets: [client, client], air: [Air::new(), Air::new()], now };
        for _ in 0..10 {
            pair.exchange();
        }
        pair.sockets[1] = pair.stacks[1].accept(server).unwrap().0;
        pair
    }

    /// All frames cross once; answers go the next time.
    fn exchange(&mut self) {
        self.now = self.now + Duration::from_micros(20);
        for at in 0..2 {
            let stack = &mut self.stacks[at];
            if stack.poll_timeout().is_some_and(|due| due <= self.now) {
                stack.on_timeout(self.now);
            }
            stack.poll_transmit(self.now, &mut self.air[1 - at]);
            while stack.poll_event().is_some() {}
        }
        for at in 0..2 {
            while let Some((frame, meta)) = self.air[at].frames.pop_front() {
                self.stacks[at].on_frame(self.now, frame, meta);
            }
        }
    }

    fn send(&mut self, at: usize, data: &[u8]) -> usize {
        match self.stacks[at].send(self.now, self.sockets[at], data, false) {
            Ok(n) => n,
            Err(Error::WouldBlock) => 0,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn recv(&mut self, at: usize, out: &mut [u8]) -> usize {
        match self.stacks[at].recv(self.now, self.sockets[at], out) {
            Ok(n) => n,
            Err(Error::WouldBlock) => 0,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Runs `turn` until all is warm, then again; it answers the bytes that it moved.
fn steady(name: &str, tso: bool, turns: usize, mut turn: impl FnMut(&mut Pair, &mut [u8]) -> usize) {
    let mut pair = Pair::connected(tso);
    let mut out = vec![0; 256 << 10];
    for _ in 0..turns {
        turn(&mut pair, &mut out);
    }
    let before = ALLOCATIONS.get();
    let moved: usize = (0..turns).map(|_| turn(&mut pair, &mut out)).sum();
    let count = ALLOCATIONS.get() - before;
    assert!(moved >= turns, "{name}: only {moved} bytes in {turns} turns");
    assert_eq!(count, 0, "{name}: allocations while {moved} bytes moved in {turns} turns");
}

#[test]
fn bulk() {
    for (tso, write) in [(true, 128 << 10), (true, 1 << 10), (false, 128 << 10), (false, 1 << 10)] {
        let data = vec![7; write];
        steady(&format!("tso {tso}, writes of {write}"), tso, 5000, |pair, out| {
            pair.send(0, &data);
            pair.exchange();
            pair.recv(1, out)
        });
    }
}

/// The reader falls behind by some hundred kilobytes, and catches up.
#[test]
fn bulk_with_a_reader_that_pauses() {
    for tso in [true, false] {
        let data = vec![7; 32 << 10];
        let mut n = 0;
        steady(&format!("tso {tso}"), tso, 8000, |pair, out| {
            pair.send(0, &data);
            pair.exchange();
            n += 1;
            if n % 8 == 0 { (0..4).map(|_| pair.recv(1, out)).sum() } else { 0 }
        });
    }
}

#[test]
fn requests_and_responses() {
    for (request, response) in
        [(1, 1), (64, 64), (64, 1000), (200, 3000), (500, 10_000), (64, 30_000), (64, 120_000)]
    {
        let (ask, answer) = (vec![1; request], vec![2; response]);
        steady(&format!("{request} for {response}"), true, 2000, |pair, out| {
            assert_eq!(pair.send(0, &ask), request);
            let mut got = 0;
            while got < request {
                pair.exchange();
                got += pair.recv(1, out);
            }
            assert_eq!(pair.send(1, &answer), response);
            let mut got = 0;
            for _ in 0..20_000 {
                pair.exchange();
                got += pair.recv(0, out);
                if got == response {
                    break;
                }
            }
            assert_eq!(got, response);
            got
        });
    }
}
