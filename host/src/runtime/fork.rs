//! fork: the stack stays with the parent.
//!
//! pthread_atfork is used, not a hook on `fork`: forkpty and daemon come past a hook. Before the fork the gate and the
//! runtime lock are taken, so that the child never sees a half-changed state. The child closes the device, the event
//! descriptors and the mirrors' ends at once and marks inherited sockets: using one there fails with ENETDOWN, closing one works and
//! does not touch the parent's connection. Its first own socket starts a stack of its own; where the device is still the parent's, it
//! waits a moment: a daemon's parent leaves at once.

use std::cell::UnsafeCell;
use std::os::fd::RawFd;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fdtable::{self, Slot};
use super::file::FileId;
use super::{Locked, companion, exit, inside, spill, start, sys, wait};

/// The lock, carried from `prepare` to `parent` or `child`.
struct Carried(UnsafeCell<Option<Locked<'static>>>);

// SAFETY: only touched between `prepare` and `parent`/`child`, by the forking thread, which holds the gate.
unsafe impl Sync for Carried {}

static CARRIED: Carried = Carried(UnsafeCell::new(None));

/// An ancestor of this process had the stack and may still have the device.
static STACK_LEFT_BEHIND: AtomicBool = AtomicBool::new(false);

/// Whether the device may be busy only because a parent is about to end; yes once, for the wait that follows.
pub(crate) fn may_be_parents_device() -> bool {
    STACK_LEFT_BEHIND.swap(false, Ordering::Relaxed)
}

/// Registers the handlers, once per process image.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers are functions of the right type and live for ever.
        unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
    });
}

unsafe extern "C" fn prepare() {
    std::mem::forget(start::GATE.lock());
    let locked = start::get().map(super::Runtime::lock);
    // SAFETY: the gate is held, so nobody else touches it.
    unsafe { *CARRIED.0.get() = locked };
}

unsafe extern "C" fn parent() {
    // SAFETY: as in `prepare`; this thread holds the gate since then.
    let locked = unsafe { (*CARRIED.0.get()).take() };
    // SAFETY: `prepare` locked it and forgot the guard.
    unsafe { start::GATE.force_unlock() };
    drop(locked);
}

unsafe extern "C" fn child() {
    // SAFETY: the only thread of the child is the one that ran `prepare`.
    let locked = unsafe { (*CARRIED.0.get()).take() };
    if let Some(locked) = locked {
        STACK_LEFT_BEHIND.store(true, Ordering::Relaxed);
        for fd in fdtable::special_from(0) {
            let fd = fd as RawFd;
            match fdtable::get(fd) {
                // The pair behind it is the kernel's, and the parent pumps it.
                Slot::File(n) if locked.is_spilled(FileId(n)) => fdtable::clear(fd),
                Slot::File(_) => fdtable::mark_inherited(fd),
                // The log file stays: the child may have something to say.
                Slot::Internal if fd != crate::log::fd() => {
                    fdtable::clear(fd);
                    let _ = sys::close(fd);
                }
                _ => {}
            }
        }
        // The sets are the parent's; the kernel's, which are shared, have only the kernel's descriptors in them.
        fdtable::forget_sets();
        // Not dropped: that would settle, and send frames that are the parent's to send.
        std::mem::forget(locked);
    }
    start::forget();
    spill::forget();
    companion::forget();
    inside::reset();
    wait::forget();
    exit::forget();
    // SAFETY: as in `parent`.
    unsafe { start::GATE.force_unlock() };
}
