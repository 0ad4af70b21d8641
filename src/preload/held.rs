//! Keeps real-time signals of one number in the order they were sent (POSIX, 2.4.2), although postponing one puts
//! it behind those that wait in the kernel.
//!
//! A postponed siginfo is held here and a *token* is sent in its place. Whatever the kernel delivers next under that
//! number, the signal that was sent later or the token, the one held longest is handed out; a later signal takes its
//! place at the end. There are as many tokens on their way as siginfos here, so none stays behind.
//!
//! Per thread, in thread-local memory (an alternate signal stack may be small), touched only while every signal is blocked.
//! Limits: beyond 16 the order is lost, not the signal. A signal is lost if the kernel cannot queue it again (RLIMIT_SIGPENDING).

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;

use libc::{c_int, siginfo_t};
use matnet_host::runtime::sys;

const ROOM: usize = 16;

/// Marks a token; a user's siginfo may have any negative code, hence also the errno.
const TOKEN: (c_int, c_int) = (-0x6d61, 0x746e_6574);

struct Held {
    count: Cell<usize>,
    /// The process that holds them: the child of a fork has no signals waiting.
    owner: Cell<c_int>,
    infos: UnsafeCell<[MaybeUninit<siginfo_t>; ROOM]>,
}

thread_local! {
    // `const` and no destructor: no allocation, and it can be used to the thread's very end.
    static HELD: Held = const {
        Held { count: Cell::new(0), owner: Cell::new(0), infos: UnsafeCell::new([MaybeUninit::uninit(); ROOM]) }
    };
}

/// True when this thread holds signals.
pub(super) fn any() -> bool {
    HELD.with(|h| h.count.get() > 0 && h.owner.get() == sys::getpid())
}

/// True for what was sent in place of a held signal.
pub(super) fn is_token(info: &siginfo_t) -> bool {
    (info.si_code, info.si_errno) == TOKEN
}

/// A token for `sig`.
pub(super) fn token(sig: c_int) -> siginfo_t {
    // SAFETY: all zero is a valid value of this structure.
    let mut info: siginfo_t = unsafe { std::mem::zeroed() };
    info.si_signo = sig;
    (info.si_code, info.si_errno) = TOKEN;
    info
}

/// Holds a signal; false when there is no room.
pub(super) fn push(info: &siginfo_t) -> bool {
    HELD.with(|h| {
        if !any() {
            h.count.set(0);
            h.owner.set(sys::getpid());
        }
        // SAFETY: this thread's own, and no signal can come in between.
        let infos = unsafe { &mut *h.infos.get() };
        let Some(entry) = infos.get_mut(h.count.get()) else { return false };
        entry.write(*info);
        h.count.set(h.count.get() + 1);
        true
    })
}

/// Takes the signal `sig` that was held longest.
pub(super) fn pop(sig: c_int) -> Option<siginfo_t> {
    if !any() {
        return None;
    }
    HELD.with(|h| {
        let count = h.count.get();
        // SAFETY: as in `push`.
        let infos = unsafe { &mut *h.infos.get() }.get_mut(..count)?;
        // SAFETY: the first `count` were written.
        let index = infos.iter().position(|i| unsafe { i.assume_init_ref() }.si_signo == sig)?;
        let found = *infos.get(index)?;
        infos.get_mut(index..)?.rotate_left(1);
        h.count.set(count - 1);
        // SAFETY: as above.
        Some(unsafe { found.assume_init() })
    })
}

/// Takes back what was pushed last.
pub(super) fn unpush() {
    HELD.with(|h| h.count.set(h.count.get().saturating_sub(1)));
}
