//! Which addresses are the kernel's, and how a socket moves there.
//!
//! 127/8 (unless MATNET_LOOPBACK=stack), ::1 and what MATNET_BYPASS lists. The decision falls at bind, connect or the first
//! datagram. The kernel's socket takes every number of ours with dup3, with the options, the port and the epoll
//! registrations replayed. A UDP socket that only sends to the kernel's world stays and keeps both (see `companion`). Limits: a
//! ping socket moves as a whole with its first datagram; a UDP socket that connect has moved does not come back.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::c_int;

use matnet_stack::Kind;

use super::addr::{Parsed, SockAddr};
use super::companion;
use crate::errno::Errno;
use crate::runtime::file::{File, FileId};
use crate::runtime::{Shared, readd, settings, sys};

/// True when `addr` is to be reached by the kernel, from a socket of `kind`.
pub(super) fn is_kernel(addr: SocketAddr, kind: Kind) -> bool {
    settings().bypasses(addr.ip(), addr.port(), kind.into())
}

/// The destination that connect and sendto mean: the wildcard stands for this host (as Linux has it).
pub(super) fn destination(domain: c_int, parsed: Parsed) -> SocketAddr {
    match parsed {
        Parsed::V4(a) if a.ip().is_unspecified() && domain == libc::AF_INET6 => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, a.port()))
        }
        Parsed::V4(a) if a.ip().is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, a.port())),
        Parsed::V4(a) => SocketAddr::V4(a),
        Parsed::V6(a) => SocketAddr::V6(a),
        Parsed::Unspec => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
    }
}

/// Where the kernel's socket is to be bound: as the program asked, with the port that it may have been told meanwhile; None: nowhere.
fn bound(shared: &Shared, file: &File) -> Option<SockAddr> {
    let local = shared.stack.local_addr(file.socket).filter(|a| a.port() != 0)?;
    // Our own address is not the kernel's, and on loopback nobody can tell.
    Some(SockAddr::encode(file.domain, SocketAddr::from((Ipv4Addr::UNSPECIFIED, local.port()))))
}

/// Moves a socket to the kernel under all its numbers.
pub(super) fn to_kernel(shared: &mut Shared, id: FileId) -> Result<(), Errno> {
    // They may hold the port that the socket takes along.
    companion::drop_all(shared, id);
    crate::runtime::companion::note_use();
    let file = shared.file(id)?;
    let local = bound(shared, file);
    let any_port = file.rare().is_none_or(|r| r.bound.as_ref().is_none_or(|b| b.get(2..4) == Some(&[0, 0])));
    let file = shared.file_mut(id)?;
    let mut registrations = file.mirror.as_mut().map(|m| m.take_live()).unwrap_or_default();
    let nonblock = if file.nonblock { libc::SOCK_NONBLOCK } else { 0 };
    let kernel = sys::socket(file.domain, file.ty | nonblock | libc::SOCK_CLOEXEC, file.protocol)?;
    let result = (|| -> Result<(), Errno> {
        for o in file.rare().map_or(&[][..], |r| &r.recorded) {
            // An option that the kernel refuses was accepted by us; the program cannot be told any more.
            let _ = sys::setsockopt(kernel, o.level, o.name, &o.value);
        }
        if file.status_flags & !libc::O_ASYNC != 0 {
            let nonblock = if file.nonblock { libc::O_NONBLOCK } else { 0 };
            sys::fcntl(kernel, libc::F_SETFL, (file.status_flags & !libc::O_ASYNC | nonblock) as usize)?;
        }
        if let Some(mut addr) = local {
            match sys::bind(kernel, addr.as_bytes()) {
                // A port that the stack drew may be another's in the kernel.
                Err(Errno::EADDRINUSE) if any_port => {
                    (addr.bytes[2], addr.bytes[3]) = (0, 0);
                    sys::bind(kernel, addr.as_bytes())?;
                }
                other => other?,
            }
        }
        for &fd in file.fds.iter() {
            let flags = sys::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0);
            let cloexec = if flags & libc::FD_CLOEXEC != 0 { libc::O_CLOEXEC } else { 0 };
            sys::dup3(kernel, fd, cloexec)?;
        }
        if let (Some(io), Some(&fd)) = (file.rare().and_then(|r| r.async_io.as_deref()), file.fds.first()) {
            io.replay(fd);
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
