//! Waiting for several descriptors.
//!
//! poll and select look for a socket of ours first: one atomic load a descriptor, and none found is the real call. So does epoll_wait
//! with the set's own mark: a set that a hook saw being made is a candidate, and served once a socket of ours enters it (see
//! `posix::epoll`). Whatever else looks at such a set, poll or another set, makes it the kernel's first.
//!
//! Limits: an array that is not accessible faults here, where the kernel says EFAULT. A set passed to another process
//! (SCM_RIGHTS) has only the kernel's descriptors there. The library's own descriptors count as
//! the kernel's: its own waits come through here.

use std::time::Duration;

use libc::{c_int, c_long, epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};
use matnet_host::Errno;
use matnet_host::posix;
use matnet_host::runtime::fdtable::{self, MAX_FDS, Mark, is_ours_or_set, is_special};

use super::contain::contained;
use super::table::real;
use super::{fail, made, ours, ours_or};

unsafe extern "C-unwind" {
    /// Ends the program: a fortified call would have overrun its array.
    fn __chk_fail() -> !;
}

/// The array, if one of it is ours. More entries than there are descriptors: EINVAL from the kernel.
///
/// # Safety
/// `fds` must be null or have `n` entries.
#[inline(always)]
unsafe fn with_ours<'a>(fds: *mut pollfd, n: nfds_t) -> Option<&'a mut [pollfd]> {
    if fds.is_null() || n == 0 || n > MAX_FDS as nfds_t {
        return None;
    }
    // SAFETY: the caller vouches for it.
    let all = unsafe { std::slice::from_raw_parts_mut(fds, n as usize) };
    if all.iter().any(|p| is_ours_or_set(p.fd)) && !is_own_wait(all) { Some(all) } else { None }
}

/// True for a wait of the library itself, which comes through here and may hold a served set: only it knows the event descriptor.
#[cold]
fn is_own_wait(all: &[pollfd]) -> bool {
    all.iter().any(|p| fdtable::is_internal(p.fd)) && !all.iter().any(|p| fdtable::is_ours(p.fd))
}

/// poll(2)
#[inline(always)]
pub(super) unsafe fn poll(fds: *mut pollfd, n: nfds_t, timeout: c_int) -> c_int {
    // SAFETY: the caller's own arguments.
    match unsafe { with_ours(fds, n) } {
        // SAFETY: as above.
        None => unsafe { real::poll(fds, n, timeout) },
        Some(all) => {
            let time = u64::try_from(timeout).ok().map(Duration::from_millis);
            ours(|| posix::poll(all, time, None)) as c_int
        }
    }
}

/// ppoll(2)
#[inline(always)]
pub(super) unsafe fn ppoll(
    fds: *mut pollfd,
    n: nfds_t,
    time: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller's own arguments.
    match unsafe { with_ours(fds, n) } {
        // SAFETY: as above.
        None => unsafe { real::ppoll(fds, n, time, mask) },
        Some(all) => {
            // SAFETY: null or valid, as ppoll requires.
            let (time, mask) = unsafe { (time.as_ref(), mask.as_ref()) };
            ours(|| posix::poll(all, time.map(span).transpose()?, mask)) as c_int
        }
    }
}

/// Stops the program if a fortified call names more entries than its array has.
fn check(n: nfds_t, room: size_t) {
    if room / size_of::<pollfd>() < n as usize {
        // SAFETY: no arguments.
        unsafe { __chk_fail() }
    }
}

/// poll(2), fortified.
pub(super) unsafe fn poll_chk(fds: *mut pollfd, n: nfds_t, timeout: c_int, room: size_t) -> c_int {
    check(n, room);
    // SAFETY: the caller's own arguments.
    unsafe { poll(fds, n, timeout) }
}

/// ppoll(2), fortified.
pub(super) unsafe fn ppoll_chk(
    fds: *mut pollfd,
    n: nfds_t,
    time: *const timespec,
    mask: *const sigset_t,
    room: size_t,
) -> c_int {
    check(n, room);
    // SAFETY: the caller's own arguments.
    unsafe { ppoll(fds, n, time, mask) }
}

/// A span of time, if it is one.
fn span(t: &timespec) -> Result<Duration, Errno> {
    match (u64::try_from(t.tv_sec), u32::try_from(t.tv_nsec)) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => Ok(Duration::new(seconds, nanos)),
        _ => Err(Errno::EINVAL),
    }
}

/// select(2): Linux writes back the time that is left.
pub(super) unsafe fn select(
    n: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    time: *mut timeval,
) -> c_int {
    // SAFETY: the caller's own arguments.
    if !unsafe { posix::select_has_ours(n, read, write, except) } {
        // SAFETY: as above.
        return unsafe { real::select(n, read, write, except, time) };
    }
    ours(|| {
        // SAFETY: null or valid, as select requires.
        let time = unsafe { time.as_mut() };
        let limit = time.as_deref().map(micro_span).transpose()?;
        // SAFETY: the caller's own arguments.
        let (ready, left) = unsafe { posix::select(n, read, write, except, limit, None) }?;
        if let Some(time) = time {
            time.tv_sec = libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX);
            time.tv_usec = libc::suseconds_t::from(left.subsec_micros());
        }
        Ok(ready)
    }) as c_int
}

/// A span of time as select takes it: more than a million microseconds are allowed (fs/select.c).
fn micro_span(t: &timeval) -> Result<Duration, Errno> {
    match (u64::try_from(t.tv_sec), u64::try_from(t.tv_usec)) {
        (Ok(s), Ok(us)) => Ok(Duration::from_secs(s).saturating_add(Duration::from_micros(us))),
        _ => Err(Errno::EINVAL),
    }
}

/// pselect(2)
pub(super) unsafe fn pselect(
    n: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    time: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller's own arguments.
    if !unsafe { posix::select_has_ours(n, read, write, except) } {
        // SAFETY: as above.
        return unsafe { real::pselect(n, read, write, except, time, mask) };
    }
    ours(|| {
        // SAFETY: null or valid, as pselect requires.
        let (time, mask) = unsafe { (time.as_ref(), mask.as_ref()) };
        let limit = time.map(span).transpose()?;
        // SAFETY: the caller's own arguments.
        unsafe { posix::select(n, read, write, except, limit, mask) }.map(|(ready, _)| ready)
    }) as c_int
}

/// Marks a new set.
fn marked(fd: c_int) -> c_int {
    let fd = made(fd);
    if fd >= 0 {
        fdtable::set_candidate(fd);
    }
    fd
}

/// epoll_create(2)
pub(super) unsafe fn epoll_create(size: c_int) -> c_int {
    // SAFETY: no pointers.
    marked(unsafe { real::epoll_create(size) })
}

/// epoll_create1(2)
pub(super) unsafe fn epoll_create1(flags: c_int) -> c_int {
    // SAFETY: no pointers.
    marked(unsafe { real::epoll_create1(flags) })
}

/// epoll_ctl(2)
pub(super) unsafe fn epoll_ctl(set: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int {
    // SAFETY: the caller's own arguments.
    let kernel = || c_long::from(unsafe { real::epoll_ctl(set, op, fd, event) });
    if !is_special(fd) {
        return if op == libc::EPOLL_CTL_ADD { add_of_kernel(set, fd, kernel) } else { kernel() as c_int };
    }
    if is_special(set) {
        return fail(Errno::EINVAL) as c_int;
    }
    // SAFETY: null or valid, as epoll_ctl requires.
    let event = unsafe { event.as_mut() };
    ours_or(|| posix::epoll_ctl(set, op, fd, event), kernel) as c_int
}

/// EPOLL_CTL_ADD of a descriptor of the kernel.
fn add_of_kernel(set: c_int, fd: c_int, kernel: impl Fn() -> c_long) -> c_int {
    if fdtable::mark(fd).is_none() && fdtable::mark(set).is_none() {
        return kernel() as c_int;
    }
    if let Some(Err(e)) = contained(|| posix::epoll_mixing(set, fd)) {
        return fail(e) as c_int;
    }
    let result = kernel();
    if result == 0 {
        let _ = contained(|| posix::epoll_mixes(set));
    }
    result as c_int
}

/// epoll_wait(2)
pub(super) unsafe fn epoll_wait(set: c_int, events: *mut epoll_event, room: c_int, timeout: c_int) -> c_int {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::epoll_wait(set, events, room, timeout) };
    let span = || Ok(u64::try_from(timeout).ok().map(Duration::from_millis));
    // SAFETY: as above.
    unsafe { wait(set, events, room, span, std::ptr::null(), kernel) }
}

/// epoll_pwait(2)
pub(super) unsafe fn epoll_pwait(
    set: c_int,
    events: *mut epoll_event,
    room: c_int,
    timeout: c_int,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::epoll_pwait(set, events, room, timeout, mask) };
    let span = || Ok(u64::try_from(timeout).ok().map(Duration::from_millis));
    // SAFETY: as above.
    unsafe { wait(set, events, room, span, mask, kernel) }
}

/// epoll_pwait2(2)
pub(super) unsafe fn epoll_pwait2(
    set: c_int,
    events: *mut epoll_event,
    room: c_int,
    time: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::epoll_pwait2(set, events, room, time, mask) };
    // SAFETY: null or valid, as epoll_pwait2 requires.
    let limit = || unsafe { time.as_ref() }.map(span).transpose();
    // SAFETY: as above.
    unsafe { wait(set, events, room, limit, mask, kernel) }
}

/// epoll_wait and kin; `kernel` is the call as it was made.
///
/// # Safety
/// `events` must have room for `room` events, `mask` must be null or valid.
#[inline(always)]
unsafe fn wait(
    set: c_int,
    events: *mut epoll_event,
    room: c_int,
    time: impl FnOnce() -> Result<Option<Duration>, Errno>,
    mask: *const sigset_t,
    kernel: impl FnOnce() -> c_int,
) -> c_int {
    match fdtable::mark(set) {
        None => return kernel(),
        Some(Mark::Candidate) => {
            // Counted, so that a socket of ours does not enter a set whose waiters would not hear of it.
            if let Some(_waits) = fdtable::enter_kernel(set) {
                return kernel();
            }
        }
        Some(Mark::Served(_)) => {}
    }
    /// EP_MAX_EVENTS
    const MOST: c_int = c_int::MAX / size_of::<epoll_event>() as c_int;
    if !(1..=MOST).contains(&room) {
        return fail(Errno::EINVAL) as c_int;
    }
    if events.is_null() {
        return fail(Errno::EFAULT) as c_int;
    }
    let mut left = match time() {
        Ok(time) => time,
        Err(e) => return fail(e) as c_int,
    };
    // SAFETY: the caller vouches for both.
    let (out, mask) = unsafe { (std::slice::from_raw_parts_mut(events, room as usize), mask.as_ref()) };
    let before = Errno::last();
    match contained(|| posix::epoll_wait(set, out, &mut left, mask)) {
        Some(posix::Outcome::Done(Ok(found))) => {
            before.set();
            found
        }
        Some(posix::Outcome::Done(Err(e))) => fail(e) as c_int,
        // It has become the kernel's meanwhile.
        Some(posix::Outcome::Kernel) => {
            let milliseconds =
                left.map_or(-1, |t| t.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(c_int::MAX));
            let mask = mask.map_or(std::ptr::null(), std::ptr::from_ref);
            // SAFETY: the caller's own arguments.
            unsafe { real::epoll_pwait(set, events, room, milliseconds, mask) }
        }
        None => fail(Errno::EIO) as c_int,
    }
}
