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

mod behind;
mod contain;
mod create;
mod data;
mod dprintf;
mod fds;
mod held;
mod limits;
mod misc;
mod names;
mod netlink;
mod process;
mod readiness;
mod real;
mod signals;
mod startup;
mod table;

use libc::{c_int, c_long, c_void};
use matnet_host::Errno;
use matnet_host::posix::{self, Outcome};
use matnet_host::runtime::{fdspace, fdtable, probe, sys};

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

/// The end of the addresses that a program can have (TASK_SIZE_MAX on x86-64; machines with larger ones fault there as well).
const USER_END: usize = 1 << 47;

/// The program's bytes, to read. As access_ok in the kernel this looks at the address only; whether there is memory, `probe` asks when
/// bytes are about to be moved. A null pointer is as bad as any other in the first page, but no slice may have it.
///
/// # Safety
/// `p` must not change under the call, and is valid for reads of `n` bytes once `probe` said so.
unsafe fn bytes<'a>(p: *const c_void, n: usize) -> Result<&'a [u8], Errno> {
    let (at, n) = ((p as usize).max(1), n.min(MOST));
    if at > USER_END - n {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, and what is not readable is not read (`probe`).
    Ok(unsafe { std::slice::from_raw_parts(at as *const u8, n) })
}

/// The program's bytes, to fill; see [`bytes`].
///
/// # Safety
/// As [`bytes`], for writes.
unsafe fn bytes_mut<'a>(p: *mut c_void, n: usize) -> Result<&'a mut [u8], Errno> {
    let (at, n) = ((p as usize).max(1), n.min(MOST));
    if at > USER_END - n {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, and what is not writable is not written (`probe`).
    Ok(unsafe { std::slice::from_raw_parts_mut(at as *mut u8, n) })
}

/// The program's socket address.
///
/// # Safety
/// `p` must be null or valid for reads of `len` bytes during the call.
unsafe fn address<'a>(p: *const libc::sockaddr, len: libc::socklen_t) -> Result<&'a [u8], Errno> {
    if len as usize > size_of::<libc::sockaddr_storage>() {
        return Err(Errno::EINVAL);
    }
    if !probe::readable(p.cast(), len as usize) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it is readable.
    unsafe { bytes(p.cast(), len as usize) }
}
