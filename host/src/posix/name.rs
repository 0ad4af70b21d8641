//! getsockname and getpeername, in the family of the socket.

use std::net::{Ipv4Addr, SocketAddr};

use libc::c_int;

use super::socket::{self, with};
use super::{SockAddr, companion};
use crate::errno::Errno;

/// getsockname(2); the wildcard and port 0 while unbound.
pub fn getsockname(fd: c_int) -> Result<SockAddr, Errno> {
    with(fd, |shared, id| {
        companion::named(shared, id)?;
        let f = shared.file(id)?;
        let unbound = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let local = shared.stack.local_addr(f.socket).or_else(|| socket::awaits_port(f)).unwrap_or(unbound);
        Ok(SockAddr::encode(f.domain, local))
    })
}

/// getpeername(2); ENOTCONN unless connected, and to port 0 too (inet_getname).
pub fn getpeername(fd: c_int) -> Result<SockAddr, Errno> {
    with(fd, |shared, id| {
        let f = shared.file(id)?;
        let peer = shared.stack.peer_addr(f.socket).filter(|a| a.port() != 0).ok_or(Errno::ENOTCONN)?;
        Ok(SockAddr::encode(f.domain, peer))
    })
}
