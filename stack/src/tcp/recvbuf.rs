//! The receive buffer: bytes in order that the user has not read, and pieces beyond a gap (`beyond.rs`).
//!
//! Large payloads are kept by reference to the frame that brought them, when they fill at least half of it.
//! Small ones are copied, one behind the other, into chunks of the pool: so a peer can pin at most about
//! twice the bytes that it sent (or 2 kB), and one byte never holds 64 kB. The window is counted in payload bytes up to
//! the limit. What both parts pin is counted too and stays below twice the limit and some 64 kB: pieces beyond a gap
//! give way, from the far end (Linux: `tcp_prune_queue`).
//!
//! Without SO_RCVBUF the limit grows with what the user reads in a round trip (`tuning.rs`). It never shrinks by itself, so
//! neither does the window.

use std::collections::VecDeque;

use super::beyond::{Beyond, Put};
use super::chunks::{ChunkPool, MIN_CHUNK, chunk_size};
use super::memory::Strain;
use super::tuning::{MAX_LIMIT, Tuning};
use crate::buf::Buf;
use crate::time::Instant;
use crate::types::TcpOptions;

/// Limit at first.
const INITIAL_LIMIT: usize = 256 << 10;
/// Least limit that SO_RCVBUF can set (Linux: SOCK_MIN_RCVBUF).
const MIN_LIMIT: usize = 2304;
/// Payloads from this size on may be kept by reference.
const SHARE_FROM: usize = 2048;
/// Size up to which chunks of copies grow.
const COPY_MAX: usize = 16 << 10;
/// What may be pinned beside twice the limit: a frame that the user has read in part.
pub(super) const SLACK: usize = 64 << 10;
/// What may be pinned beyond a gap while the stack's memory is short.
const PRESSED_BEYOND: usize = 64 << 10;
/// Largest shift of the window (RFC 7323 section 2.3).
const MAX_SHIFT: u32 = 14;

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

    /// Memory that it pins.
    fn charge(&self) -> usize {
        match self {
            Chunk::Shared(buf) => buf.charge(),
            Chunk::Copied { data, .. } => data.capacity(),
        }
    }

    fn advance(&mut self, n: usize) {
        match self {
            Chunk::Shared(buf) => buf.advance(n),
            Chunk::Copied { pos, .. } => *pos += n,
        }
    }
}

fn narrow(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// See the module.
pub(super) struct RecvBuf {
    queue: VecDeque<Chunk>,
    /// Memory that the queue pins.
    pinned: usize,
    /// By offset in the stream, all of it beyond `next`; None: nothing.
    beyond: Option<Box<Beyond>>,
    /// Offset of the next byte in order.
    next: u64,
    /// Both in 32 bits: a window is at most 2^30 bytes.
    len: u32,
    limit: u32,
    pub tuning: Tuning,
}

impl RecvBuf {
    pub(super) fn new(limit: Option<usize>) -> RecvBuf {
        let mut buf = RecvBuf {
            queue: VecDeque::new(),
            pinned: 0,
            beyond: None,
            next: 0,
            len: 0,
            limit: INITIAL_LIMIT as u32,
            tuning: Tuning::new(),
        };
        buf.set_limit(limit);
        buf
    }

    /// The window that a SYN announces for a buffer of this limit: unscaled.
    pub(super) fn first_window(limit: Option<usize>) -> u16 {
        let limit = limit.map_or(INITIAL_LIMIT, |l| l.max(MIN_LIMIT));
        u16::try_from(limit).unwrap_or(u16::MAX)
    }

    /// The window shift that a SYN announces: just enough for the largest window there may be, which SO_RCVBUF and
    /// TCP_WINDOW_CLAMP fix (Linux: `tcp_select_initial_window`).
    pub(super) fn window_shift(opts: &TcpOptions) -> u8 {
        let most = opts.rcvbuf.unwrap_or(MAX_LIMIT);
        let most = most.min(super::socket::limit(opts.window_clamp) as usize);
        let bits = most.checked_ilog2().unwrap_or(0);
        bits.saturating_sub(15).min(MAX_SHIFT) as u8
    }

    /// SO_RCVBUF; None: automatic.
    pub(super) fn set_limit(&mut self, limit: Option<usize>) {
        self.tuning.fixed = limit.is_some();
        if let Some(limit) = limit {
            self.limit = narrow(limit.max(MIN_LIMIT));
        }
    }

    /// For the memory of the queue (`spare.rs`).
    pub(super) fn queue(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.queue
    }

    /// Bytes to read.
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

    /// Room under the limit.
    pub(super) const fn free(&self) -> usize {
        self.limit.saturating_sub(self.len) as usize
    }

    /// True when nothing lies beyond a gap.
    pub(super) fn is_contiguous(&self) -> bool {
        self.beyond.is_none()
    }

    /// Memory that is pinned, bytes.
    pub(super) fn memory(&self) -> usize {
        self.pinned + self.beyond.as_ref().map_or(0, |beyond| beyond.charge())
    }

    /// True when all of this is here, counted from the next byte in order.
    #[cfg(test)]
    pub(super) fn holds_beyond(&self, from: u32, to: u32) -> bool {
        let (from, to) = (self.next + u64::from(from), self.next + u64::from(to));
        self.beyond.as_ref().map_or(from == to, |beyond| beyond.holds(from, to))
    }

    /// What may be pinned beyond a gap.
    fn budget(&self, strain: Strain) -> usize {
        let whole = (2 * self.limit() + SLACK).saturating_sub(self.pinned);
        match strain {
            Strain::None => whole,
            Strain::Pressed => whole.min(PRESSED_BEYOND),
            Strain::Full => 0,
        }
    }

    /// From the next byte in order to the end of what lies beyond a gap.
    pub(super) fn extent(&self) -> usize {
        self.beyond
            .as_ref()
            .and_then(|beyond| beyond.end())
            .map_or(0, |end| usize::try_from(end.saturating_sub(self.next)).unwrap_or(usize::MAX))
    }

    /// Takes the bytes that are next in order, and what lies behind them already. Answers by how much the
    /// stream grew.
    pub(super) fn push(&mut self, buf: Buf, pool: &mut ChunkPool) -> usize {
        let before = self.next;
        self.append(buf, pool);
        if self.beyond.is_some() {
            while let Some(buf) = self.beyond.as_mut().and_then(|beyond| beyond.take(self.next)) {
                self.append(buf, pool);
            }
            self.release();
        }
        usize::try_from(self.next - before).unwrap_or(0)
    }

    /// Gives up what there is no room for beyond the gap, after bytes in order came. Answers whether anything was: what
    /// lies at [`RecvBuf::extent`] or later is not here any more.
    pub(super) fn prune(&mut self, strain: Strain) -> bool {
        if self.beyond.is_none() {
            return false;
        }
        let budget = self.budget(strain);
        let pruned = self.beyond.as_mut().is_some_and(|beyond| beyond.prune(budget));
        self.release();
        pruned
    }

    /// What lies beyond a gap holds no memory when there is nothing.
    fn release(&mut self) {
        self.beyond.take_if(|beyond| beyond.is_empty());
    }

    fn append(&mut self, buf: Buf, pool: &mut ChunkPool) {
        if buf.is_empty() {
            return;
        }
        self.len += buf.len() as u32;
        self.next += buf.len() as u64;
        if buf.len() >= SHARE_FROM && buf.len() >= buf.charge() / 2 {
            self.pinned += buf.charge();
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
            let chunk =
                Chunk::Copied { data: pool.take(chunk_size(size.min(COPY_MAX).max(rest.len()))), pos: 0 };
            self.pinned += chunk.charge();
            if self.queue.capacity() == 0 {
                // A message in each of many connections that nobody has read yet: room for one, not for four.
                self.queue.reserve_exact(1);
            }
            self.queue.push_back(chunk);
        }
    }

    /// Takes bytes that lie `gap` (not zero) beyond the next in order. The second answer is that of [`RecvBuf::prune`].
    pub(super) fn push_beyond(&mut self, gap: u32, buf: Buf, strain: Strain) -> (Put, bool) {
        let budget = self.budget(strain);
        let put = self.beyond.get_or_insert_default().put(self.next + u64::from(gap), buf, budget);
        self.release();
        put
    }

    /// Room for what will be sent while the gap lasts.
    pub(super) fn grow_for_gap(&mut self, strain: Strain) {
        if !self.tuning.fixed && strain == Strain::None {
            self.limit = self.limit.max(narrow(self.tuning.for_gap(self.extent())));
        }
    }

    /// Forgets what lies beyond a gap.
    pub(super) fn drop_out_of_order(&mut self) {
        self.beyond = None;
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
        self.len -= done as u32;
        self.tuning.on_read(done);
        done
    }

    fn pop_chunk(&mut self, pool: &mut ChunkPool) {
        let Some(chunk) = self.queue.pop_front() else { return };
        self.pinned = self.pinned.saturating_sub(chunk.charge());
        if let Chunk::Copied { data, .. } = chunk {
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
        let mut left = n.min(self.len());
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
        self.len -= done as u32;
        self.tuning.on_read(done);
        done
    }

    /// The user has read: the limit follows (`tuning.rs`), unless memory is short.
    pub(super) fn tune(&mut self, now: Instant, strain: Strain) {
        if self.tuning.fixed {
            return;
        }
        if let Some(want) = self.tuning.adjust(now, self.len(), self.extent())
            && strain == Strain::None
        {
            self.limit = self.limit.max(narrow(want));
        }
    }
}

#[cfg(test)]
#[path = "recvbuf_tests.rs"]
mod tests;
