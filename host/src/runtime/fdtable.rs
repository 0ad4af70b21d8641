//! The slot table: which descriptor numbers are ours. One atomic load answers for any number.
//!
//! 2^20 entries of four bytes in .bss: untouched pages cost nothing. The kernel's own ceiling (fs.nr_open) is 2^20 too; a
//! number at or above it is never ours. A slot is written only under the runtime lock; hooks read it without. The
//! table must never lie: every call that closes or makes a descriptor is hooked and clears or checks its slot.
//!
//! An epoll descriptor stays the kernel's, but its slot has a *mark*: a candidate (made by a hook, no socket of ours in it so far)
//! or a served set (see `sets`). Copies of a candidate carry the same serial number, so that they are known to be one set. An
//! epoll descriptor without a mark came from elsewhere; sockets of ours go into it by their mirror.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};

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
/// From here on the descriptor is the kernel's, with a mark: CANDIDATE | MIXED? | serial, or SERVED | index.
const CANDIDATE: u32 = 1 << 30;
const SERVED: u32 = 1 << 31;
/// A netlink socket whose requests are looked at: the candidate that no number is given to.
const NETLINK: u32 = CANDIDATE;
/// The program has put descriptors of the kernel into the candidate.
const MIXED: u32 = 1 << 29;
/// A candidate's number; it comes round after half a billion sets.
const SERIAL: u32 = MIXED - 1;

/// Threads in the kernel's epoll_wait on a candidate, by number.
static WAITERS: [AtomicU32; MAX_FDS] = [const { AtomicU32::new(0) }; MAX_FDS];
static NEXT_SERIAL: AtomicU32 = AtomicU32::new(1);
/// A candidate was copied at some time: its other numbers have to be searched for.
static COPIED: AtomicBool = AtomicBool::new(false);

/// What is known of an epoll descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It may be served once a socket of ours enters it.
    Candidate,
    /// Index of the served set.
    Served(u32),
}

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
        CANDIDATE.. => Slot::Kernel,
        n => Slot::File((n - FIRST_FILE) >> 1),
    }
}

#[inline]
fn load(fd: RawFd) -> u32 {
    usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)).map_or(KERNEL, |s| s.load(Ordering::Acquire))
}

/// True when a hook must not simply make the real call.
#[inline]
pub fn is_special(fd: RawFd) -> bool {
    load(fd).wrapping_sub(1) < CANDIDATE - 1
}

/// True when the slot says anything at all: [`is_special`], or an epoll descriptor with a mark. For the calls that close, copy
/// or make a number.
#[inline]
pub fn is_noted(fd: RawFd) -> bool {
    load(fd) != KERNEL
}

/// What is known of the epoll descriptor `fd`.
#[inline]
pub fn mark(fd: RawFd) -> Option<Mark> {
    match load(fd) {
        n @ SERVED.. => Some(Mark::Served(n - SERVED)),
        n if n >= CANDIDATE && n != NETLINK => Some(Mark::Candidate),
        _ => None,
    }
}

/// Who moves the messages of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The kernel: the real call.
    Kernel,
    /// This library ([`is_special`]).
    Own,
    /// The kernel, but what is asked and answered is looked at ([`is_netlink`]).
    Netlink,
}

/// Who moves the messages of `fd`, by one load.
#[inline]
pub fn carrier(fd: RawFd) -> Carrier {
    match load(fd).wrapping_sub(1) {
        n if n >= NETLINK => Carrier::Kernel,
        n if n != NETLINK - 1 => Carrier::Own,
        _ => Carrier::Netlink,
    }
}

/// True for a netlink socket whose requests are looked at.
#[inline]
pub fn is_netlink(fd: RawFd) -> bool {
    load(fd) == NETLINK
}

/// Notes that `fd` is such a netlink socket, which nobody else knows yet.
pub fn set_netlink(fd: RawFd) {
    store(fd, NETLINK);
}

/// `fd` was such a netlink socket and is closed or replaced.
pub(crate) fn forget_netlink(fd: RawFd) {
    if is_netlink(fd) {
        clear(fd);
    }
}

/// True when `fd` is a socket of ours or an epoll descriptor with a mark: poll may have to look closer.
#[inline]
pub fn is_ours_or_set(fd: RawFd) -> bool {
    load(fd) > INTERNAL
}

/// True when `fd` is a socket of ours (inherited ones included).
#[inline]
pub fn is_ours(fd: RawFd) -> bool {
    let value = load(fd);
    value > INTERNAL && value < CANDIDATE
}

/// True for the library's own descriptors.
#[inline]
pub fn is_internal(fd: RawFd) -> bool {
    get(fd) == Slot::Internal
}

/// True for a file of ours that is a datagram socket.
#[inline]
pub fn is_datagram(fd: RawFd) -> bool {
    let value = load(fd);
    (FIRST_FILE..CANDIDATE).contains(&value) && value & 1 == 1
}

/// Numbers that a `FILE` of libc is known to have, a bit each.
static STREAMS: [AtomicU32; MAX_FDS / 32] = [const { AtomicU32::new(0) }; MAX_FDS / 32];

/// A `FILE` on `fd` was opened (`there`) or is about to be closed.
pub fn note_stream(fd: RawFd, there: bool) {
    let Some(fd) = usize::try_from(fd).ok() else { return };
    let Some(word) = STREAMS.get(fd / 32) else { return };
    let bit = 1 << (fd % 32);
    if there {
        word.fetch_or(bit, Ordering::Relaxed);
    } else {
        word.fetch_and(!bit, Ordering::Relaxed);
    }
}

/// True when libc may read and write `fd` by itself: the standard streams, and what [`note_stream`] knows.
#[inline]
pub(crate) fn may_have_stream(fd: RawFd) -> bool {
    let Some(fd) = usize::try_from(fd).ok() else { return false };
    fd <= 2 || STREAMS.get(fd / 32).is_some_and(|w| w.load(Ordering::Relaxed) & (1 << (fd % 32)) != 0)
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

/// As [`special_from`], epoll descriptors with a mark included.
pub(crate) fn noted_from(first: u32) -> impl Iterator<Item = u32> {
    let end = HIGH_WATER.load(Ordering::Relaxed);
    (first as usize..end).filter(|&i| is_noted(i as RawFd)).map(|i| i as u32)
}

/// Forgets the marks of numbers that are about to be closed, in a process without a stack.
pub fn forget_marks(first: u32, last: u32) {
    noted_from(first).take_while(|&fd| fd <= last).for_each(|fd| forget_kernel(fd as RawFd));
}

/// Notes a new epoll descriptor. Without the lock: the number is known to nobody yet.
pub fn set_candidate(fd: RawFd) {
    let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed) & SERIAL;
    // 0 is a netlink socket's.
    store(fd, CANDIDATE | serial.max(1));
}

/// `new` has become another number of what `old` names; only a candidate's mark goes over.
pub(crate) fn copy_candidate(old: RawFd, new: RawFd) {
    let value = load(old);
    if value == NETLINK {
        store(new, value);
    } else if (CANDIDATE..SERVED).contains(&value) {
        COPIED.store(true, Ordering::SeqCst);
        store(new, value);
        // Against `serve`: it sees the new number, or the caller the old one's new mark.
        fence(Ordering::SeqCst);
    }
}

/// A descriptor of the kernel enters the set `fd`; false when `fd` is no candidate (any more).
pub fn mix_candidate(fd: RawFd) -> bool {
    let Some(slot) = usize::try_from(fd).ok().and_then(|i| SLOTS.get(i)) else { return false };
    let mixed = |n| if (NETLINK + 1..SERVED).contains(&n) { Some(n | MIXED) } else { None };
    slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, mixed).is_ok()
}

/// Makes every number of the candidate `fd` a name of the served set `index`: the numbers, and whether the kernel's descriptors
/// are in it. None: not a candidate.
pub(crate) fn serve(fd: RawFd, index: u32) -> Option<(Vec<RawFd>, bool)> {
    let mut mixed = false;
    let names = each_copy(fd, |slot| mixed |= slot.swap(SERVED | index, Ordering::AcqRel) & MIXED != 0)?;
    // Against `enter_kernel`: either that thread sees the new mark, or `in_kernel` sees that thread.
    fence(Ordering::SeqCst);
    Some((names, mixed))
}

/// Forgets the mark of every number of the candidate `fd`: it is the kernel's for good.
pub(crate) fn demote(fd: RawFd) {
    let _ = each_copy(fd, |slot| slot.store(KERNEL, Ordering::Release));
}

/// Every number of the candidate `fd`, after `change` of its slot.
fn each_copy(fd: RawFd, mut change: impl FnMut(&AtomicU32)) -> Option<Vec<RawFd>> {
    let wanted = load(fd);
    if !(CANDIDATE..SERVED).contains(&wanted) {
        return None;
    }
    let mut names = vec![fd];
    if let Some(slot) = SLOTS.get(usize::try_from(fd).ok()?) {
        change(slot);
    }
    fence(Ordering::SeqCst);
    if COPIED.load(Ordering::SeqCst) {
        for other in noted_from(0) {
            let Some(slot) = SLOTS.get(other as usize) else { continue };
            if (slot.load(Ordering::Acquire) ^ wanted) & !MIXED == 0 {
                change(slot);
                names.push(other as RawFd);
            }
        }
    }
    Some(names)
}

/// Notes that `fd` names the served set `index`; false when the number is beyond the table.
pub(crate) fn set_served(fd: RawFd, index: u32) -> bool {
    store(fd, SERVED | index)
}

/// A thread in the kernel's epoll_wait; ends with a drop, by cancellation too.
#[derive(Debug)]
pub struct InKernel(RawFd);

/// The calling thread is about to enter the kernel's epoll_wait on the candidate `fd`; None when it is none any more.
pub fn enter_kernel(fd: RawFd) -> Option<InKernel> {
    let count = usize::try_from(fd).ok().and_then(|i| WAITERS.get(i))?;
    count.fetch_add(1, Ordering::SeqCst);
    let guard = InKernel(fd);
    fence(Ordering::SeqCst);
    (mark(fd) == Some(Mark::Candidate)).then_some(guard)
}

impl Drop for InKernel {
    fn drop(&mut self) {
        if let Some(count) = usize::try_from(self.0).ok().and_then(|i| WAITERS.get(i)) {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// How many threads are in the kernel's epoll_wait on `fd`.
pub(crate) fn in_kernel(fd: RawFd) -> u32 {
    usize::try_from(fd).ok().and_then(|i| WAITERS.get(i)).map_or(0, |n| n.load(Ordering::SeqCst))
}

/// In the child of a fork: sets are the parent's, and so are the threads that wait on them.
pub(crate) fn forget_sets() {
    for fd in noted_from(0) {
        if mark(fd as RawFd).is_some() {
            clear(fd as RawFd);
            if let Some(n) = WAITERS.get(fd as usize) {
                n.store(0, Ordering::Relaxed);
            }
        }
    }
}

/// Marks a number as an inherited socket (a dup of one).
pub(crate) fn mark_inherited(fd: RawFd) {
    store(fd, INHERITED);
}

/// Clears the slot of an inherited socket.
pub(crate) fn forget_inherited(fd: RawFd) {
    if get(fd) == Slot::Inherited {
        clear(fd);
    }
}

/// Clears the slot of an inherited socket or an epoll descriptor; other slots stay.
pub(crate) fn forget_kernel(fd: RawFd) {
    if get(fd) == Slot::Inherited || mark(fd).is_some() || is_netlink(fd) {
        clear(fd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers that no test has open.
    const BASE: RawFd = 900_000;

    #[test]
    fn marks_are_the_kernels_descriptors() {
        let (a, b) = (BASE, BASE + 1);
        set_candidate(a);
        set_candidate(b);
        assert_eq!((get(a), mark(a)), (Slot::Kernel, Some(Mark::Candidate)));
        assert!(is_noted(a) && is_ours_or_set(a));
        assert!(!is_special(a) && !is_ours(a) && !is_internal(a) && !is_datagram(a));
        assert!(mix_candidate(a));
        assert_eq!(serve(a, 5), Some((vec![a], true)));
        assert_eq!(serve(a, 6), None);
        assert_eq!((get(a), mark(a)), (Slot::Kernel, Some(Mark::Served(5))));
        assert!(!is_special(a) && !is_ours(a) && !is_datagram(a));
        assert!(!mix_candidate(a));
        assert_eq!(serve(b, 6), Some((vec![b], false)));
        clear(a);
        clear(b);
        assert_eq!((mark(a), is_noted(b)), (None, false));
    }

    #[test]
    fn copies_are_one_set() {
        let (a, b, c, other) = (BASE + 10, BASE + 11, BASE + 12, BASE + 13);
        set_candidate(a);
        set_candidate(other);
        copy_candidate(a, b);
        mix_candidate(b);
        copy_candidate(a, c);
        let (mut names, mixed) = serve(c, 9).unwrap();
        names.sort_unstable();
        assert_eq!((names, mixed), (vec![a, b, c], true));
        assert_eq!(mark(a), Some(Mark::Served(9)));
        assert_eq!(mark(other), Some(Mark::Candidate));
        demote(other);
        assert_eq!(mark(other), None);
        // Only a candidate's mark is copied: a served set knows its numbers.
        copy_candidate(a, other);
        assert_eq!(mark(other), None);
        for fd in [a, b, c] {
            clear(fd);
        }
    }

    #[test]
    fn waiters_in_the_kernel_are_seen() {
        let a = BASE + 20;
        assert!(enter_kernel(a).is_none());
        set_candidate(a);
        let guard = enter_kernel(a);
        assert!(guard.is_some());
        assert_eq!(in_kernel(a), 1);
        serve(a, 1);
        assert!(enter_kernel(a).is_none());
        assert_eq!(in_kernel(a), 1);
        drop(guard);
        assert_eq!(in_kernel(a), 0);
        clear(a);
    }
}
