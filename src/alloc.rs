//! The library's memory comes from an allocator of its own.
//!
//! A signal handler may call send or close while its thread is inside the *program's* malloc, where using it again would
//! deadlock or corrupt it; and a program may bring a malloc that itself makes hooked calls. So nothing here enters
//! libc's malloc: dlmalloc (mmap below, one lock) serves this library alone. While it works the thread counts as inside the
//! library, so a handler never finds it half done. After a fork the child can allocate: the lock is taken around it.
//! Limit: what libc allocates for us (pthread_create) still comes from the program's malloc.

use std::alloc::{GlobalAlloc, Layout};

use dlmalloc::GlobalDlmalloc;
use matnet_host::runtime::inside;

struct Own;

#[global_allocator]
static ALLOCATOR: Own = Own;

// SAFETY: every method is dlmalloc's, which keeps the contract; the guard around it touches two thread-local numbers.
unsafe impl GlobalAlloc for Own {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _inside = inside::enter();
        // SAFETY: the caller's contract.
        unsafe { GlobalDlmalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        let _inside = inside::enter();
        // SAFETY: the caller's contract.
        unsafe { GlobalDlmalloc.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let _inside = inside::enter();
        // SAFETY: the caller's contract.
        unsafe { GlobalDlmalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let _inside = inside::enter();
        // SAFETY: the caller's contract.
        unsafe { GlobalDlmalloc.realloc(ptr, layout, new_size) }
    }
}

/// Keeps the allocator usable in the child of a fork. Called once, by the constructor.
pub(crate) fn prepare_for_fork() {
    // SAFETY: called before this library has allocated anything or started a thread.
    unsafe { dlmalloc::enable_alloc_after_fork() };
}
