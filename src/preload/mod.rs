//! The hooks: one table, one file per group of calls.
//!
//! Every hook follows three rules.
//! - A descriptor that is not ours costs one atomic load and a jump to the real function: no lock, no allocation, no
//!   initialisation, no thread-local. This library's own parking_lot, std and nix call the exported `syscall`, `close` and `poll`
//!   too, and programs call them before our constructor has run, after thread-local teardown and in the child of a fork.
//! - A descriptor of ours goes to `posix` inside [`ours`], which contains panics and lets cancellation pass (see
//!   `contain`). errno is set last; on success it is what it was before the call, as in the kernel.
//! - A call that makes a descriptor reports it to [`made`], so that a slot never claims a number that the
//!   kernel has given to something else.

mod contain;
mod create;
mod data;
mod fds;
mod held;
mod limits;
mod misc;
mod names;
mod process;
mod readiness;
mod real;
mod signals;
mod startup;
mod streams;
mod table;

use libc::{c_int, c_long, c_void};
use matnet_host::Errno;
use matnet_host::posix::{self, Outcome};
use matnet_host::runtime::{fdspace, fdtable, sys};

use contain::contained;

/// A result as libc's functions return it.
trait Value {
    fn value(self) -> c_long;
}

impl Value for () {
    fn value(self) -> c_long {
        0
    }
}

impl Value for c_int {
    fn value(self) -> c_long {
        c_long::from(self)
    }
}

impl Value for usize {
    fn value(self) -> c_long {
        c_long::try_from(self).unwrap_or(c_long::MAX)
    }
}

/// -1 and errno.
#[cold]
fn fail(e: Errno) -> c_long {
    e.set();
    -1
}

/// Runs `f`, which serves a descriptor of ours; a panic in it becomes EIO.
#[inline]
fn ours<T: Value>(f: impl FnOnce() -> Result<T, Errno>) -> c_long {
    let before = Errno::last();
    match contained(f) {
        Some(Ok(value)) => {
            before.set();
            value.value()
        }
        Some(Err(e)) => fail(e),
        None => fail(Errno::EIO),
    }
}

/// As [`ours`], for calls that may turn out to be the kernel's: then `real` is called, outside of everything.
#[inline]
fn ours_or<T: Value>(f: impl FnOnce() -> Outcome<T>, real: impl FnOnce() -> c_long) -> c_long {
    let before = Errno::last();
    match contained(f) {
        Some(Outcome::Done(Ok(value))) => {
            before.set();
            value.value()
        }
        Some(Outcome::Done(Err(e))) => fail(e),
        Some(Outcome::Kernel) => {
            before.set();
            real()
        }
        None => fail(Errno::EIO),
    }
}

/// What a real call that makes a descriptor returned. If its number is still ours in the table, something closed
/// it unseen and the slot is stale; if it is above the limit that the program believes in, the program gets EMFILE.
#[inline]
fn made(fd: c_int) -> c_int {
    if fd >= 0 && (fdtable::is_noted(fd) || above_limit(fd)) {
        return made_unusual(fd);
    }
    fd
}

#[cold]
fn made_unusual(fd: c_int) -> c_int {
    let before = Errno::last();
    if fdtable::is_noted(fd) {
        let _ = contained(|| posix::forget(fd));
    }
    if above_limit(fd) {
        let _ = sys::close(fd);
        return fail(Errno::EMFILE) as c_int;
    }
    before.set();
    fd
}

/// True for a number that the program could not have had: the real limit was raised for our own descriptors.
#[inline]
fn above_limit(fd: c_int) -> bool {
    fdspace::program_soft_limit().is_some_and(|soft| u64::try_from(fd).is_ok_and(|fd| fd >= soft))
}

/// The most that one call moves (MAX_RW_COUNT in the kernel).
const MOST: usize = 0x7fff_f000;

/// The program's bytes, to read.
///
/// # Safety
/// `p` must be null or valid for reads of `n` bytes during the call.
unsafe fn bytes<'a>(p: *const c_void, n: usize) -> Result<&'a [u8], Errno> {
    match (n, p.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(Errno::EFAULT),
        // SAFETY: not null, and the caller vouches for the rest.
        _ => Ok(unsafe { std::slice::from_raw_parts(p.cast(), n.min(MOST)) }),
    }
}

/// The program's bytes, to fill.
///
/// # Safety
/// `p` must be null or valid for writes of `n` bytes during the call.
unsafe fn bytes_mut<'a>(p: *mut c_void, n: usize) -> Result<&'a mut [u8], Errno> {
    match (n, p.is_null()) {
        (0, _) => Ok(&mut []),
        (_, true) => Err(Errno::EFAULT),
        // SAFETY: not null, and the caller vouches for the rest.
        _ => Ok(unsafe { std::slice::from_raw_parts_mut(p.cast(), n.min(MOST)) }),
    }
}

/// The program's socket address.
///
/// # Safety
/// `p` must be null or valid for reads of `len` bytes during the call.
unsafe fn address<'a>(p: *const libc::sockaddr, len: libc::socklen_t) -> Result<&'a [u8], Errno> {
    if len as usize > size_of::<libc::sockaddr_storage>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller vouches for it.
    unsafe { bytes(p.cast(), len as usize) }
}
