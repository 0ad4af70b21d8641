//! `libmatnet.so`: libc's socket calls, interposed, served by a stack in the same process.
//!
//! This package holds the hooks and nothing else: an exported `close` in an rlib or a static library would hook
//! whoever links it. What a call means is decided in `matnet_host::posix`; the hooks decide only whose call it is. The C API
//! (`matnet_*`) comes from `matnet-capi` and is exported from here as well.

// Its `#[no_mangle]` functions become exports of this library.
extern crate matnet_capi as _;

mod alloc;
mod preload;
