//! In a steady state no small datagram allocates memory, one by one or many at once, sent or received.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use common::*;
use matnet_stack::{Buf, Capabilities, Config, Full, Sink, Transmit};

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

/// Takes frames and counts them.
struct Sponge(u64);

impl Sink for Sponge {
    fn transmit(&mut self, _: &Transmit<'_>) -> Result<(), Full> {
        self.0 += 1;
        Ok(())
    }
}

/// What a thousand turns allocate after as many to warm up.
fn allocations(mut turn: impl FnMut()) -> u64 {
    (0..1000).for_each(|_| turn());
    let before = ALLOCATIONS.get();
    (0..1000).for_each(|_| turn());
    ALLOCATIONS.get() - before
}

#[test]
fn sending() {
    for uso in [false, true] {
        for (batch, len) in [(1, 64), (64, 64), (64, 1400), (3, 0)] {
            let capabilities = Capabilities { tx_checksum: true, tso: true, uso };
            let mut host = Host::started(Config { capabilities, ..config() });
            let (id, data, mut sponge) = (host.udp(5000), body(len), Sponge(0));
            let allocated = allocations(|| {
                for _ in 0..batch {
                    host.send_to(id, addr(PEER, 7), &data).unwrap();
                }
                host.stack.poll_transmit(host.now, &mut sponge);
                while host.stack.poll_event().is_some() {}
            });
            assert_eq!(allocated, 0, "{batch} of {len} bytes, uso {uso}");
            assert!(sponge.0 >= 2000);
        }
    }
}

#[test]
fn receiving() {
    for (batch, len) in [(1, 64), (100, 64), (50, 1400), (3, 0)] {
        let mut host = Host::new();
        let (id, mut room) = (host.udp(5000), [0; 2048]);
        let frame = Arc::new(udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(len)));
        let allocated = allocations(|| {
            for _ in 0..batch {
                host.stack.on_frame(host.now, Buf::from_arc(Arc::clone(&frame), 0, frame.len()), TRUSTED);
            }
            while host.stack.poll_event().is_some() {}
            for _ in 0..batch {
                assert_eq!(host.stack.recv_from(id, &mut room, false).unwrap().len, len);
            }
        });
        assert_eq!(allocated, 0, "{batch} of {len} bytes");
        assert_eq!(Arc::strong_count(&frame), 1);
    }
}
