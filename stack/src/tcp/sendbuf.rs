//! The send buffer: bytes that the user gave us and the peer has not acknowledged.
//!
//! A queue of chunks. A chunk never moves or grows once it is made, so slices of it go to the device as they
//! are ([`SendBuf::slices`]). The first chunk of an idle buffer is small and each following one twice as
//! large, up to 64 kB: a connection that talks in small messages holds 2 kB while it waits for an
//! acknowledgement and nothing when it has it. Chunks of 2 kB and of 64 kB go through a pool that the
//! connections share, so neither small messages nor bulk transfer allocate anything. The limit is checked by
//! the caller.

use std::collections::VecDeque;

/// Smallest and largest chunk, bytes.
const MIN_CHUNK: usize = 2 << 10;
const MAX_CHUNK: usize = 64 << 10;
/// Chunks of either size kept by the pool (4 MB and 128 kB).
const MAX_POOLED: usize = 64;

/// Most slices that one frame of 64 kB can need: five chunks of a growing buffer hold 62 kB.
pub(super) const MAX_SLICES: usize = 8;

/// Empty chunks of the largest and of the smallest size, the last used on top.
pub(super) struct ChunkPool {
    large: Vec<Vec<u8>>,
    small: Vec<Vec<u8>>,
}

impl ChunkPool {
    pub(super) const fn new() -> ChunkPool {
        ChunkPool { large: Vec::new(), small: Vec::new() }
    }

    fn take(&mut self, size: usize) -> Vec<u8> {
        let kept = match size {
            MAX_CHUNK => self.large.pop(),
            MIN_CHUNK => self.small.pop(),
            _ => None,
        };
        kept.unwrap_or_else(|| Vec::with_capacity(size))
    }

    fn give(&mut self, mut chunk: Vec<u8>) {
        let list = match chunk.capacity() {
            MAX_CHUNK => &mut self.large,
            MIN_CHUNK => &mut self.small,
            _ => return,
        };
        if list.len() < MAX_POOLED {
            chunk.clear();
            list.push(chunk);
        }
    }
}

struct Chunk {
    /// Offset of its first byte in the stream.
    start: u64,
    data: Vec<u8>,
}

/// See the module. Offsets are counted from the first unacknowledged byte.
pub(super) struct SendBuf {
    chunks: VecDeque<Chunk>,
    /// Offset of the first unacknowledged byte in the stream.
    base: u64,
    len: usize,
    limit: usize,
}

impl SendBuf {
    pub(super) const fn new() -> SendBuf {
        SendBuf { chunks: VecDeque::new(), base: 0, len: 0, limit: 128 << 10 }
    }

    /// Bytes held.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most bytes to hold.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Room under the limit.
    pub(super) const fn space(&self) -> usize {
        self.limit.saturating_sub(self.len)
    }

    /// Takes as much of `data` as the limit allows; answers how much.
    pub(super) fn append(&mut self, data: &[u8], pool: &mut ChunkPool) -> usize {
        let mut rest = data.get(..data.len().min(self.space())).unwrap_or(data);
        let taken = rest.len();
        while !rest.is_empty() {
            let (room, size) = match self.chunks.back() {
                Some(c) => (c.data.capacity() - c.data.len(), c.data.capacity() * 2),
                None => (0, MIN_CHUNK),
            };
            if room == 0 {
                let size = size.max(rest.len()).next_power_of_two().clamp(MIN_CHUNK, MAX_CHUNK);
                let start = self.base + self.len as u64;
                self.chunks.push_back(Chunk { start, data: pool.take(size) });
                continue;
            }
            let Some(chunk) = self.chunks.back_mut() else { break };
            let (now, later) = rest.split_at(room.min(rest.len()));
            chunk.data.extend_from_slice(now);
            self.len += now.len();
            rest = later;
        }
        taken
    }

    /// Forgets the first `n` bytes: they are acknowledged.
    pub(super) fn ack(&mut self, n: usize, pool: &mut ChunkPool) {
        let n = n.min(self.len);
        self.len -= n;
        self.base += n as u64;
        while let Some(chunk) = self.chunks.front() {
            let end = chunk.start + chunk.data.len() as u64;
            // An empty buffer holds no chunk, except that a full one is not worth keeping either.
            if end > self.base {
                break;
            }
            if let Some(chunk) = self.chunks.pop_front() {
                pool.give(chunk.data);
            }
        }
    }

    /// The slices that hold `len` bytes from `offset` on, in `out`; answers how many slices and how many
    /// bytes they hold, which is less than `len` when the buffer ends or `out` is too short.
    pub(super) fn slices<'a>(
        &'a self,
        offset: usize,
        len: usize,
        out: &mut [&'a [u8]; MAX_SLICES],
    ) -> (usize, usize) {
        let mut at = self.base + offset as u64;
        let mut left = len.min(self.len.saturating_sub(offset));
        let want = left;
        let first = self.chunks.partition_point(|c| c.start + c.data.len() as u64 <= at);
        let mut count = 0;
        for (slot, chunk) in out.iter_mut().zip(self.chunks.range(first.min(self.chunks.len())..)) {
            if left == 0 {
                break;
            }
            let skip = usize::try_from(at - chunk.start).unwrap_or(usize::MAX);
            let here = chunk.data.get(skip..).unwrap_or(&[]);
            let here = here.get(..left.min(here.len())).unwrap_or(here);
            *slot = here;
            count += 1;
            at += here.len() as u64;
            left -= here.len();
        }
        (count, want - left)
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, pool: &mut ChunkPool) {
        self.ack(self.len, pool);
        self.chunks = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collect(buf: &SendBuf, offset: usize, len: usize) -> Vec<u8> {
        let mut out: [&[u8]; MAX_SLICES] = [&[]; MAX_SLICES];
        let (count, bytes) = buf.slices(offset, len, &mut out);
        let all = out[..count].concat();
        assert_eq!(all.len(), bytes);
        all
    }

    #[test]
    fn sixty_four_kilobytes_fit_the_slices_wherever_they_start() {
        let mut pool = ChunkPool::new();
        let mut buf = SendBuf::new();
        buf.set_limit(1 << 20);
        // The worst case: a byte at a time, so that chunks grow from the smallest.
        for i in 0..300_000u32 {
            buf.append(&[i as u8], &mut pool);
        }
        for offset in (0..200_000).step_by(777) {
            let mut out: [&[u8]; MAX_SLICES] = [&[]; MAX_SLICES];
            assert_eq!(buf.slices(offset, 65_535, &mut out).1, 65_535);
        }
    }

    #[test]
    fn an_empty_buffer_holds_no_memory() {
        let mut pool = ChunkPool::new();
        let mut buf = SendBuf::new();
        buf.append(b"hello", &mut pool);
        assert_eq!(buf.chunks.len(), 1);
        buf.ack(5, &mut pool);
        assert!(buf.chunks.is_empty());
    }

    #[derive(Clone, Debug)]
    enum Op {
        Append(usize),
        Ack(usize),
        Slices(usize, usize),
    }

    proptest! {
        #[test]
        fn behaves_as_a_queue_of_bytes(ops in prop::collection::vec(prop_oneof![
            (0usize..90_000).prop_map(Op::Append),
            (0usize..20).prop_map(Op::Append),
            (0usize..80_000).prop_map(Op::Ack),
            (0usize..100_000, 0usize..70_000).prop_map(|(o, l)| Op::Slices(o, l)),
        ], 1..60)) {
            let mut pool = ChunkPool::new();
            let mut buf = SendBuf::new();
            buf.set_limit(200_000);
            let mut model: VecDeque<u8> = VecDeque::new();
            let mut next = 0u32;
            for op in ops {
                match op {
                    Op::Append(n) => {
                        let data: Vec<u8> = (0..n).map(|i| ((next as usize + i) % 251) as u8).collect();
                        let taken = buf.append(&data, &mut pool);
                        prop_assert_eq!(taken, n.min(200_000 - model.len()));
                        model.extend(&data[..taken]);
                        next += taken as u32;
                    }
                    Op::Ack(n) => {
                        buf.ack(n, &mut pool);
                        model.drain(..n.min(model.len()));
                    }
                    Op::Slices(o, l) => {
                        let got = collect(&buf, o, l);
                        let want: Vec<u8> = model.iter().skip(o).take(l).copied().collect();
                        prop_assert_eq!(got, want);
                    }
                }
                prop_assert_eq!(buf.len(), model.len());
            }
        }
    }
}
