//! The receive buffer: bytes in order that the user has not read, and pieces beyond a gap.
//!
//! Large payloads are kept by reference to the frame that brought them, when they fill at least half of it.
//! Small ones are copied, one behind the other, into chunks of the pool: so a peer can pin at most about
//! twice the bytes that it sent (or 2 kB), and one byte never holds 64 kB. The window is counted in payload bytes up to
//! the limit; pieces beyond a gap are also charged at their true size and refused when that exceeds twice the
//! limit.
//!
//! Without SO_RCVBUF the limit grows with what the user reads in a round trip, to 6 MB (Linux's receive
//! auto-tuning).

use std::collections::{BTreeMap, VecDeque};

use super::chunks::{ChunkPool, MIN_CHUNK, chunk_size};
use crate::buf::Buf;
use crate::time::{Duration, Instant};

/// Limit at first.
const INITIAL_LIMIT: usize = 256 << 10;
/// Limit at last (Linux: tcp_rmem[2]).
const MAX_LIMIT: usize = 6 << 20;
/// Least limit that SO_RCVBUF can set (Linux: SOCK_MIN_RCVBUF).
const MIN_LIMIT: usize = 2304;
/// Payloads from this size on may be kept by reference.
const SHARE_FROM: usize = 2048;
/// Size up to which chunks of copies grow.
const COPY_MAX: usize = 16 << 10;
/// What a piece costs beside its bytes.
const OVERHEAD: usize = 128;

pub(super) enum Chunk {
    Shared(Buf),
    Copied { data: Vec<u8>, pos: usize },
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Chunk::Shared(buf) => buf.as_slice(),
            Chunk::Copied { data, pos } => data.get(*pos..).unwrap_or(&[]),
        }
    }

    fn advance(&mut self, n: usize) {
        match self {
            Chunk::Shared(buf) => buf.advance(n),
            Chunk::Copied { pos, .. } => *pos += n,
        }
    }
}

/// See the module.
pub(super) struct RecvBuf {
    queue: VecDeque<Chunk>,
    len: usize,
    /// By offset in the stream; neither overlapping nor touching `next`.
    beyond: BTreeMap<u64, Buf>,
    beyond_charge: usize,
    /// Offset of the next byte in order.
    next: u64,
    limit: usize,
    /// The user fixed the limit.
    fixed: bool,
    /// Bytes read since `tuned_at`, and in the round trip before.
    read: usize,
    read_before: usize,
    tuned_at: Instant,
}

impl RecvBuf {
    pub(super) fn new(limit: Option<usize>) -> RecvBuf {
        let mut buf = RecvBuf {
            queue: VecDeque::new(),
            len: 0,
            beyond: BTreeMap::new(),
            beyond_charge: 0,
            next: 0,
            limit: INITIAL_LIMIT,
            fixed: false,
            read: 0,
            read_before: 64 << 10,
            tuned_at: Instant::ZERO,
        };
        buf.set_limit(limit);
        buf
    }

    /// The window that a SYN announces for a buffer of this limit: unscaled.
    pub(super) fn first_window(limit: Option<usize>) -> u16 {
        let limit = limit.map_or(INITIAL_LIMIT, |l| l.max(MIN_LIMIT));
        u16::try_from(limit).unwrap_or(u16::MAX)
    }

    /// SO_RCVBUF; None: automatic.
    pub(super) fn set_limit(&mut self, limit: Option<usize>) {
        self.fixed = limit.is_some();
        if let Some(limit) = limit {
            self.limit = limit.max(MIN_LIMIT);
        }
    }

    /// For the memory of the queue (`spare.rs`).
    pub(super) fn queue(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.queue
    }

    /// Bytes to read.
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

    /// Room under the limit.
    pub(super) const fn free(&self) -> usize {
        self.limit.saturating_sub(self.len)
    }

    /// True when nothing lies beyond a gap.
    pub(super) fn is_contiguous(&self) -> bool {
        self.beyond.is_empty()
    }

    /// Takes the bytes that are next in order, and what lies behind them already. Answers by how much the
    /// stream grew.
    pub(super) fn push(&mut self, buf: Buf, pool: &mut ChunkPool) -> usize {
        let before = self.next;
        self.append(buf, pool);
        while let Some(entry) = self.beyond.first_entry() {
            if *entry.key() > self.next {
                break;
            }
            let (start, mut buf) = entry.remove_entry();
            self.beyond_charge = self.beyond_charge.saturating_sub(buf.charge() + OVERHEAD);
            buf.advance(usize::try_from(self.next - start).unwrap_or(usize::MAX));
            self.append(buf, pool);
        }
        usize::try_from(self.next - before).unwrap_or(0)
    }

    fn append(&mut self, buf: Buf, pool: &mut ChunkPool) {
        if buf.is_empty() {
            return;
        }
        self.len += buf.len();
        self.next += buf.len() as u64;
        if buf.len() >= SHARE_FROM && buf.len() >= buf.charge() / 2 {
            self.queue.push_back(Chunk::Shared(buf));
            return;
        }
        let mut rest = buf.as_slice();
        while !rest.is_empty() {
            let size = match self.queue.back_mut() {
                Some(Chunk::Copied { data, .. }) if data.len() < data.capacity() => {
                    let (now, later) = rest.split_at(rest.len().min(data.capacity() - data.len()));
                    data.extend_from_slice(now);
                    rest = later;
                    continue;
                }
                Some(Chunk::Copied { data, .. }) => data.capacity() * 2,
                _ => MIN_CHUNK,
            };
            let size = chunk_size(size.min(COPY_MAX).max(rest.len()));
            self.queue.push_back(Chunk::Copied { data: pool.take(size), pos: 0 });
        }
    }

    /// Takes bytes that lie `gap` (not zero) beyond the next in order. False: nothing new, or no room.
    pub(super) fn push_beyond(&mut self, gap: u32, mut buf: Buf) -> bool {
        let mut start = self.next + u64::from(gap);
        if let Some((at, before)) = self.beyond.range(..=start).next_back() {
            let end = *at + before.len() as u64;
            if end > start {
                buf.advance(usize::try_from(end - start).unwrap_or(usize::MAX));
                start = end;
            }
        }
        if buf.is_empty() {
            return false;
        }
        let end = start + buf.len() as u64;
        while let Some((at, after)) = self.beyond.range(start..end).next() {
            let at = *at;
            if at + after.len() as u64 <= end {
                // It is inside of what we have now.
                if let Some(old) = self.beyond.remove(&at) {
                    self.beyond_charge = self.beyond_charge.saturating_sub(old.charge() + OVERHEAD);
                }
            } else {
                buf.truncate(usize::try_from(at - start).unwrap_or(usize::MAX));
                break;
            }
        }
        if buf.is_empty() {
            return false;
        }
        let buf = buf.compact();
        let charge = buf.charge() + OVERHEAD;
        if self.beyond_charge + charge > 2 * self.limit + (64 << 10) {
            return false;
        }
        self.beyond_charge += charge;
        self.beyond.insert(start, buf);
        true
    }

    /// Forgets what lies beyond a gap.
    pub(super) fn drop_out_of_order(&mut self) {
        self.beyond.clear();
        self.beyond_charge = 0;
    }

    /// Copies to `out` and forgets; answers how much.
    pub(super) fn read(&mut self, out: &mut [u8], pool: &mut ChunkPool) -> usize {
        let mut done = 0;
        while let Some(front) = self.queue.front_mut() {
            let bytes = front.bytes();
            let Some(to) = out.get_mut(done..) else { break };
            let n = bytes.len().min(to.len());
            if n == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (to.get_mut(..n), bytes.get(..n)) {
                to.copy_from_slice(from);
            }
            let whole = n == bytes.len();
            done += n;
            if whole { self.pop_chunk(pool) } else { front.advance(n) }
        }
        self.len -= done;
        self.read += done;
        done
    }

    fn pop_chunk(&mut self, pool: &mut ChunkPool) {
        if let Some(Chunk::Copied { data, .. }) = self.queue.pop_front() {
            pool.give(data);
        }
    }

    /// Copies from `offset` on to `out` without forgetting.
    pub(super) fn peek(&self, offset: usize, out: &mut [u8]) -> usize {
        let mut skip = offset;
        let mut done = 0;
        for chunk in &self.queue {
            let bytes = chunk.bytes();
            if skip >= bytes.len() {
                skip -= bytes.len();
                continue;
            }
            let bytes = bytes.get(skip..).unwrap_or(&[]);
            skip = 0;
            let Some(to) = out.get_mut(done..) else { break };
            let n = bytes.len().min(to.len());
            if n == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (to.get_mut(..n), bytes.get(..n)) {
                to.copy_from_slice(from);
            }
            done += n;
        }
        done
    }

    /// The slices that hold the first bytes, at most `max` of them; answers how many slices.
    pub(super) fn slices<'a>(&'a self, max: usize, out: &mut [&'a [u8]]) -> usize {
        let mut left = max;
        let mut count = 0;
        for (slot, chunk) in out.iter_mut().zip(&self.queue) {
            if left == 0 {
                break;
            }
            let bytes = chunk.bytes();
            let bytes = bytes.get(..left.min(bytes.len())).unwrap_or(bytes);
            left -= bytes.len();
            *slot = bytes;
            count += 1;
        }
        count
    }

    /// Forgets up to `n` bytes; answers how many.
    pub(super) fn discard(&mut self, n: usize, pool: &mut ChunkPool) -> usize {
        let mut left = n.min(self.len);
        let done = left;
        while left > 0 {
            let Some(front) = self.queue.front_mut() else { break };
            let here = front.bytes().len();
            if here <= left {
                left -= here;
                self.pop_chunk(pool);
            } else {
                front.advance(left);
                left = 0;
            }
        }
        self.len -= done;
        self.read += done;
        done
    }

    /// Linux's `tcp_rcv_space_adjust`: once a round trip, the limit becomes twice what was read in it, plus
    /// what the sender's slow start needs to double again.
    pub(super) fn tune(&mut self, now: Instant, rtt: Duration) {
        if self.fixed || now.since(self.tuned_at) < rtt {
            return;
        }
        if self.read > self.read_before {
            let grown = (self.read - self.read_before).min(self.read_before);
            let want = 2 * self.read + (16 << 10) + 2 * grown;
            self.limit = self.limit.max(want.min(MAX_LIMIT));
            self.read_before = self.read;
        }
        self.read = 0;
        self.tuned_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_byte_does_not_pin_a_frame() {
        let mut buf = RecvBuf::new(None);
        let mut pool = ChunkPool::new();
        let frame = Buf::from_vec(vec![1; 65_000]);
        for _ in 0..100 {
            buf.push(frame.slice(0, 1), &mut pool);
        }
        assert_eq!(buf.queue.len(), 1);
        assert!(buf.push_beyond(5, frame.slice(7, 8)));
        assert!(buf.beyond_charge < 200);
        buf.push(frame.slice(0, 60_000), &mut pool);
        assert!(matches!(buf.queue.back(), Some(Chunk::Shared(_))));
    }

    #[test]
    fn pieces_beyond_a_gap_are_bounded() {
        let mut buf = RecvBuf::new(Some(64 << 10));
        let byte = Buf::from_vec(vec![1]);
        let taken = (0..10_000).filter(|i| buf.push_beyond(1 + i * 2, byte.clone())).count();
        assert!(taken < 2000, "{taken}");
    }

    #[test]
    fn the_limit_grows_with_the_reader() {
        let mut buf = RecvBuf::new(None);
        let rtt = Duration::from_millis(1);
        let mut now = Instant::from_micros(1);
        let mut out = vec![0; 200_000];
        let mut pool = ChunkPool::new();
        for _ in 0..60 {
            let n = buf.free();
            buf.push(Buf::from_vec(vec![0; n]), &mut pool);
            while !buf.is_empty() {
                buf.read(&mut out, &mut pool);
            }
            now = now + rtt;
            buf.tune(now, rtt);
        }
        assert_eq!(buf.limit(), MAX_LIMIT);
    }

    proptest! {
        /// Segments in any order, overlapping and repeated: the stream comes out as it was.
        #[test]
        fn reassembles_any_order(
            cuts in prop::collection::vec((0usize..3000, 1usize..900), 1..80),
            seed in any::<u8>(),
        ) {
            let stream: Vec<u8> = (0..4000usize).map(|i| (i * 31 / 7) as u8 ^ seed).collect();
            let mut buf = RecvBuf::new(None);
            let mut have = vec![false; stream.len()];
            let mut next = 0;
            let mut out = Vec::new();
            let whole = Buf::from_vec(stream.clone());
            let mut pool = ChunkPool::new();
            for (start, len) in cuts {
                let end = (start + len).min(stream.len());
                have[start..end].fill(true);
                if end > next && start <= next {
                    next += buf.push(whole.slice(next, end), &mut pool);
                } else if start > next {
                    buf.push_beyond((start - next) as u32, whole.slice(start, end));
                }
                let want = have.iter().position(|h| !h).unwrap_or(stream.len());
                prop_assert_eq!(next, want);
                prop_assert_eq!(buf.len() + out.len(), want);
                let mut slices: [&[u8]; 4] = [&[]; 4];
                let count = buf.slices(len, &mut slices);
                let seen = slices[..count].concat();
                prop_assert_eq!(&seen[..], &stream[out.len()..out.len() + seen.len()]);
                prop_assert!(seen.len() == len.min(buf.len()) || count == 4);
                let mut part = vec![0; len / 2];
                let peeked = buf.peek(0, &mut part);
                let copy = part[..peeked].to_vec();
                let n = buf.read(&mut part, &mut pool);
                prop_assert_eq!(&copy[..], &part[..n]);
                out.extend_from_slice(&part[..n]);
            }
            let mut rest = vec![0; buf.len()];
            buf.read(&mut rest, &mut pool);
            out.extend(rest);
            prop_assert_eq!(&out[..], &stream[..out.len()]);
            prop_assert_eq!(buf.is_contiguous(), have.iter().skip(next).all(|h| !h));
        }
    }
}
