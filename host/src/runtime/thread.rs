//! The stack thread: attends to the device and the timers while no application thread does (see `drive`).
//!
//! Made with pthread_create and every signal blocked but glibc's own two: the program's signals go to the program's
//! threads, and `setuid` (which signals every thread) does not hang.
//!
//! A process ends when its last thread does (pthread_exit(3)). This thread must not count, or a program whose main thread leaves by
//! pthread_exit would never end, and not even take SIGTERM: nobody is left who does not block it. So it takes itself out of
//! glibc's own count, `__nptl_nthreads`. Limit: before glibc 2.34 that number cannot be reached.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use libc::{c_void, pollfd};

use super::drive::{self, Next};
use super::{Runtime, companion, spill, sys};
use crate::errno::Errno;

/// Bytes of stack; the deepest path (receive, TCP, transmit, capture) stays well under a quarter of it.
const STACK_SIZE: usize = 512 * 1024;

/// The thread has taken itself out of glibc's count.
static UNCOUNTED: AtomicBool = AtomicBool::new(false);

/// Starts the thread.
pub(crate) fn spawn(runtime: &'static Runtime) -> Result<(), Errno> {
    UNCOUNTED.store(false, Ordering::Release);
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

/// Takes this thread out of glibc's count; false when all that counted have left already. Done here and not in [`spawn`], which
/// holds the gate: a constructor under dlopen holds the loader's lock and may wait for the gate.
fn uncounted() -> bool {
    let more = count().is_none_or(|n| n.fetch_sub(1, Ordering::AcqRel) > 1);
    UNCOUNTED.store(true, Ordering::Release);
    more
}

/// Whether the calling thread is the only one that the program has, once there is a stack; false when that cannot be told.
pub fn is_last() -> bool {
    // A short program may leave before the stack thread has run at all. Bounded: that thread may wait for the loader's lock.
    for _ in 0..1000 {
        if UNCOUNTED.load(Ordering::Acquire) {
            break;
        }
        let _ = sys::poll(&mut [], Some(Duration::from_millis(1)));
    }
    count().is_some_and(|n| n.load(Ordering::Acquire) <= 1)
}

/// glibc's count of threads.
fn count() -> Option<&'static AtomicU32> {
    // SAFETY: a NUL-terminated name.
    let count = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__nptl_nthreads".as_ptr()) };
    // SAFETY: null, or glibc's own `unsigned int`, which it changes by atomic operations only (nptl/pthread_create.c).
    unsafe { count.cast::<AtomicU32>().as_ref() }
}

extern "C" fn main(arg: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` passed a reference that lives for ever.
    let runtime: &'static Runtime = unsafe { &*arg.cast::<Runtime>() };
    if !uncounted() {
        // SAFETY: no pointers; whoever counts is gone, as in glibc's start_thread.
        unsafe { libc::exit(0) };
    }
    let mut seen = 0;
    let mut aside = false;
    loop {
        aside = runtime.stands_aside(aside);
        if aside {
            let mut wake = [pollfd { fd: runtime.wake_fd, events: libc::POLLIN, revents: 0 }];
            let _ = sys::poll(&mut wake, None);
            let _ = sys::read(runtime.wake_fd, &mut [0u8; 8]);
            continue;
        }
        let (timeout, device) = match runtime.attend_or_rest(&mut seen) {
            Next::Again => continue,
            Next::Own(until, device) => (until.map(|t| t.since(sys::now())), device),
            Next::Nap => (Some(drive::NAP), -1),
            Next::Park => (None, -1),
        };
        let companions = companion::set();
        let mut fds = [runtime.wake_fd, device, companions, spill::events()].map(|fd| pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        });
        // A signal cannot interrupt this thread; any other error would spin, so it is slowed down.
        if sys::poll(&mut fds, timeout).is_err() {
            let _ = sys::poll(&mut [], Some(Duration::from_millis(10)));
        }
        if fds[0].revents != 0 {
            let _ = sys::read(runtime.wake_fd, &mut [0u8; 8]);
        }
        if fds[2].revents != 0 {
            runtime.lock().look_at_companions();
        }
        if fds[3].revents != 0 {
            spill::take_events();
            runtime.lock().pump_spills();
        }
    }
}
