//! What each socket call means on a socket of ours.
//!
//! Safe functions over [`crate::runtime`]: the hooks and the C API turn pointers into slices, call here, and turn the result into a
//! return value and errno. Every function assumes that the slot table said "not the kernel's" and checks again under the lock.
//! [`Outcome::Kernel`] means that the socket is the kernel's from now on (an address that MATNET_BYPASS or the loopback
//! rule sends there), so the caller makes the real call.

pub mod addr;
mod bypass;
mod companion;
mod dgram;
mod epoll;
mod fastopen;
mod fdops;
pub mod interfaces;
mod ioctl;
pub mod iovec;
mod name;
pub mod netlink;
pub mod options;
mod ping_group;
mod poll;
mod raw;
mod select;
mod socket;
mod stream;
mod transfer;

pub use addr::SockAddr;
pub use epoll::{epoll_ctl, epoll_mixes, epoll_mixing, epoll_wait};
pub use fdops::{close, close_range, closing, dup, dup_onto, fcntl, forget, spill};
pub use ioctl::ioctl;
pub use iovec::{readv, recvmmsg, recvmsg, sendmmsg, sendmsg, store_sockaddr, writev};
pub use name::{getpeername, getsockname};
pub use options::{getsockopt, getsockopt_asks, setsockopt};
pub use poll::poll;
pub use select::{select, select_has_ours};
pub use socket::{accept, bind, connect, listen, shutdown, socket};
pub use transfer::{copy_file_range, sendfile, splice, tee, vmsplice};

use libc::c_int;

use crate::errno::Errno;
use crate::runtime::fdtable;

/// Whose the call is.
#[derive(Debug)]
pub enum Outcome<T> {
    /// The kernel's: make the real call.
    Kernel,
    /// Served here.
    Done(Result<T, Errno>),
}

impl<T> Outcome<T> {
    /// An error served here.
    pub fn fail(e: Errno) -> Outcome<T> {
        Outcome::Done(Err(e))
    }
}

impl<T> From<Result<Outcome<T>, Errno>> for Outcome<T> {
    fn from(r: Result<Outcome<T>, Errno>) -> Outcome<T> {
        r.unwrap_or_else(Outcome::fail)
    }
}

/// What a receive call got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Received {
    /// The call's return value: bytes copied, or the datagram's true length with MSG_TRUNC.
    pub len: usize,
    /// msg_flags, such as MSG_TRUNC.
    pub flags: c_int,
    /// Sender, for datagrams.
    pub from: Option<SockAddr>,
}

/// Sends `bufs` in order; `to` is a sockaddr for datagrams. Raises SIGPIPE as send(2) says.
pub fn send(fd: c_int, bufs: &[&[u8]], flags: c_int, to: Option<&[u8]>) -> Outcome<usize> {
    if fdtable::is_datagram(fd) {
        dgram::send(fd, &dgram::Message { bufs, to, control: &[] }, flags)
    } else if flags & libc::MSG_FASTOPEN != 0 {
        fastopen::send(fd, bufs, flags, to)
    } else {
        Outcome::Done(stream::send(fd, bufs, flags))
    }
}

/// Receives into `bufs` in order.
pub fn recv(fd: c_int, bufs: &mut [&mut [u8]], flags: c_int) -> Result<Received, Errno> {
    let extra = &mut None;
    if fdtable::is_datagram(fd) {
        dgram::recv_with(fd, bufs, flags, extra)
    } else {
        stream::recv_with(fd, bufs, flags, extra)
    }
}
