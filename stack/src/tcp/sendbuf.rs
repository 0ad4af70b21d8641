//! The send buffer: bytes that the user gave us and the peer has not acknowledged.
//!
//! A queue of chunks. A chunk never moves or grows once it is made, so slices of it go to the device as they
//! are ([`SendBuf::slices`]). The first chunk of an idle buffer is small and each following one twice as
//! large, up to 64 kB: a connection that talks in small messages holds 2 kB while it waits for an
//! acknowledgement and nothing when it has it. Chunks go through a pool that the connections share ([`chunks`]),
//! so neither small messages nor bulk transfer allocate anything. What a file has is read into a chunk before the
//! buffer gets it ([`SendBuf::append_chunk`]).
//!
//! [`chunks`]: super::chunks

use std::collections::VecDeque;

use super::chunks::{ChunkPool, MIN_CHUNK, chunk_size};

/// A chunk with less in it is copied to the others by `append_chunk`.
const MIN_WHOLE: usize = 16 << 10;
/// Most slices that one frame of 64 kB can need. Five chunks of a growing buffer hold 62 kB. Of whole chunks it
/// touches five, and between two of them lies at most one that is not full.
pub(super) const MAX_SLICES: usize = 12;

pub(super) struct Chunk {
    /// Offset of its first byte in the stream.
    start: u64,
    data: Vec<u8>,
}

/// See the module. Offsets are counted from the first unacknowledged byte.
pub(super) struct SendBuf {
    chunks: VecDeque<Chunk>,
    /// Offset of the first unacknowledged byte in the stream.
    base: u64,
    /// Both in 32 bits: a window is at most 2^30 bytes.
    len: u32,
    limit: u32,
}

impl SendBuf {
    pub(super) const fn new() -> SendBuf {
        SendBuf { chunks: VecDeque::new(), base: 0, len: 0, limit: 128 << 10 }
    }

    /// For the memory of the queue (`spare.rs`).
    pub(super) fn queue(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.chunks
    }

    /// Bytes held.
    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most bytes to hold.
    pub(super) const fn limit(&self) -> usize {
        self.limit as usize
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = u32::try_from(limit).unwrap_or(u32::MAX);
    }

    /// Room under the limit.
    pub(super) const fn space(&self) -> usize {
        self.limit.saturating_sub(self.len) as usize
    }

    /// Takes as much of `data` as the limit allows; answers how much.
    pub(super) fn append(&mut self, data: &[u8], pool: &mut ChunkPool) -> usize {
        let data = data.get(..data.len().min(self.space())).unwrap_or(data);
        self.copy(data, pool);
        data.len()
    }

    /// Takes a chunk of the pool with `len` bytes in it, whatever the limit is: the caller asked for room before he
    /// filled it.
    pub(super) fn append_chunk(&mut self, mut chunk: Vec<u8>, len: usize, pool: &mut ChunkPool) {
        chunk.truncate(len);
        if chunk.len() < MIN_WHOLE {
            self.copy(&chunk, pool);
            pool.give(chunk);
            return;
        }
        let start = self.base + u64::from(self.len);
        self.len += chunk.len() as u32;
        self.chunks.push_back(Chunk { start, data: chunk });
    }

    fn copy(&mut self, mut rest: &[u8], pool: &mut ChunkPool) {
        while !rest.is_empty() {
            let (room, size) = match self.chunks.back() {
                Some(c) => (c.data.capacity() - c.data.len(), c.data.capacity() * 2),
                None => (0, MIN_CHUNK),
            };
            if room == 0 {
                let size = chunk_size(size.max(rest.len()));
                let start = self.base + u64::from(self.len);
                self.chunks.push_back(Chunk { start, data: pool.take(size) });
                continue;
            }
            let Some(chunk) = self.chunks.back_mut() else { break };
            let (now, later) = rest.split_at(room.min(rest.len()));
            chunk.data.extend_from_slice(now);
            self.len += now.len() as u32;
            rest = later;
        }
    }

    /// Forgets the first `n` bytes: they are acknowledged.
    pub(super) fn ack(&mut self, n: usize, pool: &mut ChunkPool) {
        let n = u32::try_from(n).unwrap_or(u32::MAX).min(self.len);
        self.len -= n;
        self.base += u64::from(n);
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
        let mut left = len.min(self.len().saturating_sub(offset));
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
        self.ack(self.len(), pool);
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

    #[test]
    fn a_chunk_is_taken_as_it_is() {
        let mut pool = ChunkPool::new();
        let mut buf = SendBuf::new();
        buf.append(b"head", &mut pool);
        let chunk = pool.take_full(64 << 10);
        let at = chunk.as_ptr();
        buf.append_chunk(chunk, 60_000, &mut pool);
        assert_eq!(buf.len(), 60_004);
        let mut out: [&[u8]; MAX_SLICES] = [&[]; MAX_SLICES];
        assert_eq!(buf.slices(0, 60_004, &mut out), (2, 60_004));
        assert_eq!(out[1].as_ptr(), at);
        let little = pool.take_full(2 << 10);
        buf.append_chunk(little, 5, &mut pool);
        assert_eq!((buf.len(), buf.chunks.len()), (60_009, 2));
    }

    #[derive(Clone, Debug)]
    enum Op {
        Append(usize),
        Chunk(usize),
        Ack(usize),
        Slices(usize, usize),
    }

    proptest! {
        #[test]
        fn behaves_as_a_queue_of_bytes(ops in prop::collection::vec(prop_oneof![
            (0usize..90_000).prop_map(Op::Append),
            (0usize..20).prop_map(Op::Append),
            (0usize..65_536).prop_map(Op::Chunk),
            (16_300usize..16_500).prop_map(Op::Chunk),
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
                        prop_assert_eq!(taken, n.min(200_000usize.saturating_sub(model.len())));
                        model.extend(&data[..taken]);
                        next += taken as u32;
                    }
                    Op::Chunk(n) => {
                        let mut chunk = pool.take_full(chunk_size(n));
                        for (i, b) in chunk.iter_mut().enumerate().take(n) {
                            *b = ((next as usize + i) % 251) as u8;
                        }
                        model.extend(&chunk[..n]);
                        buf.append_chunk(chunk, n, &mut pool);
                        next += n as u32;
                    }
                    Op::Ack(n) => {
                        buf.ack(n, &mut pool);
                        model.drain(..n.min(model.len()));
                    }
                    Op::Slices(o, l) => {
                        let got = collect(&buf, o, l.min(65_535));
                        let l = l.min(65_535);
                        let want: Vec<u8> = model.iter().skip(o).take(l).copied().collect();
                        prop_assert_eq!(got, want);
                    }
                }
                prop_assert_eq!(buf.len(), model.len());
            }
        }
    }
}
