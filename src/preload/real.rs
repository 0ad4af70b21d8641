//! The functions that the hooks stand before.
//!
//! Each is found by `dlsym(RTLD_NEXT)` on its first use and kept in an atomic pointer of its own. A successful dlsym allocates
//! nothing and takes only the loader's recursive lock, so binding is possible before our constructor, in a signal
//! handler and in the child of a fork. Nothing is bound in advance: a program pays for what it calls. Two threads that bind at once
//! store the same address.
//!
//! Limit: a function that this libc does not have (`closefrom` before 2.34) answers ENOSYS, as the kernel would.

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::c_long;
use matnet_host::Errno;

/// One function of libc, or of a library between us and libc.
pub(super) struct Real {
    address: AtomicPtr<c_void>,
    name: &'static CStr,
}

impl Real {
    pub(super) const fn new(name: &'static CStr) -> Real {
        Real { address: AtomicPtr::new(std::ptr::null_mut()), name }
    }

    /// Its address; never null.
    #[inline(always)]
    pub(super) fn get(&self) -> *mut c_void {
        // Relaxed: the code behind the address was mapped before anything could call us.
        let address = self.address.load(Ordering::Relaxed);
        if address.is_null() { self.bind() } else { address }
    }

    #[cold]
    #[inline(never)]
    fn bind(&self) -> *mut c_void {
        let before = Errno::last();
        // SAFETY: the name is NUL-terminated.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        let address = if found.is_null() { missing as *const () as *mut c_void } else { found };
        self.address.store(address, Ordering::Relaxed);
        before.set();
        address
    }
}

/// Stands for a function that does not exist. Arguments are ignored, which the C calling conventions allow.
extern "C-unwind" fn missing() -> c_long {
    Errno::ENOSYS.set();
    -1
}
