//! Shared, cheaply cloned views of frame bytes.
//!
//! The host reads frames into pooled `Arc<Vec<u8>>` buffers; payload is queued by reference to them. A
//! pool entry is free again when its `Arc` has one holder, so nothing is allocated per packet. A view of a
//! few bytes would pin the whole buffer: [`Buf::compact`] copies those, and [`Buf::charge`] is the memory
//! that a view really holds, for socket accounting. An empty view that was never part of a frame holds nothing.

use std::ops::Deref;
use std::sync::Arc;

/// A buffer of at most this size is kept as it is: a copy would save less than it costs.
const SMALL: usize = 256;

/// A view of bytes in a shared buffer.
#[derive(Clone, Default)]
pub struct Buf {
    /// None: empty, without an allocation.
    data: Option<Arc<Vec<u8>>>,
    start: usize,
    end: usize,
}

impl Buf {
    /// Takes a whole vector.
    pub fn from_vec(data: Vec<u8>) -> Buf {
        let end = data.len();
        Buf { data: Some(Arc::new(data)), start: 0, end }
    }

    /// Views `data[start..end]`; bounds beyond the buffer are cut to it.
    pub fn from_arc(data: Arc<Vec<u8>>, start: usize, end: usize) -> Buf {
        let end = end.min(data.len());
        Buf { start: start.min(end), end, data: Some(data) }
    }

    /// Copies `bytes` into a buffer of exactly their size.
    pub fn copy_from(bytes: &[u8]) -> Buf {
        Buf::from_vec(bytes.to_vec())
    }

    /// The bytes in view.
    pub fn as_slice(&self) -> &[u8] {
        self.data.as_deref().and_then(|d| d.get(self.start..self.end)).unwrap_or(&[])
    }

    /// Number of bytes in view.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// True when nothing is in view.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// A view of `start..end` of this view; bounds beyond it are cut.
    pub fn slice(&self, start: usize, end: usize) -> Buf {
        let end = self.start.saturating_add(end).min(self.end);
        let start = self.start.saturating_add(start).min(end);
        Buf { data: self.data.clone(), start, end }
    }

    /// Drops the first `n` bytes from the view.
    pub fn advance(&mut self, n: usize) {
        self.start = self.start.saturating_add(n).min(self.end);
    }

    /// Keeps only the first `n` bytes in view.
    pub fn truncate(&mut self, n: usize) {
        self.end = self.start.saturating_add(n).min(self.end);
    }

    /// Bytes of memory that this view keeps alive (the whole backing buffer).
    pub fn charge(&self) -> usize {
        self.data.as_ref().map_or(0, |d| d.capacity())
    }

    /// Copies the view into a buffer of its own when it uses less than half of the one it pins, a small one excepted.
    pub fn compact(self) -> Buf {
        let pinned = self.charge();
        if pinned > SMALL && self.len() < pinned / 2 { Buf::copy_from(self.as_slice()) } else { self }
    }
}

impl Deref for Buf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl std::fmt::Debug for Buf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buf({} of {} bytes)", self.len(), self.charge())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_stay_inside_their_buffer() {
        let mut b = Buf::from_vec((0..10).collect());
        assert_eq!(&b.slice(2, 5)[..], &[2, 3, 4]);
        assert_eq!(b.slice(8, 50).len(), 2);
        assert!(b.slice(50, 60).is_empty());
        b.advance(3);
        b.truncate(2);
        assert_eq!(&b[..], &[3, 4]);
        b.advance(9);
        assert!(b.is_empty());
    }

    #[test]
    fn compact_frees_a_pinned_buffer() {
        let big = Buf::from_vec(vec![7; 4096]);
        let small = big.slice(10, 20).compact();
        assert_eq!(&small[..], &[7; 10]);
        assert!(small.charge() < 100);
        assert_eq!(big.slice(0, 4000).compact().charge(), 4096);
        let small = Buf::from_vec(vec![7; SMALL]);
        assert_eq!(small.slice(10, 20).compact().charge(), SMALL);
    }

    #[test]
    fn an_empty_view_holds_nothing() {
        let mut b = Buf::default();
        b.advance(1);
        b.truncate(1);
        assert!(b.is_empty() && b.as_slice().is_empty() && b.slice(0, 9).is_empty());
        assert_eq!(b.charge(), 0);
    }
}
