//! Runs a [`matnet_stack::Stack`] inside somebody else's process.
//!
//! `runtime` owns the device, the stack and the table of file descriptors; `posix` says what each socket call means
//! on them; `link` is the device; `config` is the one table of options. Nothing here is hooked: the
//! package at the root exports the hooks and calls `posix`, the C API does the same under `matnet_*` names.

pub mod config;
pub mod errno;
pub mod link;
#[macro_use]
pub mod log;
pub mod names;
pub mod posix;
pub mod runtime;

pub use errno::Errno;
