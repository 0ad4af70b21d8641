//! res_query(3) and kin: whole messages.
//!
//! Of the caller's resolver state only res_h_errno is written; servers are those of MATNET_DNS, options those of resolv.conf.
//! res_mkquery and the functions that take messages apart ask nobody and are libc's.

use std::ffi::CStr;

use libc::{c_char, c_int, c_uchar, c_ulong, c_ushort, c_void};
use matnet_host::Errno;
use matnet_host::names::Fail;
use matnet_host::names::raw::{self, Reply};

use super::set_h_errno;
use crate::preload::contain::contained;
use crate::preload::table::real;

/// struct __res_state up to what is written here (<bits/types/res_state.h>).
#[repr(C)]
struct State {
    retrans: c_int,
    retry: c_int,
    options: c_ulong,
    nscount: c_int,
    servers: [libc::sockaddr_in; 3],
    id: c_ushort,
    search: [*mut c_char; 7],
    domain: [c_char; 256],
    pfcode: c_ulong,
    bits: u32,
    sort: [[u32; 2]; 10],
    hooks: [*mut c_void; 2],
    h_errno: c_int,
}

/// res_query(3)
pub(in crate::preload) unsafe fn res_query(
    name: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_query(name, class, rtype, answer, room);
        }
        ask(std::ptr::null_mut(), name, answer, room, |n| raw::query(n, class as u16, rtype as u16))
    }
}

/// res_nquery(3)
pub(in crate::preload) unsafe fn res_nquery(
    state: *mut c_void,
    name: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_nquery(state, name, class, rtype, answer, room);
        }
        ask(state, name, answer, room, |n| raw::query(n, class as u16, rtype as u16))
    }
}

/// res_search(3)
pub(in crate::preload) unsafe fn res_search(
    name: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_search(name, class, rtype, answer, room);
        }
        ask(std::ptr::null_mut(), name, answer, room, |n| raw::search(n, class as u16, rtype as u16))
    }
}

/// res_nsearch(3)
pub(in crate::preload) unsafe fn res_nsearch(
    state: *mut c_void,
    name: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_nsearch(state, name, class, rtype, answer, room);
        }
        ask(state, name, answer, room, |n| raw::search(n, class as u16, rtype as u16))
    }
}

/// res_querydomain(3)
pub(in crate::preload) unsafe fn res_querydomain(
    name: *const c_char,
    domain: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_querydomain(name, domain, class, rtype, answer, room);
        }
        let full = |n: &[u8]| raw::query(&join(n, domain), class as u16, rtype as u16);
        ask(std::ptr::null_mut(), name, answer, room, full)
    }
}

/// res_nquerydomain(3)
pub(in crate::preload) unsafe fn res_nquerydomain(
    state: *mut c_void,
    name: *const c_char,
    domain: *const c_char,
    class: c_int,
    rtype: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_nquerydomain(state, name, domain, class, rtype, answer, room);
        }
        ask(state, name, answer, room, |n| raw::query(&join(n, domain), class as u16, rtype as u16))
    }
}

/// res_send(3)
pub(in crate::preload) unsafe fn res_send(
    message: *const c_uchar,
    len: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_send(message, len, answer, room);
        }
        send(message, len, answer, room)
    }
}

/// res_nsend(3)
pub(in crate::preload) unsafe fn res_nsend(
    state: *mut c_void,
    message: *const c_uchar,
    len: c_int,
    answer: *mut c_uchar,
    room: c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        if !super::are_ours() {
            return real::res_nsend(state, message, len, answer, room);
        }
        send(message, len, answer, room)
    }
}

/// # Safety
/// `message` and `answer` must be valid for their lengths.
unsafe fn send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int {
    // SAFETY: the caller vouches for it.
    let given = match unsafe { crate::preload::bytes(message.cast(), usize::try_from(len).unwrap_or(0)) } {
        Ok(given) => given,
        Err(e) => return crate::preload::fail(e) as c_int,
    };
    let before = Errno::last();
    match contained(|| raw::send(given)) {
        Some(Ok(reply)) => {
            before.set();
            // SAFETY: as above.
            unsafe { store(&reply, answer, room) }
        }
        Some(Err(e)) => crate::preload::fail(e) as c_int,
        None => crate::preload::fail(Errno::EIO) as c_int,
    }
}

/// A name and the domain behind it.
///
/// # Safety
/// `domain` must be null or a C string.
unsafe fn join(name: &[u8], domain: *const c_char) -> Vec<u8> {
    if domain.is_null() {
        return name.to_vec();
    }
    // SAFETY: the caller vouches for it.
    [name, b".", unsafe { CStr::from_ptr(domain) }.to_bytes()].concat()
}

/// # Safety
/// The pointers must be what res_nquery takes; `state` may be null.
unsafe fn ask(
    state: *mut c_void,
    name: *const c_char,
    answer: *mut c_uchar,
    room: c_int,
    question: impl FnOnce(&[u8]) -> Reply,
) -> c_int {
    // SAFETY: the caller vouches for it.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let before = Errno::last();
    let (reply, result) = contained(|| question(name)).unwrap_or((None, Err(Fail::TryAgain(Errno::EIO))));
    // SAFETY: as above.
    let len = reply.map_or(0, |reply| unsafe { store(&reply, answer, room) });
    let (value, code, errno) = match result {
        Ok(()) => (len, 0, before),
        Err(Fail::TryAgain(e)) => (-1, 2, e),
        Err(fail) => (-1, fail.h_errno(), before),
    };
    errno.set();
    set_h_errno(code);
    // SAFETY: as above; the structure is glibc's.
    if let Some(state) = unsafe { state.cast::<State>().as_mut() } {
        state.h_errno = code;
    }
    value
}

/// Copies a message to the program, cut to its room (and marked so), and returns its whole length.
///
/// # Safety
/// `answer` must be valid for writes of `room` bytes.
unsafe fn store(reply: &[u8], answer: *mut c_uchar, room: c_int) -> c_int {
    let room = usize::try_from(room).unwrap_or(0);
    let n = reply.len().min(room);
    // SAFETY: the caller vouches for it.
    unsafe {
        answer.copy_from_nonoverlapping(reply.as_ptr(), n);
        if n < reply.len() && n > 2 {
            // TC (RFC 1035 section 4.1.1)
            *answer.add(2) |= 2;
        }
    }
    c_int::try_from(reply.len()).unwrap_or(c_int::MAX)
}
