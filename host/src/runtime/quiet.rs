//! Writing to files of ours without side effects on the program: a write must not raise SIGPIPE (the reader of a pipe went
//! away) or SIGXFSZ (the file-size limit) in somebody else's process.

use std::os::fd::RawFd;

use libc::c_int;

use super::sys::{self, KernelSigset};
use crate::errno::Errno;

/// What a write may raise.
const RAISED: KernelSigset = bit(libc::SIGPIPE) | bit(libc::SIGXFSZ);

const fn bit(signal: c_int) -> KernelSigset {
    1 << (signal - 1)
}

/// writev(2) that raises no signal: blocked around the call, and taken back if this call raised it. Both signals are
/// directed at the calling thread (signal(7)), so no other thread can get them.
pub(crate) fn writev(fd: RawFd, iov: &[libc::iovec]) -> Result<usize, Errno> {
    let old = sys::sigprocmask(libc::SIG_BLOCK, Some(RAISED))?;
    let before = pending() & RAISED;
    let result = sys::writev(fd, iov);
    if result.is_err() {
        let raised = pending() & RAISED & !before;
        if raised != 0 {
            take(raised);
        }
    }
    // Restoring a mask that was just read cannot fail.
    let _ = sys::sigprocmask(libc::SIG_SETMASK, Some(old));
    result
}

/// write(2) that raises no signal.
pub(crate) fn write(fd: RawFd, bytes: &[u8]) -> Result<usize, Errno> {
    writev(fd, &[iovec(bytes)])
}

/// A slice as the kernel takes it.
pub(crate) fn iovec(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Cuts a file to `len` bytes (ftruncate(2)).
pub(crate) fn truncate(fd: RawFd, len: i64) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { sys::raw(libc::SYS_ftruncate, [fd as usize, len as usize, 0, 0, 0, 0]) }.map(drop)
}

/// Signals that wait for this thread (sigpending(2)).
fn pending() -> KernelSigset {
    let mut set: KernelSigset = 0;
    // SAFETY: `set` has the 8 bytes of the kernel's sigset.
    let result = unsafe { sys::raw(libc::SYS_rt_sigpending, [(&raw mut set) as usize, 8, 0, 0, 0, 0]) };
    result.map_or(0, |_| set)
}

/// Takes one blocked pending signal of `set` (sigtimedwait(2) without waiting).
fn take(set: KernelSigset) {
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let args = [(&raw const set) as usize, 0, (&raw const zero) as usize, 8, 0, 0];
    // SAFETY: the set has 8 bytes, the time is valid, no siginfo is asked for.
    let _ = unsafe { sys::raw(libc::SYS_rt_sigtimedwait, args) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_pipe_does_not_kill() {
        let [r, w] = sys::socketpair(libc::SOCK_STREAM).unwrap();
        sys::close(r).unwrap();
        // Rust's test harness ignores SIGPIPE, so make sure that the default action would have happened.
        // SAFETY: SIG_DFL is a valid handler.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        assert_eq!(write(w, b"x\n"), Err(Errno(libc::EPIPE)));
        assert_eq!(pending() & RAISED, 0);
        let blocked = sys::sigprocmask(libc::SIG_BLOCK, None).unwrap();
        assert_eq!(blocked & RAISED, 0);
        sys::close(w).unwrap();
    }
}
