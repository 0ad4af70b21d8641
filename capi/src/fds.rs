//! Descriptors: close, dup, flags.

use libc::{c_int, c_ulong, c_void};
use matnet_host::posix;
use matnet_host::runtime::fdtable::is_noted;

use crate::call::{fresh, int, kernel, or_kernel, ours, zero};

/// Closes a socket, or any other file descriptor, as close(2). What was sent before still reaches
/// the peer.
///
/// With the static library every socket of `matnet_socket` must be closed by this function:
/// close(2) would free the number but not the connection. With the shared library close(2) does as
/// well.
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn matnet_close(fd: c_int) -> c_int {
    zero(if is_noted(fd) { posix::close(fd) } else { kernel!(SYS_close, fd).map(drop) })
}

/// Another number for the same socket or file, as dup(2).
///
/// Returns the new file descriptor, or -1 and errno.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_dup(fd: c_int) -> c_int {
    int(if is_noted(fd) { posix::dup(fd, 0, false) } else { fresh(kernel!(SYS_dup, fd)) })
}

/// Makes `target` another number for the same socket or file, as dup2(2); what it was before is
/// closed.
///
/// Returns `target`, or -1 and errno.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_dup2(fd: c_int, target: c_int) -> c_int {
    let plain = || match fd == target {
        // dup3(2) refuses what dup2 allows.
        true => kernel!(SYS_fcntl, fd, libc::F_GETFD).map(|_| target),
        false => kernel!(SYS_dup3, fd, target, 0).map(|n| n as c_int),
    };
    if !is_noted(fd) && !is_noted(target) {
        return int(plain());
    }
    int(or_kernel(posix::dup_onto(fd, target, 0, true), plain))
}

/// Flags and other properties of a socket or file, as fcntl(2): F_GETFL, F_SETFL with O_NONBLOCK,
/// F_GETFD, F_SETFD, F_DUPFD, ...
///
/// Returns what `cmd` returns, or -1 and errno.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int {
    let plain = || {
        let result = kernel!(SYS_fcntl, fd, cmd, arg);
        match cmd {
            libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => fresh(result),
            _ => result.map(|n| n as c_int),
        }
    };
    int(if is_noted(fd) { or_kernel(posix::fcntl(fd, cmd, arg as usize), plain) } else { plain() })
}

/// Device requests, as ioctl(2): FIONREAD, FIONBIO, SIOCOUTQ, ...
///
/// Returns what `request` returns, or -1 and errno.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_ioctl(fd: c_int, request: c_ulong, arg: *mut c_void) -> c_int {
    let plain = || kernel!(SYS_ioctl, fd, request, arg).map(|n| n as c_int);
    if !ours(fd) {
        return int(plain());
    }
    // SAFETY: the caller vouches that `arg` is what `request` expects.
    int(or_kernel(unsafe { posix::ioctl(fd, request, arg) }, plain))
}

// What C sees of the two above. Rust cannot define a function with `...`; on x86-64 and AArch64
// Linux an argument of `...` arrives as a named one does, so the definitions above serve these
// prototypes.
#[cfg(any())]
unsafe extern "C" {
    /// Flags and other properties of a socket or file, as fcntl(2): F_GETFL, F_SETFL with
    /// O_NONBLOCK, F_GETFD, F_SETFD, F_DUPFD, ...
    ///
    /// Returns what `cmd` returns, or -1 and errno.
    pub fn matnet_fcntl(fd: c_int, cmd: c_int, ...) -> c_int;

    /// Device requests, as ioctl(2): FIONREAD, FIONBIO, SIOCOUTQ, ...
    ///
    /// Returns what `request` returns, or -1 and errno.
    pub fn matnet_ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
}
