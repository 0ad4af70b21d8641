//! Buffers for received frames, used again and again.
//!
//! A frame is read into a scratch buffer of the largest size. What becomes of it depends on its length, so that nobody
//! pins much more memory than the frame has:
//! - up to 32 kB: copied into a pooled buffer of the next power of two;
//! - larger: the scratch buffer itself is lent out and a free one takes its place; nothing is copied.
//!
//! A lent buffer stays in its pool's queue; it is free again when the queue holds the only reference. The oldest
//! is asked first, since connections let go of their data in about the order in which it came. In a steady state nothing
//! allocates.
//!
//! Limits: a pool keeps a bounded number of buffers (some 13 MB in all sizes together at most); beyond that buffers are
//! allocated and freed one by one.

use std::collections::VecDeque;
use std::sync::Arc;

use matnet_stack::Buf;

/// Offload header, Ethernet header, VLAN tag and the largest IP packet, rounded up.
const SCRATCH: usize = 65_536 + 64;
/// Smaller sizes, with the number of buffers kept.
const CLASSES: [(usize, usize); 9] = [
    (128, 256),
    (256, 256),
    (512, 256),
    (1024, 256),
    (2048, 256),
    (4096, 64),
    (8192, 64),
    (16_384, 64),
    (32_768, 64),
];
/// Buffers of the largest size kept: two receive buffers of 4 MB.
const LARGE_KEPT: usize = 128;
/// How many lent buffers are asked before a new one is made.
const PROBES: usize = 8;

/// Buffers of one size.
struct Class {
    size: usize,
    keep: usize,
    /// Lent out and maybe free again, oldest first.
    lent: VecDeque<Arc<Vec<u8>>>,
    allocated: u64,
}

impl Class {
    fn new(size: usize, keep: usize) -> Class {
        Class { size, keep, lent: VecDeque::new(), allocated: 0 }
    }

    /// A buffer that nobody else holds.
    fn take(&mut self) -> Arc<Vec<u8>> {
        for _ in 0..PROBES.min(self.lent.len()) {
            let Some(mut buffer) = self.lent.pop_front() else { break };
            if Arc::get_mut(&mut buffer).is_some() {
                return buffer;
            }
            self.lent.push_back(buffer);
        }
        self.allocated += 1;
        Arc::new(vec![0; self.size])
    }

    /// Remembers a buffer that is lent out.
    fn lend(&mut self, buffer: &Arc<Vec<u8>>) {
        if self.lent.len() < self.keep {
            self.lent.push_back(Arc::clone(buffer));
        }
    }
}

/// The buffers of one device.
pub struct FramePool {
    /// Where the next frame is read to; nobody else holds it.
    scratch: Arc<Vec<u8>>,
    large: Class,
    classes: [Class; CLASSES.len()],
}

impl Default for FramePool {
    fn default() -> FramePool {
        FramePool::new()
    }
}

impl FramePool {
    /// A pool with a scratch buffer and nothing else.
    pub fn new() -> FramePool {
        let mut large = Class::new(SCRATCH, LARGE_KEPT);
        FramePool {
            scratch: large.take(),
            large,
            classes: CLASSES.map(|(size, keep)| Class::new(size, keep)),
        }
    }

    /// Room to read one frame into, at least 65,600 bytes.
    pub fn space(&mut self) -> &mut [u8] {
        if Arc::get_mut(&mut self.scratch).is_none() {
            // Cannot happen: the scratch buffer is replaced whenever it is lent. But a fresh one is always right.
            self.scratch = self.large.take();
        }
        Arc::get_mut(&mut self.scratch).map(Vec::as_mut_slice).unwrap_or_default()
    }

    /// The bytes that were read into the scratch buffer.
    pub fn filled(&self) -> &[u8] {
        &self.scratch
    }

    /// Hands out `start..end` of the scratch buffer.
    pub fn frame(&mut self, start: usize, end: usize) -> Buf {
        let bytes = self.scratch.get(start..end).unwrap_or_default();
        if let Some(class) = self.classes.iter_mut().find(|c| bytes.len() <= c.size) {
            let mut buffer = class.take();
            if let Some(to) = Arc::get_mut(&mut buffer).and_then(|v| v.get_mut(..bytes.len())) {
                to.copy_from_slice(bytes);
                class.lend(&buffer);
                return Buf::from_arc(buffer, 0, bytes.len());
            }
        }
        let next = self.large.take();
        let full = std::mem::replace(&mut self.scratch, next);
        self.large.lend(&full);
        Buf::from_arc(full, start, end)
    }

    /// Pooled buffers allocated so far, the first scratch buffer included.
    pub fn allocated(&self) -> u64 {
        self.large.allocated + self.classes.iter().map(|c| c.allocated).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(pool: &mut FramePool, n: usize, seed: u8) -> Buf {
        for (i, b) in pool.space()[..n + 12].iter_mut().enumerate() {
            *b = (i as u8).wrapping_mul(31).wrapping_add(seed);
        }
        pool.frame(12, n + 12)
    }

    fn check(buf: &Buf, n: usize, seed: u8) {
        assert_eq!(buf.len(), n);
        assert!(
            buf.iter().enumerate().all(|(i, b)| *b == ((i + 12) as u8).wrapping_mul(31).wrapping_add(seed))
        );
    }

    #[test]
    fn lent_frames_keep_their_bytes() {
        let mut pool = FramePool::new();
        let sizes = [0, 60, 128, 129, 2048, 2049, 9000, 33_000, 65_549, 1514, 65_549];
        let held: Vec<(Buf, usize, u8)> = (0..200_u8)
            .map(|seed| {
                let n = sizes[usize::from(seed) % sizes.len()];
                (fill(&mut pool, n, seed), n, seed)
            })
            .collect();
        for (buf, n, seed) in &held {
            check(buf, *n, *seed);
            assert!(buf.charge() <= 2 * n.max(&1024) + 1000, "{n} pins {}", buf.charge());
        }
    }

    #[test]
    fn a_steady_state_allocates_nothing() {
        let mut pool = FramePool::new();
        let mut queue = VecDeque::new();
        for round in 0..10_000_u32 {
            let n = [65_000, 3000, 20_000, 40_000, 60, 1514, 700, 130][round as usize % 8];
            queue.push_back(fill(&mut pool, n, round as u8));
            if queue.len() > 40 {
                queue.pop_front();
            }
            if round == 200 {
                assert!(pool.allocated() < 80, "{}", pool.allocated());
            }
        }
        assert!(pool.allocated() < 80, "{}", pool.allocated());
    }

    #[test]
    fn memory_is_bounded() {
        let mut pool = FramePool::new();
        let held: Vec<Buf> = (0..1000).map(|i| fill(&mut pool, 65_000, i as u8)).collect();
        drop(held);
        assert!(pool.large.lent.len() <= LARGE_KEPT);
    }
}
