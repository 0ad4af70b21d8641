//! Memory of queues that are empty just now, for whichever connection needs one next.
//!
//! A connection that moves data needs queues (of chunks to send, of chunks to read, of what is in flight); an idle one does
//! not, and a program may have ten thousand of those. So an empty queue hands its memory over here, and a connection at work borrows
//! some: nothing is allocated for a packet, and idle connections hold nothing.

use std::collections::VecDeque;

/// Entries of all that is kept: 640 kB when an entry is 40 bytes.
const MAX_ENTRIES: usize = 16 << 10;
/// Memory for entries of one kind.
pub(super) struct Spare<T> {
    queues: Vec<VecDeque<T>>,
    entries: usize,
}

impl<T> Spare<T> {
    pub(super) const fn new() -> Spare<T> {
        Spare { queues: Vec::new(), entries: 0 }
    }

    /// Gives memory to a queue that has none.
    pub(super) fn lend(&mut self, queue: &mut VecDeque<T>) {
        if queue.capacity() == 0
            && let Some(spare) = self.queues.pop()
        {
            self.entries = self.entries.saturating_sub(spare.capacity());
            *queue = spare;
        }
    }

    /// Takes the memory of a queue that is empty.
    pub(super) fn take_back(&mut self, queue: &mut VecDeque<T>) {
        if queue.is_empty() && queue.capacity() > 0 {
            let queue = std::mem::take(queue);
            if self.entries + queue.capacity() <= MAX_ENTRIES {
                self.entries += queue.capacity();
                self.queues.push(queue);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_used_again() {
        let mut spare = Spare::new();
        let mut queue = VecDeque::from([1, 2, 3]);
        spare.take_back(&mut queue);
        assert_eq!(queue.len(), 3);
        queue.clear();
        let room = queue.capacity();
        spare.take_back(&mut queue);
        assert_eq!((queue.capacity(), spare.entries), (0, room));
        let mut other = VecDeque::new();
        spare.lend(&mut other);
        assert_eq!((other.capacity(), spare.entries, spare.queues.len()), (room, 0, 0));
        other.push_back(9);
        spare.lend(&mut other);
        assert_eq!(other, [9]);
        for _ in 0..1000 {
            spare.take_back(&mut VecDeque::with_capacity(1000));
        }
        assert!(spare.entries <= MAX_ENTRIES && spare.queues.len() <= 16);
    }
}
