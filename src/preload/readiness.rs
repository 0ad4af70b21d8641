//! Waiting for several descriptors.
//!
//! poll and select look for a socket of ours first: one atomic load a descriptor, and none found is the real call. So does epoll_wait
//! with the set's own mark: a set that a hook saw being made is a candidate, and served once a socket of ours enters it (see
//! `posix::epoll`). Whatever else looks at such a set, poll or another set, makes it the kernel's first.
//!
//! Limits: a set passed to another process
//! (SCM_RIGHTS) has only the kernel's descriptors there. The library's own descriptors count as
//! the kernel's: its own waits come through here.

use std::time::Duration;

use libc::{c_int, c_long, epoll_event, fd_set, nfds_t, pollfd, sigset_t, size_t, timespec, timeval};
use matnet_host::Errno;
use matnet_host::posix;
use matnet_host::runtime::fdtable::{self, MAX_FDS, Mark, is_ours_or_set, is_special};
use matnet_host::runtime::probe;

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
    if n == 0 || n > MAX_FDS as nfds_t || !probe::readable(fds.cast(), n as usize * size_of::<pollfd>()) {
        // The kernel has an error for these.
        return None;
    }
    // SAFETY: the caller vouches for it.
    let all = unsafe { std::slice::from_raw_parts_mut(fds, n as usize) };
    if !all.iter().any(|p| is_ours_or_set(p.fd)) || is_own_wait(all) {
        return None;
    }
    Some(all)
}

/// True for a wait of the library itself, which comes through here and may hold a served set: only it knows the event descriptor.
#[cold]
fn is_own_wait(all: &[pollfd]) -> bool {
    all.iter().any(|p| fdtable::is_internal(p.fd)) && !all.iter().any(|p| fdtable::is_ours(p.fd))
}

/// Runs `poll` if the answers can be written; to an array that is read-only they are lost, and there are none.
fn answered(
    all: &mut [pollfd],
    poll: impl FnOnce(&mut [pollfd]) -> Result<c_int, Errno>,
) -> Result<c_int, Errno> {
    let answer = |p: &mut pollfd| probe::writable((&raw mut p.revents).cast(), size_of_val(&p.revents));
    if all.first_mut().is_none_or(answer) && all.last_mut().is_none_or(answer) {
        return poll(all);
    }
    poll(&mut all.to_vec())?;
    Err(Errno::EFAULT)
}

/// A set of signals of the program, of which the kernel reads 8 bytes.
fn signals(mask: *const sigset_t) -> Result<Option<sigset_t>, Errno> {
    let Some(first) = probe::read_some(mask.cast::<u64>())? else { return Ok(None) };
    // SAFETY: all zero is an empty set, and its first 8 bytes are the kernel's.
    Ok(Some(unsafe {
        let mut set: sigset_t = std::mem::zeroed();
        (&raw mut set).cast::<u64>().write(first);
        set
    }))
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
            ours(|| answered(all, |all| posix::poll(all, time, None))) as c_int
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
        Some(all) => ours(|| {
            let time = probe::read_some(time)?;
            let mask = signals(mask)?;
            answered(all, |all| posix::poll(all, time.as_ref().map(span).transpose()?, mask.as_ref()))
        }) as c_int,
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
        let limit = probe::read_some(time)?.as_ref().map(micro_span).transpose()?;
        // SAFETY: the caller's own arguments.
        let (ready, left) = unsafe { posix::select(n, read, write, except, limit, None) };
        if !time.is_null() {
            let tv_sec = libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX);
            let tv_usec = libc::suseconds_t::from(left.subsec_micros());
            // What cannot be written does no harm (poll_select_finish).
            let _ = probe::write(time, timeval { tv_sec, tv_usec });
        }
        ready
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
        let limit = probe::read_some(time)?.as_ref().map(span).transpose()?;
        let mask = signals(mask)?;
        // SAFETY: the caller's own arguments.
        unsafe { posix::select(n, read, write, except, limit, mask.as_ref()) }.0
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
    let mut given = match if op == libc::EPOLL_CTL_DEL { Ok(None) } else { probe::read(event).map(Some) } {
        Ok(given) => given,
        Err(e) => return fail(e) as c_int,
    };
    ours_or(|| posix::epoll_ctl(set, op, fd, given.as_mut()), kernel) as c_int
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
    let limit = || probe::read_some(time)?.as_ref().map(span).transpose();
    // SAFETY: as above.
    unsafe { wait(set, events, room, limit, mask, kernel) }
}

/// How many events of the program's array can be written: the first is probed for that, the pages behind it for reading, since not
/// all of them will be used. A wait tells of 64 kB of events at most.
#[inline]
fn room_for(events: *mut epoll_event, room: usize) -> usize {
    const ONE: usize = size_of::<epoll_event>();
    const MOST: usize = 65_536 / ONE;
    if !probe::writable(events.cast(), ONE) {
        return 0;
    }
    let room = room.min(MOST);
    if probe::readable(events.cast(), room * ONE) {
        return room;
    }
    probe::readable_prefix(events.cast(), room * ONE) / ONE
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
    let mut left = match time() {
        Ok(time) => time,
        Err(e) => return fail(e) as c_int,
    };
    let set_of_signals = match signals(mask) {
        Ok(set) => set,
        Err(e) => return fail(e) as c_int,
    };
    let before = Errno::last();
    let there = room_for(events, room as usize);
    let out: &mut [epoll_event] = match there {
        0 => &mut [],
        // SAFETY: so many can be written.
        n => unsafe { std::slice::from_raw_parts_mut(events, n) },
    };
    match contained(|| posix::epoll_wait(set, out, &mut left, set_of_signals.as_ref())) {
        // An event that cannot be told; it stays ready (ep_send_events).
        Some(posix::Outcome::Done(Ok(1..))) if there == 0 => fail(Errno::EFAULT) as c_int,
        Some(posix::Outcome::Done(Ok(found))) => {
            before.set();
            found
        }
        Some(posix::Outcome::Done(Err(e))) => fail(e) as c_int,
        // It has become the kernel's meanwhile.
        Some(posix::Outcome::Kernel) => {
            let milliseconds =
                left.map_or(-1, |t| t.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(c_int::MAX));
            // SAFETY: the caller's own arguments.
            unsafe { real::epoll_pwait(set, events, room, milliseconds, mask) }
        }
        None => fail(Errno::EIO) as c_int,
    }
}
