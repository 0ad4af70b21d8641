//! RLIMIT_NOFILE as the program sees it.
//!
//! Once a stack runs, the real soft limit is raised to make room for the library's own descriptors above the program's (see
//! `fdspace`); the program goes on seeing and setting its own. `rlimit` and `rlimit64` are one structure on 64-bit machines.

use libc::{c_int, c_long, pid_t, rlimit};
use matnet_host::runtime::{fdspace, sys};

use super::ours;
use super::table::real;

/// The program's limit, if this resource is the one and a stack runs.
fn shown(resource: c_int) -> Option<u64> {
    if resource != libc::RLIMIT_NOFILE as c_int {
        return None;
    }
    fdspace::program_soft_limit()
}

/// Puts the program's soft limit over the real one.
///
/// # Safety
/// `limit` must be valid for writes.
unsafe fn show(limit: *mut rlimit, soft: u64) {
    // SAFETY: the caller vouches for it.
    let limit = unsafe { &mut *limit };
    limit.rlim_cur = soft.min(limit.rlim_max);
}

/// getrlimit(2)
pub(super) unsafe fn getrlimit(resource: c_int, limit: *mut rlimit) -> c_int {
    // SAFETY: the caller's own arguments.
    let result = unsafe { real::getrlimit(resource, limit) };
    if let (0, Some(soft), false) = (result, shown(resource), limit.is_null()) {
        // SAFETY: the call above has just written it.
        unsafe { show(limit, soft) };
    }
    result
}

/// setrlimit(2)
pub(super) unsafe fn setrlimit(resource: c_int, limit: *const rlimit) -> c_int {
    // SAFETY: null or valid, as setrlimit requires.
    match (shown(resource), unsafe { limit.as_ref() }) {
        (Some(_), Some(new)) => ours(|| fdspace::set_program_limit(new.rlim_cur, new.rlim_max)) as c_int,
        // SAFETY: the caller's own arguments.
        _ => unsafe { real::setrlimit(resource, limit) },
    }
}

/// prlimit(2)
pub(super) unsafe fn prlimit(pid: pid_t, resource: c_int, new: *const rlimit, old: *mut rlimit) -> c_int {
    if shown(resource).is_none() || (pid != 0 && pid != sys::getpid()) {
        // SAFETY: the caller's own arguments.
        return unsafe { real::prlimit(pid, resource, new, old) };
    }
    // SAFETY: null or valid, as prlimit requires; copied, since it may be the same object as `old`.
    let wanted = unsafe { new.as_ref() }.copied();
    if !old.is_null() {
        // SAFETY: the caller gave room for one.
        let result = unsafe { getrlimit(resource, old) };
        if result != 0 {
            return result;
        }
    }
    match wanted {
        // SAFETY: a local.
        Some(new) => unsafe { setrlimit(resource, &raw const new) },
        None => 0,
    }
}

/// sysconf(3): _SC_OPEN_MAX is this limit.
pub(super) unsafe fn sysconf(name: c_int) -> c_long {
    match (name, fdspace::program_soft_limit()) {
        (libc::_SC_OPEN_MAX, Some(soft)) => c_long::try_from(soft).unwrap_or(-1),
        // SAFETY: the caller's own argument.
        _ => unsafe { real::sysconf(name) },
    }
}

/// getdtablesize(3)
pub(super) unsafe fn getdtablesize() -> c_int {
    match fdspace::program_soft_limit() {
        Some(soft) => c_int::try_from(soft).unwrap_or(c_int::MAX),
        // SAFETY: no arguments.
        None => unsafe { real::getdtablesize() },
    }
}
