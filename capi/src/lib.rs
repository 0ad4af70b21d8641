//! The `matnet_*` functions for C programs: POSIX socket calls on a TCP/IP stack of the program's
//! own.
//!
//! Every function turns pointers into slices, asks `matnet_host::posix`, and answers as POSIX does:
//! -1 and errno, on real file descriptors. Sockets come from `matnet_socket`; all other functions
//! also take descriptors of the kernel, which get the plain system call. The comments here become
//! those of `include/matnet.h` (cbindgen), so they are written for C.
//!
//! This crate exports no name of libc's. It is part of `libmatnet.so`, whose hooks serve read,
//! write, poll and close on our sockets as well, and of `libmatnet.a`, which has no hooks: there
//! only the `matnet_` functions know our sockets.
//!
//! Limits: a bad pointer other than NULL crashes as any C code would, instead of EFAULT. Calls that
//! go to the kernel are not cancellation points. In the static library nobody wraps signal
//! handlers: they must not call in here, and a blocking call answers EINTR even after a handler
//! with SA_RESTART.

#![allow(
    clippy::missing_safety_doc,
    reason = "what a C caller owes is in each text, which is the header's too"
)]
#![allow(non_camel_case_types, reason = "structures are named as in C")]

mod call;
mod exit;

// From here on in the order of the header; the blank lines keep rustfmt from sorting across them.
mod config;
mod socket;

mod data;
mod message;
mod ready;

mod fds;
mod stats;

#[cfg(test)]
mod tests;

pub use config::{matnet_config, matnet_init};
pub use data::{
    matnet_read, matnet_readv, matnet_recv, matnet_recvfrom, matnet_send, matnet_sendto, matnet_write,
    matnet_writev,
};
pub use fds::{matnet_close, matnet_dup, matnet_dup2, matnet_fcntl, matnet_ioctl};
pub use message::{matnet_recvmsg, matnet_sendmsg};
pub use ready::{matnet_epoll_ctl, matnet_poll, matnet_select};
pub use socket::{
    matnet_accept, matnet_accept4, matnet_bind, matnet_connect, matnet_getpeername, matnet_getsockname,
    matnet_getsockopt, matnet_listen, matnet_setsockopt, matnet_shutdown, matnet_socket,
};
pub use stats::{matnet_counter, matnet_stats};

use libc::c_char;

/// The version of this header, major part: programs built for another major part must be built
/// again.
pub const MATNET_VERSION_MAJOR: u32 = 0;
/// The version of this header, minor part: grows with new functions and new fields.
pub const MATNET_VERSION_MINOR: u32 = 1;
/// The version of this header, patch part: grows with corrections.
pub const MATNET_VERSION_PATCH: u32 = 0;

/// The version of the library that runs, such as "0.1.0". Compare it with `MATNET_VERSION`, the
/// version of the header that the program was built with.
///
/// Returns a string that lives as long as the program; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
