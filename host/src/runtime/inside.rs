//! Signals while a thread is inside the library.
//!
//! A signal handler may call send, recv or close while its thread holds the runtime lock or is in the allocator.
//! So every entry raises a per-thread depth; the trampoline that wraps the program's handlers (the hook package
//! installs it) asks [`defer`] first. Deferring works without a queue of our own: the signal is sent to the thread again, and
//! everything is blocked in the interrupted context, so the kernel keeps it pending. The outermost [`Guard`] then restores
//! the mask and the kernel delivers it, with its siginfo, in its order. While a thread *waits* it is not inside.
//!
//! The same record tells a blocking call what interrupted it: a handler without SA_RESTART means EINTR (signal(7)).

use std::cell::Cell;

use super::sys;

thread_local! {
    // `const` and no destructor: no allocation, usable from a handler and after thread-local teardown.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static SAVED_MASK: Cell<Option<u64>> = const { Cell::new(None) };
    static INTERRUPTED: Cell<u8> = const { Cell::new(0) };
    static WAITING_ON: Cell<i32> = const { Cell::new(-1) };
    static DRIVING: Cell<bool> = const { Cell::new(false) };
}

/// Signals that are never deferred: faults of the interrupted instruction itself.
const SYNCHRONOUS: [i32; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// glibc's own two signals (cancellation, setxid) are never blocked: `setuid` waits for every thread to answer.
const GLIBC_RESERVED: u64 = (1 << 31) | (1 << 32);

/// While it lives, handlers of this thread are deferred.
pub struct Guard(());

/// Enters the library.
#[inline]
pub fn enter() -> Guard {
    DEPTH.set(DEPTH.get() + 1);
    Guard(())
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        let depth = DEPTH.get().saturating_sub(1);
        DEPTH.set(depth);
        if depth == 0 {
            release();
        }
    }
}

/// Delivers what was deferred.
#[inline]
fn release() {
    if let Some(mask) = SAVED_MASK.take() {
        let _ = sys::sigprocmask(libc::SIG_SETMASK, Some(mask));
    }
}

/// How deep this thread is inside the library.
pub fn depth() -> u32 {
    DEPTH.get()
}

/// Leaves the library altogether (the child of a fork starts outside).
pub(crate) fn reset() {
    DEPTH.set(0);
    set_waiting_on(-1, false);
    release();
}

/// Asked by the trampoline on delivery of `sig`: true when the handler must not run now. Then the caller has
/// already sent the signal to itself again and `mask`, the mask that the interrupted code will run with, blocks everything.
pub fn defer(sig: i32, mask: &mut u64) -> bool {
    if DEPTH.get() == 0 || SYNCHRONOUS.contains(&sig) {
        return false;
    }
    // Two signals at once make two frames, the second inside the first's first instruction: they are deferred from the inside
    // out, and the outermost frame, the last to come here, has the mask of the interrupted code.
    SAVED_MASK.set(Some(*mask));
    *mask = !GLIBC_RESERVED;
    true
}

/// What a handler that waits itself would change under the call that it interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    handlers: u8,
    waiting_on: i32,
}

/// Told by the trampoline that a handler of the program runs; `restart`: it has SA_RESTART. What it returns is for
/// [`handler_done`].
pub fn note_handler(restart: bool) -> Interrupted {
    INTERRUPTED.set(INTERRUPTED.get() | if restart { 1 } else { 2 });
    let fd = WAITING_ON.get();
    let interrupted = Interrupted { handlers: INTERRUPTED.get(), waiting_on: fd };
    if fd >= 0 && DRIVING.replace(false) {
        // The handler may take its time, or never return to the wait.
        super::drive::handler_runs();
    }
    if fd >= 0 && !restart {
        // Closes the gap between the last look at the condition and the wait itself.
        let _ = sys::write(fd, &1u64.to_ne_bytes());
    }
    interrupted
}

/// The handler has returned: the interrupted call finds what it would have found had the handler made no call.
pub fn handler_done(interrupted: Interrupted) {
    INTERRUPTED.set(interrupted.handlers);
    // Whoever drove has handed over.
    set_waiting_on(interrupted.waiting_on, false);
}

/// What interrupted this thread since the last [`clear_interrupts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// No handler ran.
    None,
    /// Only handlers with SA_RESTART.
    Restart,
    /// At least one handler without SA_RESTART.
    Fail,
}

/// Forgets what ran before this call began.
pub fn clear_interrupts() {
    INTERRUPTED.set(0);
}

/// Which handlers ran since [`clear_interrupts`].
pub fn interrupts() -> Interrupt {
    match INTERRUPTED.get() {
        0 => Interrupt::None,
        1 => Interrupt::Restart,
        _ => Interrupt::Fail,
    }
}

/// The event descriptor that this thread is about to sleep on, -1 for none, and whether it drives meanwhile.
pub(crate) fn set_waiting_on(fd: i32, driving: bool) {
    DRIVING.set(driving);
    WAITING_ON.set(fd);
}
