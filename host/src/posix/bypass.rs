//! Which addresses are the kernel's, and how a socket moves there.
//!
//! 127/8 (unless MATNET_LOOPBACK=stack), ::1 and what MATNET_BYPASS lists. The decision falls at bind, connect or the first
//! datagram. The kernel's socket takes every number of ours with dup3, with the options, the bind address and the epoll
//! registrations replayed. Limit: a datagram socket that has spoken to the stack's network and then sends to a bypassed
//! address moves as a whole.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::addr::Parsed;
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::{Shared, readd, settings, sys};

/// True when `addr` is to be reached by the kernel.
pub(super) fn is_kernel(addr: SocketAddr) -> bool {
    let settings = settings();
    let ip = addr.ip().to_canonical();
    if let IpAddr::V4(v4) = ip {
        if v4.is_loopback() {
            return !settings.loopback_stack;
        }
    }
    settings.bypass.iter().any(|rule| rule.matches(ip, addr.port()))
}

/// The destination that connect and sendto mean: the wildcard stands for this host (as Linux has it).
pub(super) fn destination(parsed: Parsed) -> SocketAddr {
    match parsed {
        Parsed::V4(a) if a.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, a.port())),
        Parsed::V4(a) => SocketAddr::V4(a),
        Parsed::V6(a) => SocketAddr::V6(a),
        Parsed::Unspec => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
    }
}

/// Moves a socket to the kernel under all its numbers.
pub(super) fn to_kernel(shared: &mut Shared, id: FileId) -> Result<(), Errno> {
    let file = shared.file_mut(id)?;
    let mut registrations = file.mirror.as_mut().map(|m| m.take_live()).unwrap_or_default();
    let nonblock = if file.nonblock { libc::SOCK_NONBLOCK } else { 0 };
    let kernel = sys::socket(file.domain, file.ty | nonblock | libc::SOCK_CLOEXEC, file.protocol)?;
    let result = (|| -> Result<(), Errno> {
        for o in file.rare().map_or(&[][..], |r| &r.recorded) {
            // An option that the kernel refuses was accepted by us; the program cannot be told any more.
            let _ = sys::setsockopt(kernel, o.level, o.name, &o.value);
        }
        if let Some(addr) = file.rare().and_then(|r| r.bound.as_ref()) {
            sys::bind(kernel, addr)?;
        }
        for &fd in file.fds.iter() {
            let flags = sys::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0);
            let cloexec = if flags & libc::FD_CLOEXEC != 0 { libc::O_CLOEXEC } else { 0 };
            sys::dup3(kernel, fd, cloexec)?;
        }
        Ok(())
    })();
    let _ = sys::close(kernel);
    if let Err(e) = result {
        if let Some(m) = shared.file_mut(id)?.mirror.as_mut() {
            m.registrations = registrations;
        }
        return Err(e);
    }
    if let Some(file) = shared.detach(id) {
        registrations.extend(shared.leave_sets(file.sets, true));
    }
    for r in registrations.iter_mut().filter(|r| r.fired) {
        // A oneshot that has fired: the kernel cannot take it disarmed, but hears of nothing except ERR and HUP.
        (r.events, r.fired) = (libc::EPOLLONESHOT as u32, false);
    }
    readd(&registrations);
    Ok(())
}
