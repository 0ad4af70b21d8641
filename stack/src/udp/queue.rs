//! The receive queue of one datagram socket.
//!
//! Small datagrams lie one after the other in a ring of bytes, so that in a steady state none of them allocates and none pins the
//! frame it came in; what is larger than [`COPIED`] is kept by reference to its frame. A socket is charged for the memory
//! that this takes ([`OVERHEAD`] covers an entry and what the ring has to spare), and the datagram that crosses SO_RCVBUF is
//! still taken, as on Linux, so that the smallest buffer holds one.
//!
//! Linux charges 768 bytes for a small datagram; here 64 bytes cost 192. So a queue of the same SO_RCVBUF never holds less.

use std::collections::VecDeque;

use crate::buf::Buf;
use crate::udp::Arrival;

/// What a queued datagram costs beside its bytes.
pub(super) const OVERHEAD: usize = 128;
/// Up to this length a datagram is copied into the ring.
const COPIED: usize = 2048;
/// An empty ring larger than this is given back: twice what the default of SO_RCVBUF fills.
const KEPT: usize = 512 * 1024;

/// One datagram, or several of `gso_size` bytes each.
#[derive(Debug)]
struct Entry {
    arrival: Arrival,
    len: usize,
    gso_size: u16,
    drops: u32,
    /// None: the next `len` bytes of the ring.
    body: Option<Buf>,
}

impl Entry {
    fn cost(&self) -> usize {
        self.body.as_ref().map_or(self.len, Buf::charge).saturating_add(OVERHEAD)
    }
}

/// What was taken from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) arrival: Arrival,
    /// Bytes of the whole datagram.
    pub(super) len: usize,
    pub(super) gso_size: u16,
    /// Refused before it was queued.
    pub(super) drops: u32,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    ring: VecDeque<u8>,
    memory: usize,
    /// Refused, wrapping.
    drops: u32,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the first datagram.
    pub(super) fn next_len(&self) -> Option<usize> {
        self.entries.front().map(|entry| entry.len)
    }

    /// No datagram more would be taken.
    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.memory > limit
    }

    /// Appends a datagram; false when more than `limit` bytes are held already.
    pub(super) fn push(&mut self, arrival: Arrival, payload: Buf, gso_size: u16, limit: usize) -> bool {
        if self.is_full(limit) {
            self.drops = self.drops.wrapping_add(1);
            return false;
        }
        let len = payload.len();
        let body = if len <= COPIED {
            self.ring.extend(payload.as_slice());
            None
        } else {
            Some(payload.compact())
        };
        let entry = Entry { arrival, len, gso_size, drops: self.drops, body };
        self.memory = self.memory.saturating_add(entry.cost());
        self.entries.push_back(entry);
        true
    }

    /// Copies the datagram that holds byte `offset` of the queue, from that byte on (SO_PEEK_OFF, __skb_try_recv_from_queue).
    /// Also tells how far into the datagram that is.
    pub(super) fn peek_at(&self, bufs: &mut [&mut [u8]], mut offset: usize) -> Option<(Taken, usize)> {
        let mut at = 0;
        for entry in &self.entries {
            if offset > 0 && offset >= entry.len {
                offset -= entry.len;
                at += if entry.body.is_none() { entry.len } else { 0 };
                continue;
            }
            let taken = Taken {
                arrival: entry.arrival,
                len: entry.len,
                gso_size: entry.gso_size,
                drops: entry.drops,
            };
            let bytes: Vec<u8> = match &entry.body {
                Some(body) => body.as_slice().to_vec(),
                None => self.ring.iter().skip(at).take(entry.len).copied().collect(),
            };
            scatter(bytes.get(offset..).unwrap_or(&[]), &[], bufs);
            return Some((taken, offset));
        }
        None
    }

    /// Copies the first datagram into `bufs`, in order, and takes it away unless `peek`.
    pub(super) fn pop(&mut self, bufs: &mut [&mut [u8]], peek: bool) -> Option<Taken> {
        let entry = self.entries.front()?;
        let taken =
            Taken { arrival: entry.arrival, len: entry.len, gso_size: entry.gso_size, drops: entry.drops };
        match &entry.body {
            Some(body) => scatter(body, &[], bufs),
            None => {
                let (first, second) = self.ring.as_slices();
                let (first, rest) = first.split_at(taken.len.min(first.len()));
                let second = second.get(..taken.len.saturating_sub(first.len())).unwrap_or(&[]);
                debug_assert!(rest.is_empty() || second.is_empty());
                scatter(first, second, bufs);
            }
        }
        if peek {
            return Some(taken);
        }
        if let Some(entry) = self.entries.pop_front() {
            self.memory = self.memory.saturating_sub(entry.cost());
            if entry.body.is_none() {
                self.ring.drain(..entry.len.min(self.ring.len()));
            }
        }
        if self.ring.is_empty() && self.ring.capacity() > KEPT {
            self.ring = VecDeque::new();
        }
        Some(taken)
    }
}

/// Copies `first`, then `second`, into `bufs` as far as they go.
fn scatter(first: &[u8], second: &[u8], bufs: &mut [&mut [u8]]) {
    let (mut from, mut next) = (first, second);
    for buf in bufs.iter_mut() {
        let mut to = &mut **buf;
        loop {
            if from.is_empty() {
                from = std::mem::take(&mut next);
            }
            let n = from.len().min(to.len());
            if n == 0 {
                break;
            }
            let (now, later) = from.split_at(n);
            let (room, rest) = std::mem::take(&mut to).split_at_mut(n);
            room.copy_from_slice(now);
            (from, to) = (later, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddrV4};

    fn arrival() -> Arrival {
        let end = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        Arrival { from: end, to: end, ttl: 1, tos: 0, at: crate::Instant::ZERO, largest_fragment: 0 }
    }

    fn body(seed: usize, len: usize) -> Vec<u8> {
        (0..len).map(|n| (n * 7 + seed) as u8).collect()
    }

    #[test]
    fn small_and_large_come_out_in_order_and_whole() {
        let sizes = [0, 1, 64, 2048, 2049, 60_000, 3, 1472];
        let mut queue = Queue::default();
        let (mut pushed, mut popped) = (0, 0);
        // Pushes run ahead of pops by a growing and shrinking distance, so that the ring wraps.
        for round in 0..400 {
            for _ in 0..round % 7 {
                let len = sizes[pushed % sizes.len()];
                assert!(queue.push(arrival(), Buf::from_vec(body(pushed, len)), 0, usize::MAX));
                pushed += 1;
            }
            for _ in 0..3.min(pushed - popped) {
                let len = sizes[popped % sizes.len()];
                assert_eq!(queue.next_len(), Some(len));
                let mut room = vec![0; 70_000];
                let (a, rest) = room.split_at_mut(round % 5);
                let (b, c) = rest.split_at_mut(popped % 100);
                let mut bufs: [&mut [u8]; 4] = [a, b, &mut [], c];
                assert_eq!(queue.pop(&mut bufs, true).unwrap().len, len);
                assert_eq!(queue.pop(&mut bufs, false).unwrap().len, len);
                assert!(room[..len] == body(popped, len)[..], "{popped}");
                popped += 1;
            }
        }
        let mut rest = 0;
        while queue.pop(&mut [&mut [0; 10]], false).is_some() {
            rest += 1;
        }
        assert_eq!(popped + rest, pushed);
        assert_eq!((queue.memory, queue.ring.len()), (0, 0));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_its_length_told() {
        let mut queue = Queue::default();
        for len in [100, 5000] {
            queue.push(arrival(), Buf::from_vec(body(0, len)), 0, usize::MAX);
        }
        let mut room = [0; 10];
        for len in [100, 5000] {
            assert_eq!(queue.pop(&mut [&mut room], false).unwrap().len, len);
            assert_eq!(room, body(0, 10)[..]);
        }
        assert!(queue.pop(&mut [&mut room], false).is_none());
    }

    #[test]
    fn a_default_buffer_holds_what_linux_holds() {
        // 277 datagrams of 64 bytes were counted in a Linux socket with 212992 bytes; 92 of 1400.
        for (len, least) in [(64, 277), (1400, 92)] {
            let mut queue = Queue::default();
            let frame = Buf::from_vec(vec![0; len]);
            let held = (0..10_000).take_while(|_| queue.push(arrival(), frame.clone(), 0, 212_992)).count();
            assert!(held >= least, "{held} of {len} bytes");
            assert!(queue.ring.capacity() + held * size_of::<Entry>() <= 2 * 212_992);
        }
    }

    #[test]
    fn a_large_ring_is_given_back() {
        let mut queue = Queue::default();
        for _ in 0..1000 {
            queue.push(arrival(), Buf::from_vec(vec![0; 2000]), 0, usize::MAX);
        }
        assert!(queue.ring.capacity() > KEPT);
        while queue.pop(&mut [], false).is_some() {}
        assert_eq!(queue.ring.capacity(), 0);
    }
}
