//! getsockname and getpeername, in the family of the socket.

use std::net::{Ipv4Addr, SocketAddr};

use libc::c_int;

use super::SockAddr;
use super::socket::with;
use crate::errno::Errno;

/// getsockname(2); the wildcard and port 0 while unbound.
pub fn getsockname(fd: c_int) -> Result<SockAddr, Errno> {
    with(fd, |shared, id| {
        let f = shared.file(id)?;
        let local = shared.stack.local_addr(f.socket).unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        Ok(SockAddr::encode(f.domain, local))
    })
}

/// getpeername(2); ENOTCONN unless connected.
pub fn getpeername(fd: c_int) -> Result<SockAddr, Errno> {
    with(fd, |shared, id| {
        let f = shared.file(id)?;
        let peer = shared.stack.peer_addr(f.socket).ok_or(Errno::ENOTCONN)?;
        Ok(SockAddr::encode(f.domain, peer))
    })
}
