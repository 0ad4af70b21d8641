//! socket, bind, connect, listen, accept, shutdown.

use std::net::{Ipv6Addr, SocketAddr};

use libc::c_int;
use matnet_stack::{Error, Kind, Readiness, Shutdown, SocketId, TcpState};

use super::addr::{self, Parsed, SockAddr};
use super::{Outcome, bypass, companion, interfaces, options, raw};
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
    shared.gather(id);
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
    let mut raw_protocol = 0;
    let (kind, protocol) = match (base, protocol) {
        (libc::SOCK_STREAM, 0 | libc::IPPROTO_TCP) => (Kind::Tcp, libc::IPPROTO_TCP),
        (libc::SOCK_DGRAM, 0 | libc::IPPROTO_UDP) => (Kind::Udp, libc::IPPROTO_UDP),
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMP) if domain == libc::AF_INET => {
            super::ping_group::check()?;
            (Kind::Ping, libc::IPPROTO_ICMP)
        }
        // As a kernel without IPv6 answers: programs then go on with IPv4.
        (libc::SOCK_DGRAM, libc::IPPROTO_ICMPV6) if domain == libc::AF_INET6 => {
            return Err(Errno::EAFNOSUPPORT);
        }
        (libc::SOCK_RAW, protocol) => {
            raw_protocol = raw::protocol(domain, protocol)?;
            (Kind::Raw, protocol)
        }
        (libc::SOCK_STREAM | libc::SOCK_DGRAM, _) => return Err(Errno::EPROTONOSUPPORT),
        // inetsw has no row for these (net/ipv4/af_inet.c); beyond SOCK_PACKET it is EINVAL.
        (0..=SOCK_PACKET, _) => {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        _ => return Err(Errno::EINVAL),
    };
    let runtime = runtime::start()?;
    let mut shared = runtime.lock();
    let fd = shared.reserve(flags & libc::SOCK_CLOEXEC != 0)?;
    let opened =
        if kind == Kind::Raw { shared.stack.open_raw(raw_protocol) } else { shared.stack.open(kind) };
    let socket = match opened {
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
        let parsed = match file.socket.kind {
            Kind::Raw => raw::parse_bind(bytes)?,
            _ => addr::parse_bind(file.domain, bytes)?,
        };
        let local = match parsed {
            Parsed::V4(_) if addr::is_mapped(file.domain, bytes) && is_v6only(shared, file.socket) => {
                return Err(Errno::EINVAL);
            }
            Parsed::V4(a) => SocketAddr::V4(a),
            // No IPv6 address is ours, but the kernel's loopback has one. The order of checks is __inet6_bind's.
            Parsed::V6(a) if a.ip().is_multicast() && file.is_stream() => return Err(Errno::EINVAL),
            Parsed::V6(a) if a.ip().is_unicast_link_local() && a.scope_id() == 0 => {
                return Err(Errno::EINVAL);
            }
            Parsed::V6(a)
                if a.ip().is_unicast_link_local()
                    && interfaces::of(shared).iter().all(|i| i.index != a.scope_id()) =>
            {
                return Err(Errno::ENODEV);
            }
            Parsed::V6(a) => SocketAddr::V6(a),
            Parsed::Unspec => return Err(Errno::EAFNOSUPPORT),
        };
        if bypass::is_kernel(local, file.socket.kind) {
            bypass::to_kernel(shared, id)?;
            return Ok(Outcome::Kernel);
        }
        if local.is_ipv6() && local.ip() != Ipv6Addr::UNSPECIFIED {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let socket = file.socket;
        let has_port = !matches!(socket.kind, Kind::Ping | Kind::Raw);
        if socket.kind == Kind::Tcp && companion::is_put_off(file, local) {
            // IP_BIND_ADDRESS_NO_PORT: the address only; there is one, and connect takes it anyway.
            if !local.ip().is_unspecified() && !shared.stack.is_local(local.ip()) {
                return Err(Errno::EADDRNOTAVAIL);
            }
        } else if local.ip().is_unspecified() && has_port && !companion::is_put_off(file, local) {
            companion::bind_any(shared, id, local.port())?;
        } else {
            shared.stack.bind(sys::now(), socket, local)?;
        }
        shared.file_mut(id)?.rare_mut().bound = Some(bytes.to_vec());
        Ok(Outcome::Done(Ok(())))
    })
    .into()
}

/// The address of a stream that was bound without a port (IP_BIND_ADDRESS_NO_PORT) and has none yet.
pub(super) fn awaits_port(file: &File) -> Option<SocketAddr> {
    match addr::parse_bind(file.domain, file.rare()?.bound.as_ref()?).ok()? {
        Parsed::V4(a) if a.port() == 0 => Some(SocketAddr::V4(a)),
        _ => None,
    }
}

/// Where a connect goes.
pub(super) enum Target {
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
            companion::drop_all(shared, id);
            shared.stack.disconnect(sys::now(), socket)?;
            companion::named(shared, id)
        })),
        Ok(Target::Datagram(remote)) => Outcome::Done(with(fd, |shared, id| {
            let socket = shared.file(id)?.socket;
            shared.stack.connect(sys::now(), socket, remote)?;
            // From now on it hears its peer alone.
            companion::drop_all(shared, id);
            Ok(())
        })),
    }
}

pub(super) fn target(shared: &mut Shared, id: FileId, bytes: &[u8]) -> Result<Target, Errno> {
    let file = shared.file(id)?;
    let (socket, domain) = (file.socket, file.domain);
    let parsed = addr::parse(domain, bytes)?;
    if parsed == Parsed::Unspec {
        return Ok(Target::Nowhere);
    }
    options::device::usable(shared, id)?;
    let stream = socket.kind == Kind::Tcp;
    if domain == libc::AF_INET6 {
        if stream {
            addr::is_v6(bytes)?;
        }
        if matches!(parsed, Parsed::V4(a) if !a.ip().is_unspecified()) && is_v6only(shared, socket) {
            return Err(Errno::ENETUNREACH);
        }
    }
    let remote = bypass::destination(domain, parsed);
    // An attempt under way, or a connection, stays where it is.
    let fresh = !stream || shared.stack.tcp_state(socket) == TcpState::Closed;
    if fresh && bypass::is_kernel(remote, socket.kind) {
        bypass::to_kernel(shared, id)?;
        return Ok(Target::Kernel);
    }
    if let SocketAddr::V6(a) = remote {
        // Of these the kernel must be told the device (tcp_v6_connect, __ip6_datagram_connect).
        let scoped = a.ip().is_unicast_link_local() || (!stream && addr::is_local_group(a.ip()));
        return Err(if scoped && a.scope_id() == 0 { Errno::EINVAL } else { Errno::ENETUNREACH });
    }
    if stream && fresh {
        companion::drop_all(shared, id);
    }
    Ok(if stream { Target::Stream(remote) } else { Target::Datagram(remote) })
}

/// IPV6_V6ONLY
pub(super) fn is_v6only(shared: &Shared, socket: SocketId) -> bool {
    match socket.kind {
        Kind::Tcp => shared.stack.tcp_options(socket).is_ok_and(|o| o.v6only),
        _ => shared.stack.udp_options(socket).is_ok_and(|o| o.v6only),
    }
}

fn connect_stream(fd: c_int, remote: SocketAddr) -> Result<(), Errno> {
    let mut began = false;
    let mut waited = false;
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
            if waited
                && shared.stack.tcp_state(socket) == TcpState::Closed
                && !shared.stack.is_connecting(socket)
            {
                // Another thread has shut the socket: not to be begun anew.
                let error = shared.stack.take_error(socket);
                return Err(error.map_or(Errno::ECONNABORTED, Errno::from));
            }
            waited = true;
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
        let most = u32::try_from(backlog).unwrap_or(4096).min(4096);
        let fresh = shared.stack.tcp_state(socket) == TcpState::Closed;
        if fresh && shared.stack.local_addr(socket).is_none() {
            companion::bind_any(shared, id, 0)?;
        }
        shared.stack.listen(socket, most)?;
        companion::listen(shared, id, backlog)
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
            let has = ready.contains(Readiness::IN);
            if shared.file(id)?.companied {
                if let Some(accepted) = companion::accept(shared, id, flags, has)? {
                    return Ok(accepted);
                }
            }
            if !has {
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
        if shared.file(id)?.companied {
            companion::shutdown(shared, id, how);
        }
        let how = match how {
            Shutdown::Read => how,
            Shutdown::Write if shared.shuts_later(id) => return Ok(()),
            Shutdown::Both if shared.shuts_later(id) => Shutdown::Read,
            _ => how,
        };
        let result = shared.stack.shutdown(sys::now(), socket, how);
        shared.no_signals_for_this(id);
        Ok(result?)
    })
}
