//! C streams on sockets of ours.
//!
//! stdio calls read, write and close inside libc, past every hook. So fdopen of a socket of ours gives a custom stream
//! (fopencookie(3)) whose functions are the library's, and fileno, which knows nothing of custom streams, is answered from a
//! small table. exit flushes streams only after our destructor has run, so that one flushes them before it delivers.
//! Limits: fileno answers for the first [`MOST`] streams that are open at once; a stream on a number that was already one (stdin after
//! dup2) and dprintf still go past us.

use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use libc::{FILE, c_char, c_int, c_void, off64_t, size_t, ssize_t};
use matnet_host::Errno;
use matnet_host::posix;
use matnet_host::runtime;
use matnet_host::runtime::fdtable::is_special;

use super::table::real;
use super::{bytes_mut, ours};

/// Streams in the table.
const MOST: usize = 256;

struct Entry {
    stream: AtomicPtr<FILE>,
    fd: AtomicI32,
}

static STREAMS: [Entry; MOST] =
    [const { Entry { stream: AtomicPtr::new(std::ptr::null_mut()), fd: AtomicI32::new(-1) } }; MOST];
/// Streams in the table now: fileno looks only if there are any.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// cookie_io_functions_t (fopencookie(3)).
#[repr(C)]
struct Functions {
    read: unsafe extern "C-unwind" fn(*mut c_void, *mut c_char, size_t) -> ssize_t,
    write: unsafe extern "C-unwind" fn(*mut c_void, *const c_char, size_t) -> ssize_t,
    seek: unsafe extern "C-unwind" fn(*mut c_void, *mut off64_t, c_int) -> c_int,
    close: unsafe extern "C-unwind" fn(*mut c_void) -> c_int,
}

unsafe extern "C" {
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut FILE;
}

/// The cookie is the number itself.
fn number(cookie: *mut c_void) -> c_int {
    cookie as usize as c_int
}

unsafe extern "C-unwind" fn read(cookie: *mut c_void, buf: *mut c_char, n: size_t) -> ssize_t {
    let fd = number(cookie);
    if !is_special(fd) {
        // The socket has moved to the kernel.
        // SAFETY: stdio's own buffer.
        return unsafe { real::read(fd, buf.cast(), n) };
    }
    // SAFETY: as above.
    ours(|| Ok(posix::recv(fd, &mut [unsafe { bytes_mut(buf.cast(), n) }?], 0)?.len)) as ssize_t
}

unsafe extern "C-unwind" fn write(cookie: *mut c_void, buf: *const c_char, n: size_t) -> ssize_t {
    let fd = number(cookie);
    // SAFETY: stdio's own buffer.
    let sent = unsafe {
        if is_special(fd) { super::data::write(fd, buf.cast(), n) } else { real::write(fd, buf.cast(), n) }
    };
    // A custom stream says zero where write says -1.
    sent.max(0)
}

unsafe extern "C-unwind" fn seek(_cookie: *mut c_void, _offset: *mut off64_t, _whence: c_int) -> c_int {
    Errno::ESPIPE.set();
    -1
}

unsafe extern "C-unwind" fn close(cookie: *mut c_void) -> c_int {
    let fd = number(cookie);
    for entry in &STREAMS {
        if entry.fd.load(Ordering::Acquire) == fd {
            OPEN.fetch_sub(1, Ordering::AcqRel);
            entry.stream.store(std::ptr::null_mut(), Ordering::Release);
            // Last: from here on the entry may be another stream's.
            entry.fd.store(-1, Ordering::Release);
        }
    }
    // SAFETY: the stream's own number.
    if is_special(fd) { ours(|| posix::close(fd)) as c_int } else { unsafe { real::close(fd) } }
}

/// fdopen(3) of a socket of ours.
pub(super) unsafe fn open(fd: c_int, mode: *const c_char) -> *mut FILE {
    // SAFETY: the mode is the caller's own; the functions take what stdio gives them.
    let stream =
        unsafe { fopencookie(fd as usize as *mut c_void, mode, Functions { read, write, seek, close }) };
    if stream.is_null() {
        return stream;
    }
    runtime::flush_with(flush);
    for entry in &STREAMS {
        if entry.fd.compare_exchange(-1, fd, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            entry.stream.store(stream, Ordering::Release);
            OPEN.fetch_add(1, Ordering::AcqRel);
            break;
        }
    }
    stream
}

/// fileno(3)
pub(super) unsafe fn fileno(stream: *mut FILE) -> c_int {
    if OPEN.load(Ordering::Acquire) > 0 {
        let ours = STREAMS.iter().find(|e| e.stream.load(Ordering::Acquire) == stream && !stream.is_null());
        if let Some(entry) = ours {
            return entry.fd.load(Ordering::Acquire);
        }
    }
    // SAFETY: the caller's own argument.
    unsafe { real::fileno(stream) }
}

/// What exit would flush too late.
fn flush() {
    // SAFETY: null means all streams.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}
