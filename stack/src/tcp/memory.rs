//! Memory of all connections together: what their buffers hold, and what happens when it is too much (Linux: tcp_mem).
//!
//! Each connection carries a [`Charge`]: the memory that its receive queue pins, the pieces beyond a gap included, and the bytes in its
//! send buffer. It is brought up to date after everything that touches the connection and gives itself back when the connection
//! is dropped, so the sum cannot drift. Two marks, as in the kernel: above two thirds of the limit the stack is *pressed* (receive
//! windows stop growing and new ones are small, what lies beyond a gap gets little room), above the limit it is *full* (nothing beyond a
//! gap is kept; a segment in order is taken only by a connection that holds none; a send only by one whose buffer is empty, and
//! poll(2) tells the others that there is no room).
//! So a stack that is full still moves each connection, a little at a time, and what is read or acknowledged ends it.
//!
//! Limits. Frames on their way to or from the device, and datagram sockets, are not counted; those have limits of their own. The
//! counts are atomic only because connections must be able to move between threads; all use is under the host's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The limit when the host names none, bytes: 9.4 % of 2 GB, the share that Linux takes (tcp_init_mem).
pub(super) const DEFAULT_LIMIT: usize = 192 << 20;

/// How the memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strain {
    None,
    Pressed,
    Full,
}

#[derive(Debug)]
struct Total {
    held: AtomicUsize,
    limit: AtomicUsize,
}

/// The sum over all connections, and its limit.
#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<Total>);

impl Memory {
    /// `limit` in bytes; 0: the default.
    pub(super) fn new(limit: usize) -> Memory {
        let memory = Memory(Arc::new(Total { held: AtomicUsize::new(0), limit: AtomicUsize::new(0) }));
        memory.set_limit(limit);
        memory
    }

    pub(super) fn set_limit(&self, limit: usize) {
        let limit = if limit == 0 { DEFAULT_LIMIT } else { limit };
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes held now.
    pub(super) fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }

    pub(super) fn strain(&self) -> Strain {
        let held = self.0.held.load(Ordering::Relaxed);
        let limit = self.0.limit.load(Ordering::Relaxed);
        if held > limit {
            Strain::Full
        } else if held > limit / 3 * 2 {
            Strain::Pressed
        } else {
            Strain::None
        }
    }
}

/// What one connection holds of it.
#[derive(Debug, Default)]
pub(super) struct Charge {
    memory: Option<Memory>,
    bytes: usize,
}

impl Charge {
    /// From now on `bytes` are held, of `memory`.
    pub(super) fn set(&mut self, memory: &Memory, bytes: usize) {
        self.memory.get_or_insert_with(|| memory.clone());
        self.renew(bytes);
    }

    /// The same for one that holds something.
    pub(super) fn renew(&mut self, bytes: usize) {
        let Some(memory) = &self.memory else { return };
        if bytes == self.bytes {
            return;
        }
        let total = &memory.0.held;
        let held = total.load(Ordering::Relaxed).saturating_add(bytes).saturating_sub(self.bytes);
        total.store(held, Ordering::Relaxed);
        self.bytes = bytes;
    }

    /// How the memory is that this is part of. A connection that never held anything need not care.
    pub(super) fn strain(&self) -> Strain {
        self.memory.as_ref().map_or(Strain::None, Memory::strain)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            let held = memory.0.held.load(Ordering::Relaxed).saturating_sub(self.bytes);
            memory.0.held.store(held, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_gives_itself_back() {
        let memory = Memory::new(300);
        let mut one = Charge::default();
        let mut other = Charge::default();
        assert_eq!(one.strain(), Strain::None);
        one.set(&memory, 150);
        other.set(&memory, 60);
        assert_eq!((memory.held(), one.strain()), (210, Strain::Pressed));
        other.set(&memory, 151);
        assert_eq!((memory.held(), other.strain()), (301, Strain::Full));
        one.set(&memory, 10);
        assert_eq!((memory.held(), memory.strain()), (161, Strain::None));
        drop(other);
        assert_eq!(memory.held(), 10);
        drop(one);
        assert_eq!(memory.held(), 0);
        memory.set_limit(0);
        assert_eq!(memory.0.limit.load(Ordering::Relaxed), DEFAULT_LIMIT);
    }
}
