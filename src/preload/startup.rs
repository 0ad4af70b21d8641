//! The library's beginning and end in the process.
//!
//! The constructor answers one question, whether the library came in by LD_PRELOAD, from the environment that
//! the program was started with: `.init_array` entries get it as an argument (glibc), so nothing is copied or allocated, and every
//! program that loads the library pays only for a scan of its environment. The list names this library when it has the file
//! name that the loader loaded it by, whatever that is: a copy under another name must not fall back to the kernel. The
//! destructor runs at `exit` and on return from main, and lets unsent data reach the peer.
//!
//! Limits: what came in by /etc/ld.so.preload or `ld.so --preload` is taken for linked; MATNET_HOOK=on serves there.

use std::ffi::{CStr, c_char, c_void};

use libc::c_int;
use matnet_host::runtime::{self, environ};

use super::contain::contained;

type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

#[used]
#[unsafe(link_section = ".init_array")]
static START: Constructor = start;

#[used]
#[unsafe(link_section = ".fini_array")]
static END: extern "C" fn() = end;

unsafe extern "C" fn start(_argc: c_int, _argv: *const *const c_char, envp: *const *const c_char) {
    // SAFETY: glibc passes the process's environment, an array that ends with a null.
    let named = unsafe { preload_list(envp) }.is_some_and(names_us);
    crate::alloc::prepare_for_fork();
    runtime::probe::on_start(super::signals::watch_faults);
    runtime::set_preloaded(named && !environ::is_secure());
}

extern "C" fn end() {
    let _ = contained(runtime::on_orderly_exit);
}

/// The value of LD_PRELOAD.
///
/// # Safety
/// `envp` must be null or an array of strings that ends with a null, valid for the life of the process.
unsafe fn preload_list(envp: *const *const c_char) -> Option<&'static [u8]> {
    let mut entry = envp;
    if entry.is_null() {
        return None;
    }
    loop {
        // SAFETY: the array has not ended yet.
        let string = unsafe { *entry };
        if string.is_null() {
            return None;
        }
        // Most entries end this here, without a look at their length.
        // SAFETY: a string has at least its NUL, and the second byte is read only if the first is not it.
        if unsafe { *string as u8 == b'L' && *string.add(1) as u8 == b'D' } {
            // SAFETY: an entry of the environment is a C string.
            let bytes = unsafe { CStr::from_ptr(string) }.to_bytes();
            if let Some(value) = bytes.strip_prefix(b"LD_PRELOAD=") {
                return Some(value);
            }
        }
        // SAFETY: this entry was not the last.
        entry = unsafe { entry.add(1) };
    }
}

/// Whether a list as ld.so(8) takes it, separated by colons or spaces, has this library.
fn names_us(list: &[u8]) -> bool {
    let ours = base(own_path());
    list.split(|&b| b == b':' || b == b' ').map(base).any(|file| !file.is_empty() && file == ours)
}

/// A path's last part.
fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

/// The path that the loader found this library by; empty when it does not know.
fn own_path() -> &'static [u8] {
    // SAFETY: all zero is a value of the struct.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: the address is only compared with those of what is loaded; dladdr(3) fills in the struct and allocates nothing.
    let known = unsafe { libc::dladdr((&raw const START).cast::<c_void>(), &raw mut info) };
    if known == 0 || info.dli_fname.is_null() {
        return &[];
    }
    // SAFETY: a C string that lives as long as the library is loaded.
    unsafe { CStr::from_ptr(info.dli_fname) }.to_bytes()
}
