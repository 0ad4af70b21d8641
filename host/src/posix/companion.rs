//! Sockets of ours that answer on the kernel's loopback too (`runtime::companion` has the mechanism).
//!
//! A stream that listens on the wildcard address, and a datagram socket bound to it, get a kernel socket of the same port on 127.0.0.1; an
//! AF_INET6 one gets another on ::1, and with IPV6_V6ONLY that one alone. Port 0 is chosen so that both worlds have it free. Where the
//! kernel's port is another process's the socket goes on without, and says so at level info: two programs of one namespace may
//! both serve port 80 of their own hosts.
//!
//! accept takes from both and gives an ordinary kernel socket for a loopback connection, which inherits the options as on Linux. A datagram
//! socket receives from both in turn and sends to either from its one port; a datagram for a network of MATNET_BYPASS beyond
//! the loopback needs the companion bound to the wildcard. connect picks one world.
//!
//! Limits: of 127/8 the companion of a wildcard socket has 127.0.0.1 alone. A datagram socket keeps the order of arrival within a world,
//! not between them. Multicast memberships and devices are not the companion's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;

use libc::c_int;
use matnet_stack::{Error, Kind, Readiness, Shutdown};

use super::addr::SockAddr;
use super::{Received, bypass, dgram};
use crate::errno::Errno;
use crate::runtime::companion::{self, Companion, Companions};
use crate::runtime::file::{File, FileId, RecordedOption};
use crate::runtime::{Shared, sys};

/// How often a port is drawn that must be free in both worlds.
const DRAWS: usize = 16;

/// Where the kernel answers for a wildcard socket of ours, at `port`.
fn places(shared: &Shared, file: &File, port: u16) -> Vec<IpAddr> {
    let kind = file.socket.kind;
    let v6only = match kind {
        Kind::Tcp => shared.stack.tcp_options(file.socket).is_ok_and(|o| o.v6only),
        _ => shared.stack.udp_options(file.socket).is_ok_and(|o| o.v6only),
    };
    let own_device =
        file.rare().is_some_and(|r| r.host_options.contains(&(libc::SOL_SOCKET, libc::SO_BINDTODEVICE, 1)));
    if own_device || matches!(kind, Kind::Ping | Kind::Raw) {
        return Vec::new();
    }
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let mut places = Vec::new();
    if !v6only && bypass::is_kernel(SocketAddr::new(v4, port), kind) {
        places.push(v4);
    }
    if file.domain == libc::AF_INET6 && bypass::is_kernel(SocketAddr::new(v6, port), kind) {
        places.push(v6);
    }
    places
}

/// Options that would bind the companion to another network than the loopback, or act on one.
fn stays_behind(o: &RecordedOption) -> bool {
    // <linux/in.h>, <linux/in6.h>: memberships and multicast interfaces, old forms and new.
    matches!(
        (o.level, o.name),
        (libc::SOL_SOCKET, libc::SO_BINDTODEVICE | libc::SO_BINDTOIFINDEX)
            | (libc::IPPROTO_IP, 32 | 35..=48 | 50)
            | (libc::IPPROTO_IPV6, 17 | 20 | 21 | 27 | 28 | 42..=48 | 76)
            | (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)
    )
}

/// A kernel socket with the file's options at `at`; `wide`: beyond the loopback.
fn open(file: &File, at: SocketAddr, wide: bool) -> Result<Companion, Errno> {
    let ty = file.ty | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let companion = Companion::new(sys::socket(file.domain, ty, file.protocol)?, at.is_ipv6(), wide)?;
    let fd = companion.fd();
    for o in file.rare().map_or(&[][..], |r| &r.recorded).iter().filter(|o| !stays_behind(o)) {
        let _ = sys::setsockopt(fd, o.level, o.name, &o.value);
    }
    if file.domain == libc::AF_INET6 {
        let only = i32::from(at.is_ipv6()).to_ne_bytes();
        let _ = sys::setsockopt(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &only);
    }
    if file.is_stream() && at.port() != 0 {
        // Connections of a companion that is gone linger in TIME_WAIT, where the stack's own port is free.
        let _ = sys::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, &1i32.to_ne_bytes());
    }
    sys::bind(fd, SockAddr::encode(file.domain, at).as_bytes())?;
    Ok(companion)
}

fn port_of(fd: RawFd) -> Result<u16, Errno> {
    let mut name = [0; 28];
    sys::getsockname(fd, &mut name)?;
    Ok(u16::from_be_bytes([name[2], name[3]]))
}

/// The companions of a file whose port is `port`. With 0 the first draws one, and all must get it.
fn open_all(shared: &Shared, id: FileId, port: u16) -> Result<(Vec<Companion>, u16), Errno> {
    let file = shared.file(id)?;
    let (mut list, mut chosen) = (Vec::new(), port);
    for ip in places(shared, file, port) {
        match open(file, SocketAddr::new(ip, chosen), false) {
            Ok(c) => {
                if chosen == 0 {
                    chosen = port_of(c.fd())?;
                }
                list.push(c);
            }
            Err(Errno::EADDRINUSE) if port == 0 && chosen != 0 => return Err(Errno::EADDRINUSE),
            Err(e) => without(file.socket.kind, SocketAddr::new(ip, chosen), e),
        }
    }
    Ok((list, chosen))
}

/// Says that the kernel's loopback stays silent.
fn without(kind: Kind, at: SocketAddr, e: Errno) {
    let what = if kind == Kind::Tcp { "tcp" } else { "udp" };
    if e == Errno::EADDRINUSE {
        crate::log_info!(
            "{what} port {} of the kernel's {} is another's: this socket answers on its own host only",
            at.port(),
            at.ip()
        );
    } else {
        crate::log_debug!("no companion on the kernel's {at} ({what}): {e}");
    }
}

/// Binds to the wildcard: what bind(2) does, with port 0 free in both worlds.
pub(super) fn bind_any(shared: &mut Shared, id: FileId, port: u16) -> Result<(), Errno> {
    let file = shared.file(id)?;
    let (socket, stream) = (file.socket, file.is_stream());
    let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    if port != 0 || shared.stack.local_addr(socket).is_some_and(|a| a.port() != 0) {
        shared.stack.bind(sys::now(), socket, any(port))?;
        return if stream { Ok(()) } else { attach(shared, id) };
    }
    for _ in 0..DRAWS {
        let (list, chosen) = match open_all(shared, id, 0) {
            Ok(found) => found,
            Err(Errno::EADDRINUSE) => continue,
            Err(e) => return Err(e),
        };
        match shared.stack.bind(sys::now(), socket, any(chosen)) {
            Ok(()) => {
                shared.stack.port_is_drawn(socket);
                keep(shared, id, list)?;
                return if stream { Ok(()) } else { shared.watch_companions(id) };
            }
            Err(Error::AddrInUse) if chosen != 0 => {}
            Err(e) => return Err(e.into()),
        }
    }
    shared.stack.bind(sys::now(), socket, any(0))?;
    Ok(())
}

fn keep(shared: &mut Shared, id: FileId, list: Vec<Companion>) -> Result<(), Errno> {
    if !list.is_empty() {
        shared.file_mut(id)?.set_companions(Some(Companions { list, turn: false }));
    }
    Ok(())
}

/// Gives a wildcard socket its companions; it goes on without where the kernel has no room.
fn attach(shared: &mut Shared, id: FileId) -> Result<(), Errno> {
    let file = shared.file(id)?;
    let Some(local) = shared.stack.local_addr(file.socket) else { return Ok(()) };
    if !local.ip().is_unspecified() || file.companied {
        return Ok(());
    }
    let (list, _) = open_all(shared, id, local.port())?;
    if list.is_empty() && !places(shared, shared.file(id)?, local.port()).is_empty() {
        // Not to be tried again and again.
        shared.file_mut(id)?.set_companions(Some(Companions::default()));
        return Ok(());
    }
    keep(shared, id, list)?;
    shared.watch_companions(id)
}

/// The program asks for the name of a datagram socket, or has it unconnected: then others may be told the port.
pub(super) fn named(shared: &mut Shared, id: FileId) -> Result<(), Errno> {
    let file = shared.file(id)?;
    let udp = file.socket.kind == Kind::Udp && !file.companied;
    if udp && shared.stack.peer_addr(file.socket).is_none() { attach(shared, id) } else { Ok(()) }
}

/// IP_BIND_ADDRESS_NO_PORT: it is a client, and only connect chooses the port.
pub(super) fn is_put_off(file: &File, local: SocketAddr) -> bool {
    let option = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
    local.port() == 0 && file.rare().is_some_and(|r| r.host_options.contains(&option))
}

/// The stack listens: so do the companions.
pub(super) fn listen(shared: &mut Shared, id: FileId, backlog: c_int) -> Result<(), Errno> {
    let file = shared.file(id)?;
    if file.companied {
        let kind = file.socket.kind;
        if let Some(companions) = shared.file_mut(id)?.companions_mut() {
            companions.list.retain(|c| match sys::listen(c.fd(), backlog) {
                Ok(()) => true,
                Err(e) => {
                    let ip: IpAddr =
                        if c.v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
                    without(kind, SocketAddr::new(ip, port_of(c.fd()).unwrap_or(0)), e);
                    false
                }
            });
        }
        return shared.watch_companions(id);
    }
    let Some(local) = shared.stack.local_addr(file.socket).filter(|a| a.ip().is_unspecified()) else {
        return Ok(());
    };
    let (list, _) = open_all(shared, id, local.port())?;
    if list.is_empty() {
        return Ok(());
    }
    keep(shared, id, list)?;
    listen(shared, id, backlog)
}

/// The companions end: the socket connects, or listens no more.
pub(super) fn drop_all(shared: &mut Shared, id: FileId) {
    if let Some(file) = shared.files.get_mut(id) {
        file.set_companions(None);
    }
}

/// Takes a connection of the loopback: the new number, the kernel's from the start. None: ask the stack, which `has` one or not.
pub(super) fn accept(
    shared: &mut Shared,
    id: FileId,
    flags: c_int,
    has: bool,
) -> Result<Option<(c_int, SockAddr)>, Errno> {
    let file = shared.file_mut(id)?;
    let also = file.also;
    let Some(companions) = file.companions_mut() else { return Ok(None) };
    // Where both have some they take turns.
    let turn = std::mem::replace(&mut companions.turn, has);
    if (has && !(turn && also != Readiness::NONE)) || (also == Readiness::NONE && !companion::is_used()) {
        return Ok(None);
    }
    companions.turn = false;
    let fds: Vec<RawFd> = companions.list.iter().map(Companion::fd).collect();
    let mut taken = None;
    for fd in fds {
        let mut from = SockAddr { bytes: [0; 28], len: 0 };
        if !sys::ready(fd, libc::POLLIN) {
            continue;
        }
        // The number first: with EMFILE the connection stays in the queue.
        let new = shared.reserve(flags & libc::SOCK_CLOEXEC != 0)?;
        match sys::accept(fd, &mut from.bytes, flags | libc::SOCK_CLOEXEC) {
            Ok((child, len)) => {
                from.len = len.min(from.bytes.len()) as u8;
                let moved = sys::dup3(child, new, flags & libc::SOCK_CLOEXEC);
                let _ = sys::close(child);
                moved?;
                taken = Some((new, from));
                break;
            }
            Err(e) => {
                let _ = sys::close(new);
                if !matches!(e, Errno::EAGAIN | Errno::ECONNABORTED) {
                    return Err(e);
                }
            }
        }
    }
    let file = shared.file_mut(id)?;
    match taken {
        Some(_) => file.refresh_companions(),
        None => file.also = Readiness::NONE,
    }
    Ok(taken)
}

/// Sets an option on the companions too.
pub(super) fn setsockopt(shared: &Shared, id: FileId, level: c_int, name: c_int, value: &[u8]) {
    let Some(companions) = shared.files.get(id).and_then(File::companions) else { return };
    let option = RecordedOption { level, name, value: value.to_vec() };
    if !stays_behind(&option) {
        for c in &companions.list {
            let _ = sys::setsockopt(c.fd(), level, name, value);
        }
    }
}

/// Sends a datagram to an address of the kernel from this socket's port.
pub(super) fn send(
    shared: &mut Shared,
    id: FileId,
    message: &dgram::Message<'_>,
    flags: c_int,
    to: SocketAddr,
) -> Result<usize, Errno> {
    let file = shared.file(id)?;
    let (domain, connected) = (file.domain, shared.stack.peer_addr(file.socket).is_some());
    let nonblock = if file.nonblock { libc::MSG_DONTWAIT } else { 0 };
    if shared.stack.local_addr(file.socket).is_none_or(|a| a.port() == 0) {
        bind_any(shared, id, 0)?;
    }
    let v6 = to.ip().to_canonical().is_ipv6();
    let wide = !to.ip().to_canonical().is_loopback();
    if !shared.file(id)?.companions().is_some_and(|c| c.list.iter().any(|c| c.v6 == v6 && (c.wide || !wide)))
    {
        add(shared, id, v6, wide)?;
    }
    companion::note_use();
    let result = {
        let companions = shared.file_mut(id)?.companions_mut().ok_or(Errno::ENETUNREACH)?;
        let by = companions.list.iter().find(|c| c.v6 == v6).ok_or(Errno::ENETUNREACH)?;
        // A wait for room, on a network of the kernel, is the kernel's business and short.
        let to = SockAddr::encode(domain, to);
        sys::sendmsg(by.fd(), message.bufs, to.as_bytes(), message.control, flags | nonblock)
    };
    if connected {
        // It receives from its peer only.
        drop_all(shared, id);
    }
    result
}

/// Adds a companion for sending, or widens the one there is.
fn add(shared: &mut Shared, id: FileId, v6: bool, wide: bool) -> Result<(), Errno> {
    let file = shared.file_mut(id)?;
    let socket = file.socket;
    let mut companions = Companions { list: Vec::new(), turn: false };
    if let Some(old) = file.companions_mut() {
        // The old one holds the port that the new one needs.
        old.list.retain(|c| c.v6 != v6);
        std::mem::swap(&mut companions.list, &mut old.list);
    }
    let ip: IpAddr = match (wide, v6) {
        (false, false) => Ipv4Addr::LOCALHOST.into(),
        (false, true) => Ipv6Addr::LOCALHOST.into(),
        (true, false) => Ipv4Addr::UNSPECIFIED.into(),
        (true, true) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let port = shared.stack.local_addr(socket).map_or(0, |a| a.port());
    let file = shared.file(id)?;
    let opened = match open(file, SocketAddr::new(ip, port), wide) {
        Err(Errno::EADDRINUSE) => {
            without(socket.kind, SocketAddr::new(ip, port), Errno::EADDRINUSE);
            open(file, SocketAddr::new(ip, 0), wide)
        }
        other => other,
    };
    let result = opened.map(|c| companions.list.push(c));
    let companions = (!companions.list.is_empty()).then_some(companions);
    shared.file_mut(id)?.set_companions(companions);
    shared.watch_companions(id)?;
    result
}

/// Receives a datagram of the loopback, if it is the loopback's turn; None: ask the stack.
pub(super) fn take(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    control: &mut [u8],
    flags: c_int,
) -> Result<Option<(Received, usize)>, Errno> {
    let file = shared.file(id)?;
    let Some(companions) = file.companions() else { return Ok(None) };
    let now = shared.stack.readiness(file.socket);
    let first = companions.turn && file.also.contains(Readiness::IN);
    let quiet = file.also == Readiness::NONE;
    if now.contains(Readiness::ERR)
        || (now.contains(Readiness::IN) && !first)
        || (quiet && !companion::is_used())
    {
        if flags & libc::MSG_PEEK == 0 {
            if let Some(c) = shared.file_mut(id)?.companions_mut() {
                c.turn = true;
            }
        }
        return Ok(None);
    }
    let fds: Vec<RawFd> = companions.list.iter().map(Companion::fd).collect();
    let mut found = None;
    for fd in fds {
        let mut from = SockAddr { bytes: [0; 28], len: 0 };
        match sys::recvmsg(fd, bufs, &mut from.bytes, control, flags | libc::MSG_DONTWAIT) {
            Ok(m) => {
                from.len = m.from.min(from.bytes.len()) as u8;
                let received = Received {
                    len: m.len,
                    flags: m.flags & !libc::MSG_CMSG_CLOEXEC,
                    from: (m.from > 0).then_some(from),
                };
                found = Some((received, m.control));
                break;
            }
            Err(Errno::EAGAIN) => {}
            Err(e) => {
                // An error that waited there (IP_RECVERR); it is taken now.
                shared.file_mut(id)?.refresh_companions();
                return Err(e);
            }
        }
    }
    let file = shared.file_mut(id)?;
    if flags & libc::MSG_PEEK == 0 {
        file.refresh_companions();
        if let Some(c) = file.companions_mut() {
            c.turn = false;
        }
    }
    Ok(found)
}

/// Takes an entry of a companion's error queue; None: there is none.
#[cold]
pub(super) fn take_error(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    control: &mut [u8],
) -> Result<Option<(Received, usize)>, Errno> {
    let Some(companions) = shared.file(id)?.companions() else { return Ok(None) };
    let mut found = None;
    for c in &companions.list {
        let mut from = SockAddr { bytes: [0; 28], len: 0 };
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        if let Ok(m) = sys::recvmsg(c.fd(), bufs, &mut from.bytes, control, flags) {
            from.len = m.from.min(from.bytes.len()) as u8;
            let from = (m.from > 0).then_some(from);
            found = Some((Received { len: m.len, flags: m.flags, from }, m.control));
            break;
        }
    }
    shared.file_mut(id)?.refresh_companions();
    Ok(found)
}

/// The pending error of a companion, which is cleared (SO_ERROR).
pub(super) fn pending_error(shared: &mut Shared, id: FileId) -> i32 {
    let Ok(file) = shared.file_mut(id) else { return 0 };
    let mut error = [0; 4];
    for c in file.companions().map_or(&[][..], |c| &c.list) {
        if sys::getsockopt(c.fd(), libc::SOL_SOCKET, libc::SO_ERROR, &mut error).is_ok() && error != [0; 4] {
            break;
        }
    }
    if file.companied {
        file.refresh_companions();
    }
    i32::from_ne_bytes(error)
}

/// Bytes of the next datagram of the loopback (FIONREAD); 0: none.
pub(super) fn queued(shared: &Shared, id: FileId) -> usize {
    let Some(companions) = shared.files.get(id).and_then(File::companions) else { return 0 };
    let flags = libc::MSG_PEEK | libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    let sizes = companions.list.iter().filter_map(|c| sys::recv(c.fd(), &mut [], flags).ok());
    sizes.into_iter().find(|n| *n > 0).unwrap_or(0)
}

/// Shuts the companions as the socket itself: a datagram socket's are deaf or dumb, a listener's end.
pub(super) fn shutdown(shared: &mut Shared, id: FileId, how: Shutdown) {
    if shared.file(id).is_ok_and(File::is_stream) {
        if how != Shutdown::Write {
            drop_all(shared, id);
        }
        return;
    }
    let how = match how {
        Shutdown::Read => libc::SHUT_RD,
        Shutdown::Write => libc::SHUT_WR,
        Shutdown::Both => libc::SHUT_RDWR,
    };
    for c in shared.files.get(id).and_then(File::companions).map_or(&[][..], |c| &c.list) {
        let _ = sys::shutdown(c.fd(), how);
    }
}
