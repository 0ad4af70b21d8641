//! getsockopt and setsockopt: socket(7), tcp(7), udp(7), ip(7), ipv6(7).
//!
//! Nothing is accepted and then ignored without standing in the table of [`ROWS`], which also documents each option. An option that
//! the stack honours changes the stack; one that only the host needs (time-outs, linger, where a peek begins) is kept in the
//! [`File`]; one whose row answers for it is held or refused as the row says. All else is ENOPROTOOPT, which is what programs
//! meet on an older kernel. Lengths are checked and cut as the kernel does (net/core/sock.c).
//!
//! What was set is recorded, so that a socket that moves to the kernel takes its options along.

mod ancillary;
pub(super) mod device;
mod ip;
mod multicast;
mod rows;
pub mod table;
mod tcp;
mod udp;

pub use rows::ROWS;
pub(in crate::posix) use table::may_mark;

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::c_int;
use matnet_stack::{Filter, Kind, TcpOptions, TcpState, UdpOptions};

use super::socket::with;
use super::{Outcome, companion, raw};
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::{File, FileId, RecordedOption};
use crate::runtime::{self, Shared, sys};
use table::How;

/// sysctl net.core.rmem_max and wmem_max of Linux 6.18; older kernels have 212992.
const MAX_BUFFER: u32 = 4 << 20;
/// SOCK_MIN_RCVBUF (include/net/sock.h): one sk_buff with 2 kB.
const MIN_RCVBUF: u32 = 2304;
/// SOCK_MIN_SNDBUF: two of them.
const MIN_SNDBUF: u32 = 4608;
/// net.ipv4.tcp_rmem[1], what a fresh TCP socket reports.
const TCP_RCVBUF: i32 = 131_072;
/// net.ipv4.tcp_wmem[1]
const TCP_SNDBUF: i32 = 16_384;
/// <asm-generic/socket.h>: the 64-bit variants; on 64-bit machines both forms are two longs.
const SO_RCVTIMEO_NEW: c_int = 66;
const SO_SNDTIMEO_NEW: c_int = 67;
/// <asm-generic/socket.h>
const SO_MEMINFO: c_int = 55;
const SO_NETNS_COOKIE: c_int = 71;
const SO_BUF_LOCK: c_int = 72;
/// SOCK_SNDBUF_LOCK and SOCK_RCVBUF_LOCK (<linux/socket.h>)
const SNDBUF_LOCK: i32 = 1;
const RCVBUF_LOCK: i32 = 2;
/// Half of net.ipv4.tcp_rmem[2] of Linux 6.18.
const MAX_LOWAT: usize = 16 << 20;
/// sizeof(struct timeval)
const TIMEVAL: usize = 16;
/// sizeof(struct linger)
const LINGER: usize = 8;
/// Room for the largest answer, struct tcp_info.
const MAX_ANSWER: usize = 256;

/// What getsockopt found.
struct Answer {
    bytes: [u8; MAX_ANSWER],
    len: usize,
}

impl Answer {
    fn new(value: &[u8]) -> Answer {
        let mut bytes = [0; MAX_ANSWER];
        let len = copy(&mut bytes, value);
        Answer { bytes, len }
    }

    fn int(value: i32) -> Answer {
        Answer::new(&value.to_ne_bytes())
    }

    fn flag(value: bool) -> Answer {
        Answer::int(i32::from(value))
    }
}

/// Copies what fits and returns how much that was.
fn copy(to: &mut [u8], from: &[u8]) -> usize {
    to.iter_mut().zip(from).map(|(t, f)| *t = *f).count()
}

/// True for options whose question is in the buffer of their answer.
pub fn getsockopt_asks(level: c_int, name: c_int) -> bool {
    multicast::is_filter(level, name)
}

/// getsockopt(2): fills `value` as far as it goes and returns the length written.
pub fn getsockopt(fd: c_int, level: c_int, name: c_int, value: &mut [u8]) -> Result<usize, Errno> {
    with(fd, |shared, id| {
        if let Some(result) = multicast::get_filter(shared, id, level, name, value) {
            return result;
        }
        if level == raw::SOL_RAW {
            let socket = shared.file(id)?.socket;
            return raw::get(shared, socket, name, value);
        }
        let answer = get(shared, id, level, name, value.len())?;
        Ok(copy(value, answer.bytes.get(..answer.len).unwrap_or(&[])))
    })
}

/// setsockopt(2)
pub fn setsockopt(fd: c_int, level: c_int, name: c_int, value: &[u8]) -> Outcome<()> {
    if fdtable::get(fd) == Slot::Kernel {
        return Outcome::Kernel;
    }
    if device::is_one(level, name) {
        return with(fd, |shared, id| {
            table::count(level, name, shared.file(id)?.socket.kind);
            device::set(shared, id, name, value)
        })
        .into();
    }
    Outcome::Done(with(fd, |shared, id| {
        table::count(level, name, shared.file(id)?.socket.kind);
        set(shared, id, level, name, value)?;
        record(shared.file_mut(id)?, level, name, value);
        companion::setsockopt(shared, id, level, name, value);
        Ok(())
    }))
}

/// A socket that a listener accepted starts with the listener's host-side options (sk_clone_lock copies the whole
/// socket); those of the stack are copied by the stack. O_NONBLOCK is not inherited on Linux.
pub fn inherit(listener: &File, child: &mut File) {
    child.rcvtimeo = listener.rcvtimeo;
    child.sndtimeo = listener.sndtimeo;
    child.linger = listener.linger;
    let own = |&&(level, name, _): &&(i32, i32, i32)| (level, name) != (libc::SOL_SOCKET, libc::SO_COOKIE);
    let options = listener.rare().map_or(&[][..], |r| &r.host_options);
    if options.iter().any(|o| own(&o)) {
        child.rare_mut().host_options = options.iter().filter(own).copied().collect();
    }
}

fn get(shared: &mut Shared, id: FileId, level: c_int, name: c_int, room: usize) -> Result<Answer, Errno> {
    let (kind, domain) = which(shared, id)?;
    if has_level(kind, domain, level) {
        if let Some(answer) = ancillary::get(shared, id, level, name)? {
            return Ok(if level == libc::IPPROTO_IP { ip::short(answer, room) } else { answer });
        }
    }
    match level {
        libc::SOL_SOCKET => get_socket(shared, id, kind, name, room),
        libc::IPPROTO_TCP if kind == Kind::Tcp => tcp::get(shared, id, name, room),
        libc::IPPROTO_IP => ip::get(shared, id, kind, name, room),
        libc::IPPROTO_IPV6 if domain == libc::AF_INET6 => ip::get_v6(shared, id, name),
        libc::IPPROTO_UDP if kind == Kind::Udp => udp::get(shared, id, name),
        // do_ip_getsockopt and ipv6_getsockopt differ here.
        _ if domain == libc::AF_INET => Err(Errno::EOPNOTSUPP),
        _ => Err(Errno::ENOPROTOOPT),
    }
}

fn set(shared: &mut Shared, id: FileId, level: c_int, name: c_int, value: &[u8]) -> Result<(), Errno> {
    let (kind, domain) = which(shared, id)?;
    if has_level(kind, domain, level) && ancillary::set(shared, id, level, name, value)?.is_some() {
        return Ok(());
    }
    match level {
        libc::SOL_SOCKET => set_socket(shared, id, kind, name, value),
        libc::IPPROTO_TCP if kind == Kind::Tcp => tcp::set(shared, id, name, value),
        libc::IPPROTO_IP => ip::set(shared, id, kind, name, value),
        libc::IPPROTO_IPV6 if domain == libc::AF_INET6 => ip::set_v6(shared, id, name, value),
        libc::IPPROTO_UDP if kind == Kind::Udp => udp::set(shared, id, name, int(value)?),
        raw::SOL_RAW => {
            let socket = shared.file(id)?.socket;
            raw::set(shared, socket, name, value)
        }
        _ => Err(Errno::ENOPROTOOPT),
    }
}

/// TCP's options are for streams, IPv6's for sockets of that family.
fn has_level(kind: Kind, domain: c_int, level: c_int) -> bool {
    match level {
        libc::IPPROTO_TCP => kind == Kind::Tcp,
        libc::IPPROTO_IPV6 => domain == libc::AF_INET6,
        _ => true,
    }
}

fn which(shared: &Shared, id: FileId) -> Result<(Kind, c_int), Errno> {
    let f = shared.file(id)?;
    Ok((f.socket.kind, f.domain))
}

fn get_socket(
    shared: &mut Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    room: usize,
) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    let socket = f.socket;
    Ok(match name {
        libc::SO_DOMAIN => Answer::int(f.domain),
        libc::SO_TYPE => Answer::int(f.ty),
        libc::SO_PROTOCOL => Answer::int(f.protocol),
        libc::SO_ERROR => {
            let error = shared.stack.take_error(socket);
            Answer::int(error.map_or_else(|| companion::pending_error(shared, id), |e| Errno::from(e).0))
        }
        libc::SO_ACCEPTCONN => Answer::flag(shared.stack.tcp_state(socket) == TcpState::Listen),
        libc::SO_RCVTIMEO | SO_RCVTIMEO_NEW => timeval(f.rcvtimeo),
        libc::SO_SNDTIMEO | SO_SNDTIMEO_NEW => timeval(f.sndtimeo),
        libc::SO_LINGER => {
            let (on, seconds) = f.linger;
            let mut bytes = [0; LINGER];
            bytes[..4].copy_from_slice(&i32::from(on).to_ne_bytes());
            bytes[4..].copy_from_slice(&seconds.to_ne_bytes());
            Answer::new(&bytes)
        }
        libc::SO_REUSEADDR => Answer::flag(look(shared, id, |o| o.reuseaddr, |o| o.reuseaddr)?),
        libc::SO_REUSEPORT => Answer::flag(look(shared, id, |o| o.reuseport, |o| o.reuseport)?),
        libc::SO_KEEPALIVE if kind == Kind::Tcp => Answer::flag(shared.stack.tcp_options(socket)?.keepalive),
        libc::SO_OOBINLINE if kind == Kind::Tcp => Answer::flag(shared.stack.tcp_options(socket)?.oobinline),
        libc::SO_BROADCAST if kind != Kind::Tcp => Answer::flag(shared.stack.udp_options(socket)?.broadcast),
        libc::SO_RCVBUF => Answer::int(look(
            shared,
            id,
            |o| o.rcvbuf.map_or(TCP_RCVBUF, |n| clamp(n.saturating_mul(2))),
            |o| clamp(o.rcvbuf),
        )?),
        libc::SO_SNDBUF => Answer::int(send_buffer(shared, id, kind)?),
        libc::SO_RCVLOWAT if kind == Kind::Tcp => {
            Answer::int(clamp(shared.stack.tcp_options(socket)?.rcvlowat))
        }
        libc::SO_SNDLOWAT => Answer::int(1),
        // No credentials travel on an internet socket: pid 0, uid and gid -1 (cred_to_ucred).
        libc::SO_PEERCRED => {
            let mut bytes = [0xff; 12];
            bytes[..4].fill(0);
            Answer::new(&bytes)
        }
        libc::SO_DONTROUTE => Answer::flag(look(shared, id, |o| o.dont_route, |o| o.dont_route)?),
        libc::SO_NO_CHECK if kind != Kind::Tcp => Answer::flag(shared.stack.udp_options(socket)?.no_check),
        libc::SO_PRIORITY => Answer::int(host_option(f, libc::SOL_SOCKET, name).unwrap_or(0)),
        libc::SO_PEEK_OFF if !matches!(kind, Kind::Tcp | Kind::Udp) => return Err(Errno::EOPNOTSUPP),
        libc::SO_PEEK_OFF => Answer::int(peek_offset(f).map_or(-1, clamp)),
        libc::SO_TXREHASH if kind == Kind::Tcp => {
            Answer::int(host_option(f, libc::SOL_SOCKET, name).unwrap_or(1))
        }
        SO_BUF_LOCK => Answer::int(host_option(f, libc::SOL_SOCKET, name).unwrap_or(0)),
        libc::SO_MAX_PACING_RATE => {
            let rate = look(shared, id, |o| o.max_pacing_rate, |o| o.max_pacing_rate)?;
            // A 64-bit number for callers with room for one.
            let short = u32::try_from(rate).unwrap_or(u32::MAX);
            if room >= 8 { Answer::new(&rate.to_ne_bytes()) } else { Answer::new(&short.to_ne_bytes()) }
        }
        // struct sock_txtime
        libc::SO_TXTIME => Answer::new(&[0; 8]),
        libc::SO_PEERNAME => {
            let peer = shared.stack.peer_addr(socket).ok_or(Errno::ENOTCONN)?;
            let peer = super::SockAddr::encode(f.domain, peer);
            let bytes = peer.as_bytes().get(..room).ok_or(Errno::EINVAL)?;
            Answer::new(bytes)
        }
        SO_MEMINFO => meminfo(shared, id, kind)?,
        SO_NETNS_COOKIE if room < 8 => return Err(Errno::EINVAL),
        SO_NETNS_COOKIE => {
            // That of the namespace that the process is in: the kernel knows.
            let mut cookie = [0; 8];
            let fd = sys::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)?;
            let asked = sys::getsockopt(fd, libc::SOL_SOCKET, name, &mut cookie);
            let _ = sys::close(fd);
            asked?;
            Answer::new(&cookie)
        }
        // The program that was attached is not kept as it was.
        libc::SO_ATTACH_FILTER => Answer::new(&[]),
        libc::SO_LOCK_FILTER => Answer::flag(host_option(f, libc::SOL_SOCKET, name) == Some(1)),
        libc::SO_COOKIE if room < 8 => return Err(Errno::EINVAL),
        libc::SO_COOKIE => Answer::new(&cookie(shared.file_mut(id)?).to_ne_bytes()),
        libc::SO_BINDTOIFINDEX => device::index(shared, id)?,
        libc::SO_BINDTODEVICE => {
            let absent = device::usable(shared, id).is_err();
            let f = shared.file(id)?;
            if host_option(f, libc::SOL_SOCKET, name).unwrap_or(0) == 0 && !absent {
                return Ok(Answer::new(&[]));
            }
            if room < libc::IFNAMSIZ {
                return Err(Errno::EINVAL);
            }
            if absent {
                // No device has that index (netdev_get_name).
                return Err(Errno::ENODEV);
            }
            let mut bytes = [0; libc::IFNAMSIZ];
            let n = copy(&mut bytes[..libc::IFNAMSIZ - 1], runtime::settings().tap.as_bytes());
            Answer::new(bytes.get(..=n).unwrap_or(&bytes))
        }
        _ => return get_listed(shared, id, libc::SOL_SOCKET, name),
    })
}

fn set_socket(shared: &mut Shared, id: FileId, kind: Kind, name: c_int, value: &[u8]) -> Result<(), Errno> {
    let number = int(value)?;
    let on = number != 0;
    match name {
        // To read only (socket(7)).
        libc::SO_DOMAIN
        | libc::SO_TYPE
        | libc::SO_PROTOCOL
        | libc::SO_ERROR
        | libc::SO_ACCEPTCONN
        | libc::SO_SNDLOWAT
        | libc::SO_PEERCRED
        | libc::SO_PEERNAME
        | SO_MEMINFO
        | SO_NETNS_COOKIE
        | libc::SO_COOKIE => Err(Errno::ENOPROTOOPT),
        libc::SO_RCVTIMEO | SO_RCVTIMEO_NEW => {
            shared.file_mut(id)?.rcvtimeo = timeout(value)?;
            Ok(())
        }
        libc::SO_SNDTIMEO | SO_SNDTIMEO_NEW => {
            shared.file_mut(id)?.sndtimeo = timeout(value)?;
            Ok(())
        }
        libc::SO_LINGER => set_linger(shared, id, kind, value),
        libc::SO_REUSEADDR => change(shared, id, |o| o.reuseaddr = on, |o| o.reuseaddr = on),
        libc::SO_REUSEPORT => change(shared, id, |o| o.reuseport = on, |o| o.reuseport = on),
        libc::SO_KEEPALIVE if kind == Kind::Tcp => change(shared, id, |o| o.keepalive = on, |_| ()),
        libc::SO_OOBINLINE if kind == Kind::Tcp => change(shared, id, |o| o.oobinline = on, |_| ()),
        libc::SO_BROADCAST if kind != Kind::Tcp => change(shared, id, |_| (), |o| o.broadcast = on),
        libc::SO_DONTROUTE => change(shared, id, |o| o.dont_route = on, |o| o.dont_route = on),
        libc::SO_NO_CHECK if kind != Kind::Tcp => change(shared, id, |_| (), |o| o.no_check = on),
        libc::SO_PRIORITY => {
            if !(0..=6).contains(&number) {
                table::may_mark()?;
            }
            set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, name, number);
            Ok(())
        }
        libc::SO_ATTACH_FILTER => attach_filter(shared, id, value),
        libc::SO_DETACH_FILTER => {
            unlocked_filter(shared.file(id)?)?;
            if look(shared, id, |o| o.filter.is_none(), |o| o.filter.is_none())? {
                return Err(Errno::ENOENT);
            }
            change(shared, id, |o| o.filter = None, |o| o.filter = None)
        }
        libc::SO_LOCK_FILTER if !on => unlocked_filter(shared.file(id)?),
        libc::SO_LOCK_FILTER => {
            set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, name, 1);
            Ok(())
        }
        libc::SO_PEEK_OFF if !matches!(kind, Kind::Tcp | Kind::Udp) => Err(Errno::EOPNOTSUPP),
        libc::SO_ZEROCOPY if !(0..=1).contains(&number) => Err(Errno::EINVAL),
        libc::SO_PEEK_OFF => {
            set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, name, number);
            Ok(())
        }
        libc::SO_TXREHASH if kind == Kind::Tcp => {
            let value = match number {
                -1..=1 => number.abs(),
                _ => return Err(Errno::EINVAL),
            };
            set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, name, value);
            Ok(())
        }
        libc::SO_MAX_PACING_RATE => {
            // 64 bits, or 32 of which all set are no limit (sk_setsockopt).
            let rate = match value.first_chunk::<8>() {
                Some(long) => u64::from_ne_bytes(*long),
                None if number == -1 => u64::MAX,
                None => u64::from(number as u32),
            };
            change(shared, id, |o| o.max_pacing_rate = rate, |o| o.max_pacing_rate = rate)
        }
        libc::SO_TXTIME => Err(if value.len() == 8 { Errno::ENOPROTOOPT } else { Errno::EINVAL }),
        SO_BUF_LOCK => lock_buffers(shared, id, number),
        libc::SO_RCVBUFFORCE | libc::SO_SNDBUFFORCE if table::may_admin().is_err() => Err(Errno::EPERM),
        libc::SO_RCVBUF | libc::SO_RCVBUFFORCE => {
            lock_buffer(shared.file_mut(id)?, RCVBUF_LOCK);
            let n = buffer(number, name == libc::SO_RCVBUFFORCE, MIN_RCVBUF);
            change(shared, id, |o| o.rcvbuf = Some(n / 2), |o| o.rcvbuf = n)
        }
        libc::SO_SNDBUF | libc::SO_SNDBUFFORCE => {
            lock_buffer(shared.file_mut(id)?, SNDBUF_LOCK);
            let n = buffer(number, name == libc::SO_SNDBUFFORCE, MIN_SNDBUF);
            change(shared, id, |o| o.sndbuf = Some(n / 2), |o| o.sndbuf = n)
        }
        libc::SO_RCVLOWAT if kind == Kind::Tcp => {
            // tcp_set_rcvlowat: at most half of the buffer, or of what the buffer may grow to; read waits for it too.
            let wanted = usize::try_from(number).unwrap_or(usize::MAX);
            let most = look(shared, id, |o| o.rcvbuf.unwrap_or(MAX_LOWAT), |_| MAX_LOWAT)?;
            let lowat = wanted.clamp(1, most.max(1));
            set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, name, clamp(lowat));
            change(shared, id, |o| o.rcvlowat = lowat, |_| ())
        }
        _ => set_listed(shared, id, libc::SOL_SOCKET, name, number),
    }
}

/// An option that its row answers for.
fn get_listed(shared: &Shared, id: FileId, level: c_int, name: c_int) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    let row = table::row(level, name, f.socket.kind).ok_or(Errno::ENOPROTOOPT)?;
    match row.how {
        How::Keep { default, .. } => Ok(Answer::int(host_option(f, level, name).unwrap_or(default))),
        How::Only(value, _) | How::Refuse(value, _) | How::Constant(value) => Ok(Answer::int(value)),
        How::Never { get, .. } => Err(get),
        How::Take(..) | How::Code(_) => Err(Errno::ENOPROTOOPT),
    }
}

/// As [`get_listed`], for a change.
fn set_listed(shared: &mut Shared, id: FileId, level: c_int, name: c_int, value: i32) -> Result<(), Errno> {
    let kind = shared.file(id)?.socket.kind;
    let row = table::row(level, name, kind).ok_or(Errno::ENOPROTOOPT)?;
    match row.how {
        How::Keep { form, needs, .. } | How::Take(form, needs) => {
            // SO_BUSY_POLL_BUDGET has the sign first, then the right, then the limit.
            if value < 0 {
                form.check(value)?;
            }
            needs.check(value)?;
            let value = form.check(value)?;
            if matches!(row.how, How::Keep { .. }) {
                set_host_option(shared.file_mut(id)?, level, name, value);
            }
            Ok(())
        }
        How::Only(only, _) if only == value => Ok(()),
        How::Only(_, error) | How::Refuse(_, error) | How::Never { set: error, .. } => Err(error),
        How::Constant(_) | How::Code(_) => Err(Errno::ENOPROTOOPT),
    }
}

/// Looks at an option that both kinds of socket have.
fn look<T>(
    shared: &Shared,
    id: FileId,
    stream: impl FnOnce(&TcpOptions) -> T,
    datagram: impl FnOnce(&UdpOptions) -> T,
) -> Result<T, Errno> {
    let socket = shared.file(id)?.socket;
    if socket.kind == Kind::Tcp {
        Ok(stream(&shared.stack.tcp_options(socket)?))
    } else {
        Ok(datagram(&shared.stack.udp_options(socket)?))
    }
}

/// Changes an option of the stack.
fn change(
    shared: &mut Shared,
    id: FileId,
    stream: impl FnOnce(&mut TcpOptions),
    datagram: impl FnOnce(&mut UdpOptions),
) -> Result<(), Errno> {
    let socket = shared.file(id)?.socket;
    if socket.kind == Kind::Tcp {
        let mut options = shared.stack.tcp_options(socket)?;
        stream(&mut options);
        Ok(shared.stack.set_tcp_options(sys::now(), socket, options)?)
    } else {
        let mut options = shared.stack.udp_options(socket)?;
        datagram(&mut options);
        Ok(shared.stack.set_udp_options(socket, options)?)
    }
}

fn host_option(f: &File, level: c_int, name: c_int) -> Option<i32> {
    f.rare()?.host_options.iter().find(|(l, n, _)| (*l, *n) == (level, name)).map(|(_, _, v)| *v)
}

fn set_host_option(f: &mut File, level: c_int, name: c_int, value: i32) {
    let options = &mut f.rare_mut().host_options;
    match options.iter_mut().find(|(l, n, _)| (*l, *n) == (level, name)) {
        Some((_, _, v)) => *v = value,
        None => options.push((level, name, value)),
    }
}

/// SO_LOCK_FILTER keeps a filter as it is.
fn unlocked_filter(f: &File) -> Result<(), Errno> {
    match host_option(f, libc::SOL_SOCKET, libc::SO_LOCK_FILTER) {
        Some(1) => Err(Errno::EPERM),
        _ => Ok(()),
    }
}

/// SO_ATTACH_FILTER: a struct sock_fprog, whose instructions are elsewhere (copy_bpf_fprog_from_user, __get_filter).
fn attach_filter(shared: &mut Shared, id: FileId, value: &[u8]) -> Result<(), Errno> {
    // A stream's filter may look at and drop what was acknowledged for good: for administrators (sk_setsockopt).
    if shared.file(id)?.socket.kind == Kind::Tcp {
        table::may_admin()?;
    }
    let program = <&[u8; 16]>::try_from(value).map_err(|_| Errno::EINVAL)?;
    unlocked_filter(shared.file(id)?)?;
    let [a, b, _, _, _, _, _, _, pointer @ ..] = *program;
    let (count, at) = (u16::from_ne_bytes([a, b]), usize::from_ne_bytes(pointer));
    if at == 0 || !(1..=4096).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let instructions = super::iovec::read_filter(at, count.into())?;
    let filter = std::sync::Arc::new(Filter::new(instructions)?);
    let same = filter.clone();
    change(shared, id, |o| o.filter = Some(filter), |o| o.filter = Some(same))
}

/// SO_PEEK_OFF, if it is on: where the next MSG_PEEK begins.
pub(super) fn peek_offset(f: &File) -> Option<usize> {
    usize::try_from(host_option(f, libc::SOL_SOCKET, libc::SO_PEEK_OFF)?).ok()
}

/// Moves it: forward by what was peeked, back by what was read (sk_peek_offset_fwd and _bwd).
pub(super) fn move_peek_offset(f: &mut File, peeked: bool, bytes: usize) {
    let Some(offset) = peek_offset(f) else { return };
    let moved = if peeked { offset.saturating_add(bytes) } else { offset.saturating_sub(bytes) };
    set_host_option(f, libc::SOL_SOCKET, libc::SO_PEEK_OFF, clamp(moved));
}

/// SO_RCVLOWAT of a stream, if it was set: how much a blocking read waits for.
pub(super) fn low_water(f: &File) -> usize {
    let set = host_option(f, libc::SOL_SOCKET, libc::SO_RCVLOWAT);
    set.and_then(|n| usize::try_from(n).ok()).unwrap_or(1)
}

/// Notes that a buffer's size was set, which ends its automatic tuning.
fn lock_buffer(f: &mut File, which: i32) {
    let now = host_option(f, libc::SOL_SOCKET, SO_BUF_LOCK).unwrap_or(0);
    if now & which == 0 {
        set_host_option(f, libc::SOL_SOCKET, SO_BUF_LOCK, now | which);
    }
}

/// SO_BUF_LOCK: a size that is not locked is TCP's to tune.
fn lock_buffers(shared: &mut Shared, id: FileId, locks: i32) -> Result<(), Errno> {
    if locks & !(SNDBUF_LOCK | RCVBUF_LOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    set_host_option(shared.file_mut(id)?, libc::SOL_SOCKET, SO_BUF_LOCK, locks);
    let kind = shared.file(id)?.socket.kind;
    let (send, recv) = (send_buffer(shared, id, kind)?, TCP_RCVBUF);
    let half = |n: i32| usize::try_from(n / 2).ok();
    change(
        shared,
        id,
        |o| {
            o.sndbuf = if locks & SNDBUF_LOCK == 0 { None } else { o.sndbuf.or(half(send)) };
            o.rcvbuf = if locks & RCVBUF_LOCK == 0 { None } else { o.rcvbuf.or(half(recv)) };
        },
        |_| (),
    )
}

/// SO_MEMINFO: the SK_MEMINFO_* figures of <linux/sock_diag.h>, 32 bits each.
fn meminfo(shared: &Shared, id: FileId, kind: Kind) -> Result<Answer, Errno> {
    let socket = shared.file(id)?.socket;
    let received = shared.stack.recv_queued(socket);
    let queued = if kind == Kind::Tcp { tcp::send_queued(shared, socket) } else { 0 };
    let sending = if kind == Kind::Tcp { 0 } else { shared.stack.send_queued(socket) };
    let limit = look(
        shared,
        id,
        |o| o.rcvbuf.map_or(TCP_RCVBUF, |n| clamp(n.saturating_mul(2))),
        |o| clamp(o.rcvbuf),
    )?;
    let words =
        [clamp(received), limit, clamp(sending), send_buffer(shared, id, kind)?, 0, clamp(queued), 0, 0, 0];
    let mut bytes = [0; 36];
    bytes.chunks_exact_mut(4).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_ne_bytes()));
    Ok(Answer::new(&bytes))
}

/// Notes what was set, for the day that the socket moves to the kernel.
fn record(f: &mut File, level: c_int, name: c_int, value: &[u8]) {
    if level == libc::SOL_SOCKET && matches!(name, libc::SO_BINDTODEVICE | libc::SO_BINDTOIFINDEX) {
        // The device is ours; a kernel socket bound to it would reach nothing.
        return;
    }
    if (level, name) == (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER) {
        // The program lies in memory that need not be there any more.
        return;
    }
    let several = multicast::is_membership(level, name);
    let recorded = &mut f.rare_mut().recorded;
    match recorded.iter_mut().find(|o| (o.level, o.name) == (level, name)) {
        Some(o) if !several => {
            o.value.clear();
            o.value.extend_from_slice(value);
        }
        _ => {
            // Ten thousand sockets may have one option each.
            recorded.reserve_exact(1);
            recorded.push(RecordedOption { level, name, value: value.to_vec() });
        }
    }
}

/// An int, as most options take: shorter is EINVAL, longer is cut.
fn int(value: &[u8]) -> Result<i32, Errno> {
    value.first_chunk::<4>().map(|b| i32::from_ne_bytes(*b)).ok_or(Errno::EINVAL)
}

fn clamp(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// What SO_RCVBUF and SO_SNDBUF make of a number: clamped, doubled for overhead, with a floor (socket(7)).
fn buffer(number: i32, force: bool, least: u32) -> usize {
    let bounded = if force { number.max(0) as u32 } else { (number as u32).min(MAX_BUFFER) };
    bounded.min(i32::MAX as u32 / 2).saturating_mul(2).max(least) as usize
}

/// The send buffer's limit; while TCP sizes it by itself, what it is just now.
fn send_buffer(shared: &Shared, id: FileId, kind: Kind) -> Result<i32, Errno> {
    let socket = shared.file(id)?.socket;
    if kind != Kind::Tcp {
        return Ok(clamp(shared.stack.udp_options(socket)?.sndbuf));
    }
    if let Some(n) = shared.stack.tcp_options(socket)?.sndbuf {
        return Ok(clamp(n.saturating_mul(2)));
    }
    if matches!(shared.stack.tcp_state(socket), TcpState::Closed | TcpState::Listen) {
        return Ok(TCP_SNDBUF);
    }
    let used = tcp::send_queued(shared, socket);
    let space = shared.stack.send_space(socket).unwrap_or(0);
    Ok(clamp(space.saturating_add(used).saturating_mul(2)).max(TCP_SNDBUF))
}

/// A time-out as struct timeval; none is 0.
fn timeval(t: Option<Duration>) -> Answer {
    let t = t.unwrap_or_default();
    let mut bytes = [0; TIMEVAL];
    bytes[..8].copy_from_slice(&(t.as_secs() as i64).to_ne_bytes());
    bytes[8..].copy_from_slice(&i64::from(t.subsec_micros()).to_ne_bytes());
    Answer::new(&bytes)
}

/// A struct timeval as a time-out: 0 is none, a negative one does not wait at all (sock_set_timeout).
fn timeout(value: &[u8]) -> Result<Option<Duration>, Errno> {
    let (seconds, rest) = value.split_first_chunk::<8>().ok_or(Errno::EINVAL)?;
    let micros = rest.first_chunk::<8>().ok_or(Errno::EINVAL)?;
    let (seconds, micros) = (i64::from_ne_bytes(*seconds), i64::from_ne_bytes(*micros));
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    let Ok(whole) = u64::try_from(seconds) else { return Ok(Some(Duration::ZERO)) };
    let span = Duration::from_secs(whole).saturating_add(Duration::from_micros(micros as u64));
    Ok((!span.is_zero()).then_some(span))
}

fn set_linger(shared: &mut Shared, id: FileId, kind: Kind, value: &[u8]) -> Result<(), Errno> {
    let (on, rest) = value.split_first_chunk::<4>().ok_or(Errno::EINVAL)?;
    let seconds = i32::from_ne_bytes(*rest.first_chunk::<4>().ok_or(Errno::EINVAL)?);
    let on = i32::from_ne_bytes(*on) != 0;
    let f = shared.file_mut(id)?;
    // Switching off keeps the seconds (sk_setsockopt).
    f.linger = (on, if on { seconds } else { f.linger.1 });
    if kind != Kind::Tcp {
        return Ok(());
    }
    let time = Duration::from_secs(u64::from(seconds as u32));
    change(shared, id, |o| o.linger = on.then_some(time), |_| ())
}

/// SO_COOKIE: a number that no other socket of this process has.
fn cookie(f: &mut File) -> u64 {
    static NEXT: AtomicI32 = AtomicI32::new(1);
    let known = host_option(f, libc::SOL_SOCKET, libc::SO_COOKIE);
    let value = known.unwrap_or_else(|| {
        let new = NEXT.fetch_add(1, Ordering::Relaxed);
        set_host_option(f, libc::SOL_SOCKET, libc::SO_COOKIE, new);
        new
    });
    u64::from(value as u32)
}

#[cfg(test)]
mod tests;
