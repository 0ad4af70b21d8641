//! Descriptor numbers: closing, duplicating, flags, streams.
//!
//! The slot table must not lie, so every way to close a number is here. stdio closes without calling close: fclose and freopen clear
//! the slot first (afterwards the number may be another thread's). fcloseall needs nothing: glibc's only flushes.
//!
//! A FILE on a socket of ours is a custom stream, see `streams`.
//! A FILE that already names the number (stdin after `dup2(socket, 0)`) reads and writes past us.

use libc::{DIR, FILE, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use matnet_host::posix;
use matnet_host::runtime::fdspace;
use matnet_host::runtime::fdtable::{self, is_noted, is_special};
use matnet_host::{Errno, log};

use super::contain::contained;
pub(super) use super::made;
use super::table::real;
use super::{above_limit, fail, ours, ours_or};

/// close(2)
#[inline(always)]
pub(super) unsafe fn close(fd: c_int) -> c_int {
    if is_special(fd) {
        return ours(|| posix::close(fd)) as c_int;
    }
    closing(fd);
    if fd == libc::STDERR_FILENO {
        log::stderr_closed();
    }
    // SAFETY: no pointers.
    unsafe { real::close(fd) }
}

/// dup(2)
pub(super) unsafe fn dup(fd: c_int) -> c_int {
    if is_noted(fd) {
        return ours(|| posix::dup(fd, 0, false)) as c_int;
    }
    // SAFETY: no pointers.
    made(unsafe { real::dup(fd) })
}

/// dup2(2)
pub(super) unsafe fn dup2(old: c_int, new: c_int) -> c_int {
    // SAFETY: no pointers.
    onto(old, new, 0, true, || unsafe { real::dup2(old, new) })
}

/// dup3(2)
pub(super) unsafe fn dup3(old: c_int, new: c_int, flags: c_int) -> c_int {
    // SAFETY: no pointers.
    onto(old, new, flags, false, || unsafe { real::dup3(old, new, flags) })
}

fn onto(old: c_int, new: c_int, flags: c_int, dup2: bool, real: impl Fn() -> c_int) -> c_int {
    let result = if is_noted(old) || is_noted(new) {
        ours_or(|| posix::dup_onto(old, new, flags, dup2), || c_long::from(real())) as c_int
    } else if above_limit(new) {
        // The program's own limit, which the kernel no longer knows.
        return fail(Errno::EBADF) as c_int;
    } else {
        real()
    };
    if result == libc::STDERR_FILENO {
        log::stderr_replaced();
    }
    result
}

/// fcntl(2). F_DUPFD and F_DUPFD_CLOEXEC make a descriptor.
pub(super) unsafe fn fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::fcntl(fd, cmd, arg) };
    if is_special(fd) {
        return ours_or(|| posix::fcntl(fd, cmd, arg as usize), || c_long::from(kernel())) as c_int;
    }
    if cmd != libc::F_DUPFD && cmd != libc::F_DUPFD_CLOEXEC {
        return kernel();
    }
    if is_noted(fd) {
        return ours(|| posix::dup(fd, arg as c_int, cmd == libc::F_DUPFD_CLOEXEC)) as c_int;
    }
    if above_limit(arg as c_int) { fail(Errno::EINVAL) as c_int } else { made(kernel()) }
}

/// ioctl(2)
pub(super) unsafe fn ioctl(fd: c_int, request: c_ulong, arg: *mut c_void) -> c_int {
    // SAFETY: the caller's own arguments.
    ours_or(
        || unsafe { posix::ioctl(fd, request, arg) },
        || unsafe { c_long::from(real::ioctl(fd, request, arg)) },
    ) as c_int
}

/// close_range(2)
pub(super) unsafe fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    if flags == 0 && (first..=last).contains(&(libc::STDERR_FILENO as c_uint)) {
        log::stderr_closed();
    }
    // A process that never had a stack has nothing to look for.
    if fdspace::program_soft_limit().is_none() {
        if flags as c_uint & libc::CLOSE_RANGE_CLOEXEC == 0 {
            fdtable::forget_marks(first, last);
        }
        // SAFETY: no pointers.
        return unsafe { real::close_range(first, last, flags) };
    }
    ours(|| posix::close_range(first, last, flags as c_uint)) as c_int
}

/// closefrom(3)
pub(super) unsafe fn closefrom(lowest: c_int) {
    if lowest <= libc::STDERR_FILENO {
        log::stderr_closed();
    }
    if fdspace::program_soft_limit().is_none() {
        fdtable::forget_marks(c_uint::try_from(lowest).unwrap_or(0), c_uint::MAX);
        // SAFETY: no pointers.
        return unsafe { real::closefrom(lowest) };
    }
    ours(|| posix::close_range(c_uint::try_from(lowest).unwrap_or(0), c_uint::MAX, 0));
}

/// The number of a stream, -1 for none.
///
/// # Safety
/// `stream` must be null or open.
unsafe fn number(stream: *mut FILE) -> c_int {
    // SAFETY: the caller vouches for it; fileno takes no lock and touches nothing but the stream.
    if stream.is_null() { -1 } else { unsafe { real::fileno(stream) } }
}

/// libc closes `fd` in a moment: its slot goes first.
#[inline(always)]
fn closing(fd: c_int) {
    if is_noted(fd) {
        let _ = contained(|| posix::forget(fd));
    }
}

/// fclose(3)
pub(super) unsafe fn fclose(stream: *mut FILE) -> c_int {
    let before = Errno::last();
    // SAFETY: the caller's own argument.
    let fd = unsafe { number(stream) };
    // A stream without a descriptor (fmemopen) has set errno.
    before.set();
    closing(fd);
    if fd == libc::STDERR_FILENO {
        log::stderr_closed();
    }
    // SAFETY: as above.
    unsafe { real::fclose(stream) }
}

/// freopen(3)
pub(super) unsafe fn freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE {
    // SAFETY: the caller's own arguments.
    unsafe {
        closing(number(stream));
        reopened(real::freopen(path, mode, stream))
    }
}

/// freopen64(3)
pub(super) unsafe fn freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE {
    // SAFETY: the caller's own arguments.
    unsafe {
        closing(number(stream));
        reopened(real::freopen64(path, mode, stream))
    }
}

unsafe fn reopened(stream: *mut FILE) -> *mut FILE {
    // SAFETY: the stream is null or was just opened.
    if unsafe { number(stream) } == libc::STDERR_FILENO {
        log::stderr_replaced();
    }
    // SAFETY: as above.
    unsafe { made_stream(stream) }
}

/// As `made`, for a stream.
///
/// # Safety
/// `stream` must be null or just opened.
pub(super) unsafe fn made_stream(stream: *mut FILE) -> *mut FILE {
    // SAFETY: the caller vouches for it.
    let fd = unsafe { number(stream) };
    if above_limit(fd) {
        // SAFETY: as above; nobody else has it yet.
        unsafe { real::fclose(stream) };
        Errno::EMFILE.set();
        return std::ptr::null_mut();
    }
    made(fd);
    stream
}

/// As `made`, for a directory stream.
///
/// # Safety
/// `dir` must be null or just opened.
pub(super) unsafe fn made_dir(dir: *mut DIR) -> *mut DIR {
    if !dir.is_null() {
        // SAFETY: the caller vouches for it.
        let fd = unsafe { libc::dirfd(dir) };
        if above_limit(fd) {
            // SAFETY: as above; nobody else has it yet.
            unsafe { libc::closedir(dir) };
            Errno::EMFILE.set();
            return std::ptr::null_mut();
        }
        made(fd);
    }
    dir
}

/// fdopen(3)
pub(super) unsafe fn fdopen(fd: c_int, mode: *const c_char) -> *mut FILE {
    if fdtable::is_ours(fd) {
        // SAFETY: the caller's own arguments.
        return unsafe { super::streams::open(fd, mode) };
    }
    // SAFETY: as above.
    unsafe { real::fdopen(fd, mode) }
}
