//! The stack thread: reads the device, runs timers, sleeps without a time-out when nothing is due.
//!
//! Made with pthread_create and every signal blocked but glibc's own two: the program's signals go to the program's
//! threads, and `setuid` (which signals every thread) does not hang.

use std::sync::atomic::Ordering;
use std::time::Duration;

use libc::{c_void, pollfd};
use matnet_stack::Instant;

use super::{Runtime, sys};
use crate::errno::Errno;

/// Bytes of stack; the deepest path (receive, TCP, transmit, capture) stays well under a quarter of it.
const STACK_SIZE: usize = 512 * 1024;

/// Starts the thread.
pub(crate) fn spawn(runtime: &'static Runtime) -> Result<(), Errno> {
    const RESERVED: u64 = (1 << 31) | (1 << 32);
    let old = sys::sigprocmask(libc::SIG_SETMASK, Some(!RESERVED))?;
    let arg = std::ptr::from_ref(runtime).cast_mut().cast::<c_void>();
    // SAFETY: the attributes are initialised before use and destroyed after; `arg` lives for ever.
    let result = unsafe {
        let mut attr: libc::pthread_attr_t = std::mem::zeroed();
        libc::pthread_attr_init(&raw mut attr);
        libc::pthread_attr_setstacksize(&raw mut attr, STACK_SIZE);
        libc::pthread_attr_setdetachstate(&raw mut attr, libc::PTHREAD_CREATE_DETACHED);
        let mut thread: libc::pthread_t = std::mem::zeroed();
        let result = libc::pthread_create(&raw mut thread, &raw const attr, main, arg);
        if result == 0 {
            libc::pthread_setname_np(thread, c"matnet".as_ptr());
        }
        libc::pthread_attr_destroy(&raw mut attr);
        result
    };
    let _ = sys::sigprocmask(libc::SIG_SETMASK, Some(old));
    if result == 0 { Ok(()) } else { Err(Errno(result)) }
}

extern "C" fn main(arg: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` passed a reference that lives for ever.
    let runtime: &'static Runtime = unsafe { &*arg.cast::<Runtime>() };
    let mut fds = [
        pollfd { fd: runtime.wake_fd, events: libc::POLLIN, revents: 0 },
        pollfd { fd: runtime.device_fd, events: libc::POLLIN, revents: 0 },
    ];
    loop {
        let Some(until) = turn(runtime) else { continue };
        let wait = if until == u64::MAX { None } else { Some(Instant::from_micros(until).since(sys::now())) };
        // A signal cannot interrupt this thread; any other error would spin, so it is slowed down.
        if sys::poll(&mut fds, wait).is_err() {
            let _ = sys::poll(&mut [], Some(Duration::from_millis(10)));
        }
        runtime.sleeping_until.store(0, Ordering::Relaxed);
        if fds[0].revents != 0 {
            let _ = sys::read(runtime.wake_fd, &mut [0u8; 8]);
        }
        if runtime.lock().device_gone {
            fds[1].fd = -1;
        }
    }
}

/// One round under the lock; the microseconds to sleep to, or None to go on at once.
fn turn(runtime: &Runtime) -> Option<u64> {
    let mut shared = runtime.lock();
    let more = shared.drain_device();
    let now = sys::now();
    if shared.stack.poll_timeout().is_some_and(|t| t <= now) {
        shared.stack.on_timeout(now);
    }
    if more {
        return None;
    }
    let until = shared.settle().map_or(u64::MAX, Instant::micros);
    // Announced under the lock: whoever arms an earlier deadline from here on sees it and wakes us.
    runtime.sleeping_until.store(until, Ordering::Relaxed);
    Some(until)
}
