//! Names: who asks a name server asks it through the stack (MATNET_DNS); what needs none is libc's.
//!
//! One file for each family of functions; `matnet_host::names` does the asking. A lookup runs inside `contained`, the
//! building of results outside of it, for it uses the program's own malloc: what is returned is freed by libc's functions.
//!
//! Without MATNET_DNS all of these are libc's own, except that getaddrinfo's AI_ADDRCONFIG means the program's host.

mod addrinfo;
mod hostent;
mod idn;
mod interfaces;
mod later;
mod nameinfo;
mod resolver;

pub(super) use addrinfo::getaddrinfo;
pub(super) use hostent::{
    gethostbyaddr, gethostbyaddr_r, gethostbyname, gethostbyname_r, gethostbyname2, gethostbyname2_r,
};
pub(super) use interfaces::{NameIndex, getifaddrs, if_indextoname, if_nameindex, if_nametoindex};
pub(super) use later::{Event, Request, getaddrinfo_a};
pub(super) use nameinfo::getnameinfo;
pub(super) use resolver::{
    res_nquery, res_nquerydomain, res_nsearch, res_nsend, res_query, res_querydomain, res_search, res_send,
};

use std::ffi::CStr;

use libc::{c_char, c_int};
use matnet_host::names;

use super::contain::contained;

/// True when names are to be resolved here.
fn are_ours() -> bool {
    contained(names::are_ours).unwrap_or(false)
}

/// The text behind a pointer; None for null and for what is not UTF-8.
///
/// # Safety
/// `p` must be null or a C string that lives for `'a`.
unsafe fn text<'a>(p: *const c_char) -> Option<&'a str> {
    if p.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(p) }.to_str().ok()
}

/// NETDB_INTERNAL
const INTERNAL: c_int = -1;

unsafe extern "C" {
    /// Where the calling thread's h_errno is (<netdb.h>).
    fn __h_errno_location() -> *mut c_int;
}

/// Makes this the calling thread's h_errno.
fn set_h_errno(value: c_int) {
    // SAFETY: always valid, as with errno.
    unsafe { *__h_errno_location() = value };
}
