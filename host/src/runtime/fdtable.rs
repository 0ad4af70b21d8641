//! The slot table: which descriptor numbers are ours. One atomic load answers for any number.
//!
//! 2^20 entries of four bytes in .bss: untouched pages cost nothing. The kernel's own ceiling (fs.nr_open) is 2^20 too; a
//! number at or above it is never ours. A slot is written only under the runtime lock; hooks read it without. The
//! table must never lie: every call that closes or makes a descriptor is hooked and clears or checks its slot.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Highest descriptor number served, plus one.
pub const MAX_FDS: usize = 1 << 20;

static SLOTS: [AtomicU32; MAX_FDS] = [const { AtomicU32::new(0) }; MAX_FDS];

/// One more than the highest number that was ever special: where a scan may stop.
static HIGH_WATER: AtomicUsize = AtomicUsize::new(0);

// A file's entry is FIRST_FILE + 2 * index, plus one for a datagram socket: the data calls branch on that without the lock.
const KERNEL: u32 = 0;
const INTERNAL: u32 = 2;
const INHERITED: u32 = 4;
const FIRST_FILE: u32 = 6;

/// Whose a descriptor number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The kernel's: the real call.
    Kernel,
    /// The library's own (device, events): not the program's to use.
    Internal,
    /// A socket of ours that came through fork: its stack is in the parent.
    Inherited,
    /// A socket of ours: index of its file.
    File(u32),
}

/// What `fd` is.
#[inline]
pub fn get(fd: RawFd) -> Slot {
    let Some(slot) = usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)) else { return Slot::Kernel };
    match slot.load(Ordering::Acquire) {
        KERNEL => Slot::Kernel,
        INTERNAL => Slot::Internal,
        INHERITED => Slot::Inherited,
        n => Slot::File((n - FIRST_FILE) >> 1),
    }
}

/// True when a hook must not simply make the real call.
#[inline]
pub fn is_special(fd: RawFd) -> bool {
    usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)).is_some_and(|s| s.load(Ordering::Acquire) != KERNEL)
}

/// True when `fd` is a socket of ours (inherited ones included).
#[inline]
pub fn is_ours(fd: RawFd) -> bool {
    usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)).is_some_and(|s| s.load(Ordering::Acquire) > INTERNAL)
}

/// True for the library's own descriptors.
#[inline]
pub fn is_internal(fd: RawFd) -> bool {
    get(fd) == Slot::Internal
}

/// True for a file of ours that is a datagram socket.
#[inline]
pub fn is_datagram(fd: RawFd) -> bool {
    usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)).is_some_and(|s| {
        let value = s.load(Ordering::Acquire);
        value >= FIRST_FILE && value & 1 == 1
    })
}

/// Notes that `fd` names file `index`; false when the number is beyond the table.
pub(crate) fn set_file(fd: RawFd, index: u32, datagram: bool) -> bool {
    store(fd, FIRST_FILE.saturating_add(index.saturating_mul(2)) | u32::from(datagram))
}

/// Notes that `fd` is the kernel's again.
pub(crate) fn clear(fd: RawFd) {
    store(fd, KERNEL);
}

/// Notes that `fd` is the library's own; false when the number is beyond the table.
pub(crate) fn set_internal(fd: RawFd) -> bool {
    store(fd, INTERNAL)
}

fn store(fd: RawFd, value: u32) -> bool {
    let Some(entry) = usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)) else { return false };
    if value != KERNEL {
        HIGH_WATER.fetch_max(fd as usize + 1, Ordering::Relaxed);
    }
    entry.store(value, Ordering::Release);
    true
}

/// Numbers from `first` up that are not simply the kernel's, ascending.
pub(crate) fn special_from(first: u32) -> impl Iterator<Item = u32> {
    let end = HIGH_WATER.load(Ordering::Relaxed);
    (first as usize..end).filter(|&i| is_special(i as RawFd)).map(|i| i as u32)
}

/// Marks a number as an inherited socket (a dup of one).
pub(crate) fn mark_inherited(fd: RawFd) {
    store(fd, INHERITED);
}

/// Clears the slot of an inherited socket; other slots stay.
pub(crate) fn forget_inherited(fd: RawFd) {
    if get(fd) == Slot::Inherited {
        clear(fd);
    }
}
