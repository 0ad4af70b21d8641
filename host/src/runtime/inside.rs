//! Signals while a thread is inside the library.
//!
//! A signal handler may call send, recv or close while its thread holds the runtime lock or is in the allocator.
//! So every entry raises a per-thread depth; the trampoline that wraps the program's handlers (the hook package
//! installs it) asks [`defer`] first. Deferring works without a queue of our own: the signal is sent to the thread again, and
//! everything is blocked in the interrupted context, so the kernel keeps it pending. The outermost [`Guard`] then restores
//! the mask and the kernel delivers it, with its siginfo, in its order. While a thread *waits* it is not inside.
//!
//! Cancellation in a handler. glibc before 2.41 makes it asynchronous for the length of a blocking call, and so for a handler
//! that interrupts one: it could take the runtime lock along into the grave. So handlers run with deferred cancellation. And
//! where a handler interrupted the library itself, which can be unwound from its calls but not from any instruction, its own
//! cancellation points (write) leave the cancellation to the next one after it.
//!
//! The same record tells a blocking call what interrupted it: a handler without SA_RESTART means EINTR (signal(7)).

use std::cell::Cell;

use libc::c_int;

use super::sys;

unsafe extern "C-unwind" {
    /// pthread_setcanceltype(3); cancels when it allows asynchronous cancellation and that was asked for.
    fn pthread_setcanceltype(new: c_int, old: *mut c_int) -> c_int;
    /// pthread_setcancelstate(3)
    fn pthread_setcancelstate(new: c_int, old: *mut c_int) -> c_int;
    /// pthread_testcancel(3)
    fn pthread_testcancel();
}

/// Values of glibc's pthread.h.
const CANCEL_DEFERRED: c_int = 0;
const CANCEL_ASYNCHRONOUS: c_int = 1;
const CANCEL_ENABLE: c_int = 0;
const CANCEL_DISABLE: c_int = 1;

thread_local! {
    // `const` and no destructor: no allocation, usable from a handler and after thread-local teardown.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static SAVED_MASK: Cell<Option<u64>> = const { Cell::new(None) };
    static INTERRUPTED: Cell<u8> = const { Cell::new(0) };
    static WAITING_ON: Cell<i32> = const { Cell::new(-1) };
    static DRIVING: Cell<u64> = const { Cell::new(0) };
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
    static IN_PPOLL: Cell<bool> = const { Cell::new(false) };
    static UNCANCELLABLE: Cell<bool> = const { Cell::new(false) };
}

/// Signals that are never deferred: faults of the interrupted instruction itself.
const SYNCHRONOUS: [i32; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// glibc's own two signals (cancellation, setxid) are never blocked: `setuid` waits for every thread to answer.
const GLIBC_RESERVED: u64 = (1 << 31) | (1 << 32);

/// SIGBUS and SIGSEGV.
const FAULTS: u64 = (1 << (libc::SIGBUS - 1)) | (1 << (libc::SIGSEGV - 1));

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

/// A call that is a cancellation point begins: POSIX wants a pending cancellation acted upon even if the call need not wait
/// (2.9.5). Outside the lock only.
#[inline]
pub fn cancellation_point() {
    if DEPTH.get() == 0 {
        // SAFETY: no arguments.
        unsafe { pthread_testcancel() };
    }
}

/// How deep this thread is inside the library.
pub fn depth() -> u32 {
    DEPTH.get()
}

/// Leaves the library altogether (the child of a fork starts outside).
pub(crate) fn reset() {
    DEPTH.set(0);
    set_waiting_on(-1, 0);
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
    // Faults stay open: a probe of a bad pointer must not end the process (`probe`).
    *mask = !(GLIBC_RESERVED | FAULTS & !*mask);
    true
}

/// What a handler that waits itself would change under the call that it interrupted.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    handlers: u8,
    waiting_on: i32,
    cancel_type: c_int,
    in_call: bool,
    in_ppoll: bool,
    uncancellable: bool,
}

/// A signal waits for this thread to leave the library (signal_pending).
pub fn signal_waits() -> bool {
    SAVED_MASK.get().is_some()
}

/// Told by the trampoline that a handler of the program runs; `restart`: it has SA_RESTART; `in_library`: it interrupted an
/// instruction of the library. What it returns is for [`handler_done`].
pub fn note_handler(restart: bool, in_library: bool) -> Interrupted {
    INTERRUPTED.set(INTERRUPTED.get() | if restart { 1 } else { 2 });
    let fd = WAITING_ON.get();
    let mut cancel_type = CANCEL_DEFERRED;
    // SAFETY: the old type goes to a local.
    unsafe { pthread_setcanceltype(CANCEL_DEFERRED, &raw mut cancel_type) };
    let (in_call, in_ppoll) = (IN_CALL.replace(false), IN_PPOLL.replace(false));
    let interrupted = Interrupted {
        handlers: INTERRUPTED.get(),
        waiting_on: fd,
        cancel_type,
        in_call,
        in_ppoll,
        uncancellable: !UNCANCELLABLE.get()
            && (in_library || (in_call && !in_ppoll))
            && forbid_cancellation(),
    };
    let lease = DRIVING.replace(0);
    if fd >= 0 && lease != 0 {
        // The handler may take its time, or never return to the wait.
        super::drive::handler_runs(lease);
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
    set_waiting_on(interrupted.waiting_on, 0);
    IN_CALL.set(interrupted.in_call);
    IN_PPOLL.set(interrupted.in_ppoll);
    if interrupted.uncancellable {
        allow_cancellation();
    }
    if interrupted.cancel_type == CANCEL_ASYNCHRONOUS {
        // SAFETY: nothing is stored. It may not come back: the thread is cancelled here, as in the call that it interrupted.
        unsafe { pthread_setcanceltype(CANCEL_ASYNCHRONOUS, std::ptr::null_mut()) };
    }
}

/// True when it was allowed before.
fn forbid_cancellation() -> bool {
    let mut old = CANCEL_DISABLE;
    // SAFETY: the old state goes to a local.
    unsafe { pthread_setcancelstate(CANCEL_DISABLE, &raw mut old) };
    UNCANCELLABLE.set(old == CANCEL_ENABLE);
    old == CANCEL_ENABLE
}

/// Takes back what [`note_handler`] forbade, if it did: the handler is over, or about to jump.
pub(crate) fn allow_cancellation() {
    if UNCANCELLABLE.replace(false) {
        // SAFETY: nothing is stored.
        unsafe { pthread_setcancelstate(CANCEL_ENABLE, std::ptr::null_mut()) };
    }
}

/// A hook serves a descriptor of ours from now on; what it returns is for [`end_call`]. No guard: a thread that is unwound has
/// no further use for this, and a frame with something to drop could not be unwound from here.
#[inline]
pub fn begin_call() -> bool {
    IN_CALL.replace(true)
}

/// The hook is done.
#[inline]
pub fn end_call(outer: bool) {
    IN_CALL.set(outer);
}

/// Runs what waits in ppoll and can be unwound from there.
#[inline]
pub(crate) fn in_ppoll<T>(wait: impl FnOnce() -> T) -> T {
    IN_PPOLL.with(|flag| {
        flag.set(true);
        let result = wait();
        flag.set(false);
        result
    })
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

/// The record behind [`interrupts`], for [`set_handlers`].
pub(crate) fn handlers() -> u8 {
    INTERRUPTED.get()
}

/// Puts the record back.
pub(crate) fn set_handlers(record: u8) {
    INTERRUPTED.set(record);
}

/// Which handlers ran since [`clear_interrupts`].
pub fn interrupts() -> Interrupt {
    match INTERRUPTED.get() {
        0 => Interrupt::None,
        1 => Interrupt::Restart,
        _ => Interrupt::Fail,
    }
}

/// The event descriptor that this thread is about to sleep on, -1 for none, and its lease if it drives meanwhile, or 0.
pub(crate) fn set_waiting_on(fd: i32, lease: u64) {
    DRIVING.set(lease);
    WAITING_ON.set(fd);
}
