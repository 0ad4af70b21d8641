//! Names with letters beyond ASCII (AI_IDN, AI_CANONIDN): the system's libidn2, if there is one, as glibc does it (inet/idna.c).

use std::ffi::{CStr, CString};

use libc::{c_char, c_int, c_void};

type Convert = unsafe extern "C" fn(*const c_char, *mut *mut c_char, c_int) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void);

/// IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL (<idn2.h>)
const LOOKUP: c_int = 1 | 8;

/// The name as name servers have it; None when it cannot be converted.
pub(super) fn to_ascii(name: &str) -> Option<String> {
    convert(c"idn2_lookup_ul", name, LOOKUP)
}

/// The name as people write it; None when it is that already, or cannot be converted.
pub(super) fn to_unicode(name: &str) -> Option<String> {
    let coded = name.split('.').any(|label| label.starts_with("xn--"));
    if coded { convert(c"idn2_to_unicode_lzlz", name, 0) } else { None }
}

/// One of libidn2's functions that take a string and allocate another.
fn convert(function: &CStr, name: &str, flags: c_int) -> Option<String> {
    let name = CString::new(name).ok()?;
    // SAFETY: NUL-terminated names; the library's constructors are its own business. It stays loaded.
    unsafe {
        let library = libc::dlopen(c"libidn2.so.0".as_ptr(), libc::RTLD_NOW);
        if library.is_null() {
            return None;
        }
        let (convert, free) =
            (libc::dlsym(library, function.as_ptr()), libc::dlsym(library, c"idn2_free".as_ptr()));
        if convert.is_null() || free.is_null() {
            return None;
        }
        // Their types by <idn2.h>.
        let convert = std::mem::transmute::<*mut c_void, Convert>(convert);
        let free = std::mem::transmute::<*mut c_void, Free>(free);
        let mut out: *mut c_char = std::ptr::null_mut();
        if convert(name.as_ptr(), &raw mut out, flags) != 0 || out.is_null() {
            return None;
        }
        let text = CStr::from_ptr(out).to_str().ok().map(str::to_owned);
        free(out.cast());
        text
    }
}
