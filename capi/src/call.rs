//! From C's arguments to slices, from results to return values and errno, and the plain system
//! call.

use std::ffi::c_void;

use libc::{c_int, sockaddr, socklen_t, ssize_t};
use matnet_host::Errno;
use matnet_host::posix::Outcome;
use matnet_host::runtime::fdtable;

/// What the kernel takes in one read or write: MAX_RW_COUNT, read(2).
const MAX_COUNT: usize = 0x7fff_f000;
/// sizeof(struct sockaddr_storage)
const MAX_SOCKADDR: usize = 128;

/// Makes the plain system call; the arguments are cast as the kernel takes them.
macro_rules! kernel {
    ($nr:ident $(, $arg:expr)* $(,)?) => {{
        let mut args = [0usize; 6];
        for (slot, arg) in args.iter_mut().zip([$($arg as usize),*]) {
            *slot = arg;
        }
        // SAFETY: the arguments are the caller's own for this very call, and the kernel checks every pointer.
        unsafe { matnet_host::runtime::sys::raw(libc::$nr, args) }
    }};
}
pub(crate) use kernel;

/// -1 and errno, or the value.
pub(crate) fn int(result: Result<c_int, Errno>) -> c_int {
    result.unwrap_or_else(|e| {
        e.set();
        -1
    })
}

/// -1 and errno, or 0.
pub(crate) fn zero<T>(result: Result<T, Errno>) -> c_int {
    int(result.map(|_| 0))
}

/// -1 and errno, or a count of bytes.
pub(crate) fn count(result: Result<usize, Errno>) -> ssize_t {
    result.map_or_else(
        |e| {
            e.set();
            -1
        },
        |n| n as ssize_t,
    )
}

/// True when the kernel does not know the truth about `fd`.
pub(crate) fn ours(fd: c_int) -> bool {
    fdtable::is_special(fd)
}

/// The answer of `posix`, or the plain call when it says that the socket is the kernel's.
pub(crate) fn or_kernel<T>(
    outcome: Outcome<T>,
    plain: impl FnOnce() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match outcome {
        Outcome::Done(result) => result,
        Outcome::Kernel => plain(),
    }
}

/// A number that the kernel has just made: whatever the slot table still says of it is old.
pub(crate) fn fresh(result: Result<usize, Errno>) -> Result<c_int, Errno> {
    let fd = result? as c_int;
    if fdtable::is_noted(fd) {
        matnet_host::posix::forget(fd);
    }
    Ok(fd)
}

/// Memory that C gives to read from. EFAULT for NULL, unless nothing is to be read.
///
/// # Safety
/// `len` bytes at `p` are readable and do not change during the call.
pub(crate) unsafe fn bytes<'a>(p: *const c_void, len: usize) -> Result<&'a [u8], Errno> {
    if len == 0 {
        return Ok(&[]);
    }
    if p.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, and the caller vouches for the memory; a byte has no alignment.
    Ok(unsafe { std::slice::from_raw_parts(p.cast(), len.min(MAX_COUNT)) })
}

/// Memory that C gives to write to. EFAULT for NULL, unless nothing is to be written.
///
/// # Safety
/// `len` bytes at `p` are writable and nobody else's during the call.
pub(crate) unsafe fn bytes_mut<'a>(p: *mut c_void, len: usize) -> Result<&'a mut [u8], Errno> {
    if len == 0 {
        return Ok(&mut []);
    }
    if p.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: as in `bytes`.
    Ok(unsafe { std::slice::from_raw_parts_mut(p.cast(), len.min(MAX_COUNT)) })
}

/// A sockaddr as bytes. EINVAL for a length that no address has.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn address<'a>(addr: *const sockaddr, len: socklen_t) -> Result<&'a [u8], Errno> {
    let len = len as usize;
    if len > MAX_SOCKADDR {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller vouches for the memory.
    unsafe { bytes(addr.cast(), len) }
}

/// Can an address be stored here? EFAULT when there is room but no length, EINVAL for a negative
/// length; so that a call does not take a connection or a datagram that it cannot report.
///
/// # Safety
/// `len` is NULL or readable.
pub(crate) unsafe fn check_room(addr: *mut sockaddr, len: *mut socklen_t) -> Result<(), Errno> {
    if addr.is_null() {
        return Ok(());
    }
    if len.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, readable by the caller's word.
    let room = unsafe { len.read() };
    if i32::try_from(room).is_err() { Err(Errno::EINVAL) } else { Ok(()) }
}
