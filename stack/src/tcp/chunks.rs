//! Memory of the send and receive buffers, shared by all connections and used again and again.
//!
//! A chunk is a vector whose capacity is a power of two from 256 bytes to 64 kB. What is given back waits in a list of its
//! size, so that in a steady state no buffer allocates; a list keeps 1 MB, that of the largest 8 MB (two full send
//! buffers), and what comes beyond is freed. A chunk in a list keeps its length: taking it for a read from a file then fills nothing anew.

/// Smallest and largest chunk, bytes.
pub(super) const MIN_CHUNK: usize = 256;
pub(super) const MAX_CHUNK: usize = 64 << 10;
/// Sizes between, both ends included.
const CLASSES: usize = 9;
/// Bytes kept of the largest, and of each other size.
const KEPT_LARGE: usize = 8 << 20;
const KEPT: usize = 1 << 20;

/// See the module. The last used is on top.
pub(super) struct ChunkPool {
    lists: [Vec<Vec<u8>>; CLASSES],
}

/// The size of a chunk that holds `len` bytes, or as many as the largest does.
pub(super) fn chunk_size(len: usize) -> usize {
    len.clamp(MIN_CHUNK, MAX_CHUNK).next_power_of_two()
}

impl ChunkPool {
    pub(super) const fn new() -> ChunkPool {
        ChunkPool { lists: [const { Vec::new() }; CLASSES] }
    }

    fn list(&mut self, size: usize) -> Option<&mut Vec<Vec<u8>>> {
        let class = size.trailing_zeros().checked_sub(MIN_CHUNK.trailing_zeros())?;
        if size.is_power_of_two() { self.lists.get_mut(class as usize) } else { None }
    }

    /// An empty chunk of `size`, as [`chunk_size`] has it.
    pub(super) fn take(&mut self, size: usize) -> Vec<u8> {
        let mut chunk = self.list(size).and_then(Vec::pop).unwrap_or_else(|| Vec::with_capacity(size));
        chunk.clear();
        chunk
    }

    /// A chunk of `size` with as many bytes in it, whatever they are.
    pub(super) fn take_full(&mut self, size: usize) -> Vec<u8> {
        let mut chunk = self.list(size).and_then(Vec::pop).unwrap_or_else(|| Vec::with_capacity(size));
        chunk.resize(size, 0);
        chunk
    }

    /// Takes a chunk back.
    pub(super) fn give(&mut self, chunk: Vec<u8>) {
        let size = chunk.capacity();
        let most = if size == MAX_CHUNK { KEPT_LARGE } else { KEPT } / size.max(1);
        if let Some(list) = self.list(size) {
            if list.len() < most {
                list.push(chunk);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_and_are_bounded() {
        let mut pool = ChunkPool::new();
        for len in [0, 1, 256, 257, 2048, 2049, 5000, 60_000, 1 << 20] {
            let size = chunk_size(len);
            let mut chunk = pool.take(size);
            assert!(chunk.is_empty() && chunk.capacity() == size && size >= len.min(MAX_CHUNK));
            chunk.extend_from_slice(&[7; 200]);
            let at = chunk.as_ptr();
            pool.give(chunk);
            let again = pool.take_full(size);
            assert_eq!((again.as_ptr(), again.len()), (at, size));
            pool.give(again);
        }
        let many: Vec<_> = (0..5000).map(|_| pool.take(MIN_CHUNK)).collect();
        many.into_iter().for_each(|c| pool.give(c));
        assert_eq!(pool.lists[0].len(), KEPT / MIN_CHUNK);
        // What is no chunk is not kept.
        pool.give(Vec::with_capacity(3000));
        pool.give(Vec::new());
        pool.give(Vec::with_capacity(1 << 20));
        assert_eq!(pool.lists[1].len(), 1);
    }
}
