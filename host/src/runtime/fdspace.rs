//! Where the library's own descriptors live, and the limit that the program sees.
//!
//! The program must find the lowest free numbers as it does without us, so ours go to the top: the soft RLIMIT_NOFILE is raised
//! to the hard one and the space above the program's own soft limit is ours. Where soft and hard limit are equal, ours start
//! at three quarters of it. Every one of them is CLOEXEC and marked in the slot table, so that the program's close and
//! close_range leave it alone. The program's own limit is shown by getrlimit and restored before exec.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{fdtable, sys};
use crate::errno::Errno;

/// The program's soft limit; 0: not touched yet.
static PROGRAM_SOFT: AtomicU64 = AtomicU64::new(0);
/// First number for our own descriptors.
static BASE: AtomicU64 = AtomicU64::new(0);

/// Raises the soft limit and decides where our descriptors go. Called once, when the runtime starts.
pub(crate) fn prepare() {
    if PROGRAM_SOFT.load(Ordering::Relaxed) != 0 {
        return;
    }
    let Ok(limit) = sys::rlimit(libc::RLIMIT_NOFILE, None) else { return };
    apply(limit.rlim_cur, limit.rlim_max);
}

fn apply(soft: u64, hard: u64) {
    let ceiling = hard.min(fdtable::MAX_FDS as u64);
    let base = if ceiling > soft {
        let raised = libc::rlimit64 { rlim_cur: ceiling, rlim_max: hard };
        if sys::rlimit(libc::RLIMIT_NOFILE, Some(raised)).is_ok() { soft } else { soft - soft / 4 }
    } else {
        soft - soft / 4
    };
    BASE.store(base, Ordering::Relaxed);
    PROGRAM_SOFT.store(soft.max(1), Ordering::Relaxed);
}

/// The limit that the program believes in, once we changed the real one.
pub fn program_soft_limit() -> Option<u64> {
    match PROGRAM_SOFT.load(Ordering::Relaxed) {
        0 => None,
        n => Some(n),
    }
}

/// The program sets its limits (setrlimit, prlimit): the hard one is applied, the soft one is remembered.
pub fn set_program_limit(soft: u64, hard: u64) -> Result<(), Errno> {
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    let old = sys::rlimit(libc::RLIMIT_NOFILE, None)?;
    if hard != old.rlim_max {
        sys::rlimit(
            libc::RLIMIT_NOFILE,
            Some(libc::rlimit64 { rlim_cur: old.rlim_cur.min(hard), rlim_max: hard }),
        )?;
    }
    apply(soft, hard);
    Ok(())
}

/// Puts the program's own limit back, for a new program image.
pub fn restore_for_exec() {
    if let (Some(soft), Ok(limit)) = (program_soft_limit(), sys::rlimit(libc::RLIMIT_NOFILE, None)) {
        let back = libc::rlimit64 { rlim_cur: soft.min(limit.rlim_max), rlim_max: limit.rlim_max };
        let _ = sys::rlimit(libc::RLIMIT_NOFILE, Some(back));
    }
}

/// Undoes [`restore_for_exec`] when exec failed.
pub fn resume_after_exec() {
    if let (Some(soft), Ok(limit)) = (program_soft_limit(), sys::rlimit(libc::RLIMIT_NOFILE, None)) {
        apply(soft, limit.rlim_max);
    }
}

/// Moves `fd` into our space, CLOEXEC, and marks it. The old number is closed in any case.
pub(crate) fn internal(fd: RawFd) -> Result<RawFd, Errno> {
    let base = usize::try_from(BASE.load(Ordering::Relaxed)).unwrap_or(0);
    let moved = sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, base);
    let _ = sys::close(fd);
    let moved = moved?;
    if !fdtable::set_internal(moved) {
        let _ = sys::close(moved);
        return Err(Errno::EMFILE);
    }
    Ok(moved)
}

/// Closes one of our own descriptors.
pub(crate) fn close_internal(fd: RawFd) {
    fdtable::clear(fd);
    let _ = sys::close(fd);
}

/// A new number for the program: the lowest free one that refers to what `source` does; EMFILE where the program would have
/// met its own limit.
pub(crate) fn program_fd(source: RawFd, lowest: usize, cloexec: bool) -> Result<RawFd, Errno> {
    let cmd = if cloexec { libc::F_DUPFD_CLOEXEC } else { libc::F_DUPFD };
    let fd = sys::fcntl(source, cmd, lowest)?;
    if program_soft_limit().is_some_and(|soft| fd as u64 >= soft) {
        let _ = sys::close(fd);
        return Err(Errno::EMFILE);
    }
    Ok(fd)
}
