//! Descriptor numbers: closing, duplicating, flags, streams.
//!
//! The slot table must not lie, so every way to close a number is here. stdio closes without calling close: fclose and freopen clear
//! the slot first (afterwards the number may be another thread's). fcloseall needs nothing: glibc's only flushes.
//!
//! A FILE reads and writes past us: sockets on its number are spilled (see `runtime::spill`), so the numbers of streams are noted.

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

/// sockatmark(3): libc's own makes the ioctl past the hook.
pub(super) unsafe fn sockatmark(fd: c_int) -> c_int {
    /// <asm-generic/sockios.h>
    const SIOCATMARK: c_ulong = 0x8905;
    let mut at: c_int = 0;
    // SAFETY: the request writes an int.
    if unsafe { ioctl(fd, SIOCATMARK, (&raw mut at).cast()) } < 0 { -1 } else { at }
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
    if stream.is_null() { -1 } else { unsafe { libc::fileno(stream) } }
}

/// libc closes `fd` in a moment: its slot goes first.
#[inline(always)]
fn closing(fd: c_int) {
    if is_noted(fd) {
        let _ = contained(|| posix::closing(fd));
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
    fdtable::note_stream(fd, false);
    if fd == libc::STDERR_FILENO {
        log::stderr_closed();
    }
    // SAFETY: as above.
    unsafe { real::fclose(stream) }
}

/// endmntent(3)
pub(super) unsafe fn endmntent(stream: *mut FILE) -> c_int {
    if !stream.is_null() {
        // SAFETY: the caller's own argument.
        unsafe { fclose(stream) };
    }
    1
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
    fdtable::note_stream(fd, true);
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

/// A socket of ours has an inode of its own, although the kernel's object behind several may be one.
unsafe fn own_inode(fd: c_int, buf: *mut libc::stat) {
    if let fdtable::Slot::File(n) = fdtable::get(fd) {
        // Above what the kernel counts to for its own. SAFETY: filled in by the call that succeeded.
        unsafe { (*buf).st_ino = (1 << 48) | u64::from(n) };
    }
}

/// fstat(2) of a socket of ours.
pub(super) unsafe fn fstat(fd: c_int, buf: *mut libc::stat) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        // Raw: a libc before 2.33 has no function of this name.
        let result = real::syscall(libc::SYS_fstat, fd as usize, buf as usize, 0, 0, 0, 0) as c_int;
        if result == 0 {
            own_inode(fd, buf);
        }
        result
    }
}

/// fstat(2) as programs of before glibc 2.33 call it.
pub(super) unsafe fn fxstat(version: c_int, fd: c_int, buf: *mut libc::stat) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        let result = real::__fxstat(version, fd, buf);
        if result == 0 && is_special(fd) {
            own_inode(fd, buf);
        }
        result
    }
}

/// True for a call about `dir` itself, a socket of ours.
unsafe fn itself(dir: c_int, path: *const c_char, flags: c_int) -> bool {
    // SAFETY: the kernel has read the path, or takes null for an empty one.
    is_special(dir) && flags & libc::AT_EMPTY_PATH != 0 && (path.is_null() || unsafe { *path } == 0)
}

/// fstatat(2)
pub(super) unsafe fn fstatat(dir: c_int, path: *const c_char, buf: *mut libc::stat, flags: c_int) -> c_int {
    // SAFETY: the caller's own arguments. Raw as in `fstat`.
    unsafe {
        let nr = libc::SYS_newfstatat;
        let result =
            real::syscall(nr, dir as usize, path as usize, buf as usize, flags as usize, 0, 0) as c_int;
        if result == 0 && itself(dir, path, flags) {
            own_inode(dir, buf);
        }
        result
    }
}

/// statx(2)
pub(super) unsafe fn statx(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    buf: *mut libc::statx,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        let result = real::statx(dir, path, flags, mask, buf);
        if let (0, true, fdtable::Slot::File(n)) =
            (result, result == 0 && itself(dir, path, flags), fdtable::get(dir))
        {
            (*buf).stx_ino = (1 << 48) | u64::from(n);
        }
        result
    }
}

/// fdopen(3): libc reads and writes the number by itself, see `runtime::spill`.
pub(super) unsafe fn fdopen(fd: c_int, mode: *const c_char) -> *mut FILE {
    if is_special(fd) {
        if let Some(Err(e)) = contained(|| posix::spill(fd)) {
            e.set();
            return std::ptr::null_mut();
        }
    }
    // SAFETY: the caller's own arguments.
    let stream = unsafe { real::fdopen(fd, mode) };
    if !stream.is_null() {
        fdtable::note_stream(fd, true);
    }
    stream
}
