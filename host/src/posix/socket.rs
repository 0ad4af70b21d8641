//! socket, bind, connect, listen, accept, shutdown.

use std::net::{Ipv6Addr, SocketAddr};

use libc::c_int;
use matnet_stack::{Error, Kind, Readiness, Shutdown, SocketId, TcpState};

use super::addr::{self, Parsed, SockAddr};
use super::{Outcome, bypass, options};
use crate::errno::Errno;
use crate::runtime::file::{File, FileId};
use crate::runtime::wait::{Blocking, block_on};
use crate::runtime::{self, Shared, sys};

/// The runtime of a descriptor that the slot table calls ours.
pub(super) fn with<T>(
    fd: c_int,
    f: impl FnOnce(&mut Shared, FileId) -> Result<T, Errno>,
) -> Result<T, Errno> {
    // A child of a fork has inherited numbers but no stack of its own.
    let runtime = runtime::get().ok_or(Errno::ENETDOWN)?;
    let mut shared = runtime.lock();
    let id = shared.lookup(fd)?;
    let result = f(&mut shared, id);
    if shared.lookup(fd) == Ok(id) {
        shared.settle_mirror(id, fd);
    }
    result
}

/// The obsolete way to packet sockets (packet(7)).
const SOCK_PACKET: c_int = 10;

/// socket(2). Not ours: families other than AF_INET and AF_INET6.
pub fn socket(domain: c_int, ty: c_int, protocol: c_int) -> Outcome<c_int> {
    if domain != libc::AF_INET && domain != libc::AF_INET6 {
        return Outcome::Kernel;
    }
    Outcome::Done(open(domain, ty, protocol))
}

fn open(domain: c_int, ty: c_int, protocol: c_int) -> Result<c_int, Errno> {
    let flags = ty & (libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
    let base = ty & 0xf;
    // IPPROTO_MAX is IPPROTO_MPTCP + 1.
    if ty & !0xf & !flags != 0 || !(0..=libc::IPPROTO_MPTCP).contains(&protocol) {
        return Err(Errno::EINVAL);
    }
    let (kind, protocol) = match (base, protocol) {
        (libc::SOCK_STREAM, 0 | libc::IPPROTO_TCP) => (Kind::Tcp, libc::IPPROTO_TCP),
        (libc::SOCK_DGRAM, 0 | libc::IPPROTO_UDP) => (Kind::Udp, libc::IPPROTO_UDP),
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMP) if domain == libc::AF_INET => (Kind::Ping, libc::IPPROTO_ICMP),
        // As a kernel without IPv6 answers: programs then go on with IPv4.
        (libc::SOCK_DGRAM | libc::SOCK_RAW, libc::IPPROTO_ICMPV6) => return Err(Errno::EAFNOSUPPORT),
        (libc::SOCK_RAW, _) => {
            crate::log_warn!("raw IP sockets are not served; an ICMP datagram socket (ping) is");
            return Err(Errno::EPROTONOSUPPORT);
        }
        (libc::SOCK_STREAM | libc::SOCK_DGRAM, _) => return Err(Errno::EPROTONOSUPPORT),
        (libc::SOCK_SEQPACKET | libc::SOCK_RDM | libc::SOCK_DCCP | SOCK_PACKET, _) => {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        _ => return Err(Errno::EINVAL),
    };
    let runtime = runtime::start()?;
    let mut shared = runtime.lock();
    let fd = shared.reserve(flags & libc::SOCK_CLOEXEC != 0)?;
    let socket = match shared.stack.open(kind) {
        Ok(socket) => socket,
        Err(e) => {
            let _ = sys::close(fd);
            return Err(e.into());
        }
    };
    let mut file = File::new(socket, domain, base, protocol);
    file.nonblock = flags & libc::SOCK_NONBLOCK != 0;
    shared.install(fd, file)?;
    Ok(fd)
}

/// bind(2)
pub fn bind(fd: c_int, bytes: &[u8]) -> Outcome<()> {
    with(fd, |shared, id| {
        let file = shared.file(id)?;
        let local = match addr::parse_bind(file.domain, bytes)? {
            Parsed::V4(a) => SocketAddr::V4(a),
            // No IPv6 address is ours, but the kernel's loopback has one.
            Parsed::V6(a) => SocketAddr::V6(a),
            Parsed::Unspec => return Err(Errno::EAFNOSUPPORT),
        };
        if bypass::is_kernel(local) {
            bypass::to_kernel(shared, id)?;
            return Ok(Outcome::Kernel);
        }
        if local.is_ipv6() && local.ip() != Ipv6Addr::UNSPECIFIED {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let socket = file.socket;
        shared.stack.bind(sys::now(), socket, local)?;
        shared.file_mut(id)?.rare_mut().bound = Some(bytes.to_vec());
        Ok(Outcome::Done(Ok(())))
    })
    .into()
}

/// Where a connect goes.
enum Target {
    /// AF_UNSPEC: nowhere any more.
    Nowhere,
    Kernel,
    Stream(SocketAddr),
    Datagram(SocketAddr),
}

/// connect(2), for streams and datagrams.
pub fn connect(fd: c_int, bytes: &[u8]) -> Outcome<()> {
    match with(fd, |shared, id| target(shared, id, bytes)) {
        Err(e) => Outcome::fail(e),
        Ok(Target::Kernel) => Outcome::Kernel,
        Ok(Target::Stream(remote)) => Outcome::Done(connect_stream(fd, remote)),
        Ok(Target::Nowhere) => Outcome::Done(with(fd, |shared, id| {
            let socket = shared.file(id)?.socket;
            Ok(shared.stack.disconnect(sys::now(), socket)?)
        })),
        Ok(Target::Datagram(remote)) => Outcome::Done(with(fd, |shared, id| {
            let socket = shared.file(id)?.socket;
            Ok(shared.stack.connect(sys::now(), socket, remote)?)
        })),
    }
}

fn target(shared: &mut Shared, id: FileId, bytes: &[u8]) -> Result<Target, Errno> {
    let file = shared.file(id)?;
    let (socket, domain) = (file.socket, file.domain);
    let parsed = addr::parse(domain, bytes)?;
    if parsed == Parsed::Unspec {
        return Ok(Target::Nowhere);
    }
    let stream = socket.kind == Kind::Tcp;
    if domain == libc::AF_INET6 {
        if stream {
            addr::is_v6(bytes)?;
        }
        if matches!(parsed, Parsed::V4(a) if !a.ip().is_unspecified()) && is_v6only(shared, socket) {
            return Err(Errno::ENETUNREACH);
        }
    }
    let remote = bypass::destination(parsed);
    // An attempt under way, or a connection, stays where it is.
    let fresh = !stream || shared.stack.tcp_state(socket) == TcpState::Closed;
    if fresh && bypass::is_kernel(remote) {
        bypass::to_kernel(shared, id)?;
        return Ok(Target::Kernel);
    }
    if remote.is_ipv6() {
        return Err(Errno::ENETUNREACH);
    }
    Ok(if stream { Target::Stream(remote) } else { Target::Datagram(remote) })
}

fn is_v6only(shared: &Shared, socket: SocketId) -> bool {
    match socket.kind {
        Kind::Tcp => shared.stack.tcp_options(socket).is_ok_and(|o| o.v6only),
        _ => shared.stack.udp_options(socket).is_ok_and(|o| o.v6only),
    }
}

fn connect_stream(fd: c_int, remote: SocketAddr) -> Result<(), Errno> {
    let mut began = false;
    let result = block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            Ok(Blocking {
                interest: Readiness::OUT | Readiness::IN,
                nonblock: f.nonblock,
                timeout: f.sndtimeo,
            })
        },
        |shared, id| {
            let f = shared.file(id)?;
            let (socket, nonblock) = (f.socket, f.nonblock);
            match shared.stack.connect(sys::now(), socket, remote) {
                Ok(()) => Ok(()),
                Err(Error::InProgress) if nonblock => Err(Errno::EINPROGRESS),
                Err(Error::Already) if nonblock => Err(Errno::EALREADY),
                Err(Error::InProgress) => {
                    began = true;
                    // Often this is all of the handshake: then there is nothing to sleep for.
                    shared.exchange(|stack| stack.tcp_state(socket) != TcpState::SynSent);
                    match shared.stack.connect(sys::now(), socket, remote) {
                        Ok(()) => Ok(()),
                        Err(Error::Already) => Err(Errno::EAGAIN),
                        Err(e) => Err(e.into()),
                    }
                }
                Err(Error::Already) => Err(Errno::EAGAIN),
                Err(e) => Err(e.into()),
            }
        },
    );
    // SO_SNDTIMEO bounds connect; the attempt goes on (socket(7)). Whoever only joined it is told so.
    let late = if began { Errno::EINPROGRESS } else { Errno::EALREADY };
    result.map_err(|e| if e == Errno::EAGAIN { late } else { e })
}

/// listen(2)
pub fn listen(fd: c_int, backlog: c_int) -> Result<(), Errno> {
    with(fd, |shared, id| {
        let socket = shared.file(id)?.socket;
        if socket.kind != Kind::Tcp {
            return Err(Errno::EOPNOTSUPP);
        }
        // Negative means the most; net.core.somaxconn is 4096 by default.
        let backlog = u32::try_from(backlog).unwrap_or(4096).min(4096);
        Ok(shared.stack.listen(socket, backlog)?)
    })
}

/// accept4(2): the new descriptor and the peer's address.
pub fn accept(fd: c_int, flags: c_int) -> Result<(c_int, SockAddr), Errno> {
    if flags & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            Ok(Blocking { interest: Readiness::IN, nonblock: f.nonblock, timeout: f.rcvtimeo })
        },
        |shared, id| {
            let (socket, domain, protocol) = {
                let f = shared.file(id)?;
                (f.socket, f.domain, f.protocol)
            };
            if socket.kind != Kind::Tcp {
                return Err(Errno::EOPNOTSUPP);
            }
            let ready = shared.stack.readiness(socket);
            if ready.contains(Readiness::ERR) {
                return Err(shared.stack.take_error(socket).map_or(Errno::EAGAIN, Errno::from));
            }
            if shared.stack.tcp_state(socket) != TcpState::Listen {
                return Err(Errno::EINVAL);
            }
            if !ready.contains(Readiness::IN) {
                return Err(Errno::EAGAIN);
            }
            // The number first: with EMFILE the connection stays in the queue, as in the kernel.
            let new = shared.reserve(flags & libc::SOCK_CLOEXEC != 0)?;
            let (child, peer) = match shared.stack.accept(socket) {
                Ok(accepted) => accepted,
                Err(e) => {
                    let _ = sys::close(new);
                    return Err(e.into());
                }
            };
            let mut file = File::new(child, domain, libc::SOCK_STREAM, protocol);
            file.nonblock = flags & libc::SOCK_NONBLOCK != 0;
            options::inherit(shared.file(id)?, &mut file);
            shared.install(new, file)?;
            Ok((new, SockAddr::encode(domain, peer)))
        },
    )
}

/// shutdown(2)
pub fn shutdown(fd: c_int, how: c_int) -> Result<(), Errno> {
    let how = match how {
        libc::SHUT_RD => Shutdown::Read,
        libc::SHUT_WR => Shutdown::Write,
        libc::SHUT_RDWR => Shutdown::Both,
        _ => return Err(Errno::EINVAL),
    };
    with(fd, |shared, id| {
        let socket = shared.file(id)?.socket;
        Ok(shared.stack.shutdown(sys::now(), socket, how)?)
    })
}
