//! Waiting for several descriptors, ours and the kernel's together.

use std::ptr;
use std::time::Duration;

use libc::{c_int, epoll_event, fd_set, nfds_t, pollfd, timespec, timeval};
use matnet_host::runtime::{fdtable, sys};
use matnet_host::{Errno, posix};

use crate::call::{int, kernel, or_kernel, ours, zero};

/// Waits until one of several descriptors is ready, as poll(2). Sockets of ours and descriptors of
/// the kernel may be mixed. `timeout` is in milliseconds; negative waits without limit.
///
/// Returns how many are ready, 0 when the time is over, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_poll(fds: *mut pollfd, n: nfds_t, timeout: c_int) -> c_int {
    let time = u64::try_from(timeout).ok().map(Duration::from_millis);
    // More than the table holds are more than any process can have open: EINVAL from the kernel.
    let known = if fds.is_null() || n > fdtable::MAX_FDS as nfds_t {
        &mut []
    } else {
        // SAFETY: not null; the caller vouches for `n` entries.
        unsafe { std::slice::from_raw_parts_mut(fds, n as usize) }
    };
    if known.iter().any(|p| fdtable::is_ours_or_set(p.fd)) {
        return int(posix::poll(known, time, None));
    }
    let mut left = time.map(sys::timespec);
    let left = left.as_mut().map_or(ptr::null_mut(), ptr::from_mut::<timespec>);
    int(kernel!(SYS_ppoll, fds, n, left, 0, 8).map(|n| n as c_int))
}

/// Waits until one of several descriptors below `n` is ready, as select(2). Sockets of ours and
/// descriptors of the kernel may be mixed; each set may be NULL. `timeout` NULL waits without
/// limit; else it holds the time left afterwards.
///
/// Returns how many are ready, 0 when the time is over, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_select(
    n: c_int,
    readfds: *mut fd_set,
    writefds: *mut fd_set,
    exceptfds: *mut fd_set,
    timeout: *mut timeval,
) -> c_int {
    let select = || {
        // SAFETY: null or the caller's word.
        let time = unsafe { timeout.as_ref() }.map(span).transpose()?;
        // SAFETY: the caller vouches for the sets.
        if unsafe { posix::select_has_ours(n, readfds, writefds, exceptfds) } {
            // SAFETY: as above.
            return Ok(unsafe { posix::select(n, readfds, writefds, exceptfds, time, None) });
        }
        let mut left = time.map(sys::timespec);
        let p = left.as_mut().map_or(ptr::null_mut(), ptr::from_mut::<timespec>);
        let ready = kernel!(SYS_pselect6, n, readfds, writefds, exceptfds, p, 0).map(|n| n as c_int);
        let left = left.map_or(Duration::ZERO, |t| Duration::new(t.tv_sec as u64, t.tv_nsec as u32));
        Ok((ready, left))
    };
    int(select().and_then(|(ready, left)| {
        // SAFETY: null or the caller's word.
        if let Some(t) = unsafe { timeout.as_mut() } {
            t.tv_sec = left.as_secs() as libc::time_t;
            t.tv_usec = libc::suseconds_t::from(left.subsec_micros());
        }
        ready
    }))
}

/// A timeval as a span; EINVAL for a negative one. Microseconds may exceed a second, as the kernel
/// allows.
fn span(t: &timeval) -> Result<Duration, Errno> {
    let seconds = u64::try_from(t.tv_sec).map_err(|_| Errno::EINVAL)?;
    let micros = u64::try_from(t.tv_usec).map_err(|_| Errno::EINVAL)?;
    Ok(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)))
}

/// Adds a socket of ours, or any other descriptor, to a set of the kernel's epoll, changes or
/// removes it, as epoll_ctl(2). The set itself is an ordinary one: epoll_create1(2) makes it and
/// epoll_wait(2) waits on it.
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_epoll_ctl(
    epfd: c_int,
    op: c_int,
    fd: c_int,
    event: *mut epoll_event,
) -> c_int {
    let plain = || kernel!(SYS_epoll_ctl, epfd, op, fd, event).map(|n| n as c_int);
    if !ours(fd) {
        if op != libc::EPOLL_CTL_ADD {
            return zero(plain());
        }
        return zero(
            posix::epoll_mixing(epfd, fd).and_then(|()| plain()).inspect(|_| posix::epoll_mixes(epfd)),
        );
    }
    // SAFETY: null or the caller's word.
    zero(or_kernel(posix::epoll_ctl(epfd, op, fd, unsafe { event.as_mut() }), plain))
}
