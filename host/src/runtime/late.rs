//! The end of stdio.
//!
//! exit runs destructors first and writes out stdio's buffers after the last of them, inside libc, and then the process is gone. So where
//! streams may have something for a socket, the sockets must not be closed in our destructor: other destructors print as well. A
//! stream of our own is asked after everything is written: `_IO_cleanup` (libio/genops.c) writes out every stream, and only then makes
//! each unbuffered; one that was read only in part has to move its position back for that, and that is our function.
//!
//! From glibc 2.41 on positions are moved while streams are written out, ours among the first: everything is written out here then,
//! under the streams' locks, which such a libc takes as well. An older one takes none, and must not be made to wait here: another
//! thread may sit in getchar for ever.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{FILE, off64_t, size_t, ssize_t};

use super::{exit, spill};

/// The stream is there.
static ARMED: AtomicBool = AtomicBool::new(false);
/// It has been asked.
static OVER: AtomicBool = AtomicBool::new(false);

/// cookie_io_functions_t (fopencookie(3)).
#[repr(C)]
struct Functions {
    read: unsafe extern "C" fn(*mut c_void, *mut c_char, size_t) -> ssize_t,
    write: unsafe extern "C" fn(*mut c_void, *const c_char, size_t) -> ssize_t,
    seek: unsafe extern "C" fn(*mut c_void, *mut off64_t, c_int) -> c_int,
    close: unsafe extern "C" fn(*mut c_void) -> c_int,
}

unsafe extern "C" {
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut FILE;
    fn fgetc(stream: *mut FILE) -> c_int;
}

/// Two bytes, of which one stays unread.
unsafe extern "C" fn read(_: *mut c_void, buf: *mut c_char, n: size_t) -> ssize_t {
    if n < 2 {
        return 0;
    }
    // SAFETY: stdio's own buffer of `n` bytes.
    unsafe { buf.write_bytes(b' ', 2) };
    2
}

unsafe extern "C" fn write(_: *mut c_void, _: *const c_char, n: size_t) -> ssize_t {
    n.cast_signed()
}

/// Everything is written.
unsafe extern "C" fn seek(_: *mut c_void, _: *mut off64_t, _: c_int) -> c_int {
    if !OVER.swap(true, Ordering::AcqRel) {
        if moves_early() {
            // SAFETY: null means all streams; the lock on their list may be taken again by its thread.
            unsafe { libc::fflush(std::ptr::null_mut()) };
        }
        exit::on_exit();
    }
    0
}

unsafe extern "C" fn close(_: *mut c_void) -> c_int {
    0
}

/// True for a glibc that moves positions before the last stream is written.
fn moves_early() -> bool {
    // SAFETY: a string that lives for ever.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
    let numbers = version.to_str().ok().and_then(|v| v.split_once('.')).map(|(a, b)| (a.parse(), b.parse()));
    matches!(numbers, Some((Ok(major), Ok(minor))) if (major, minor) >= (2u32, 41u32))
}

/// In the child of a fork, which has its own end to come.
pub(super) fn forget() {
    OVER.store(false, Ordering::Release);
}

/// From our destructor: true when the sockets are closed after stdio's last word.
pub(super) fn arm() -> bool {
    if !spill::ever() {
        return false;
    }
    if ARMED.swap(true, Ordering::AcqRel) {
        return true;
    }
    // SAFETY: the functions take what stdio gives them; the mode is a C string.
    unsafe {
        let stream = fopencookie(std::ptr::null_mut(), c"r".as_ptr(), Functions { read, write, seek, close });
        !stream.is_null() && fgetc(stream) == c_int::from(b' ')
    }
}
