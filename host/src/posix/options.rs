//! getsockopt and setsockopt: socket(7), tcp(7), udp(7), ip(7), ipv6(7).
//!
//! Nothing is accepted and then ignored. An option that the stack honours changes the stack; one that only the host needs
//! (time-outs, linger) is kept in the [`File`]; one whose meaning holds anyway is in [`table::HELD`] with the reason; one that is
//! known but not served yet is in [`table::FIXED`] and takes only the value that it has. All else is ENOPROTOOPT, which is
//! what programs meet on an older kernel. Lengths are checked and cut as the kernel does (net/core/sock.c).
//!
//! What was set is recorded, so that a socket that moves to the kernel takes its options along.

mod ip;
mod table;
mod tcp;
mod udp;

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use libc::c_int;
use matnet_stack::{Kind, TcpOptions, TcpState, UdpOptions};

use super::Outcome;
use super::socket::with;
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::{File, FileId, RecordedOption};
use crate::runtime::{self, Shared, sys};

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

/// getsockopt(2): fills `value` as far as it goes and returns the length written.
pub fn getsockopt(fd: c_int, level: c_int, name: c_int, value: &mut [u8]) -> Result<usize, Errno> {
    with(fd, |shared, id| {
        let answer = get(shared, id, level, name, value.len())?;
        Ok(copy(value, answer.bytes.get(..answer.len).unwrap_or(&[])))
    })
}

/// setsockopt(2)
pub fn setsockopt(fd: c_int, level: c_int, name: c_int, value: &[u8]) -> Outcome<()> {
    if fdtable::get(fd) == Slot::Kernel {
        return Outcome::Kernel;
    }
    Outcome::Done(with(fd, |shared, id| {
        set(shared, id, level, name, value)?;
        record(shared.file_mut(id)?, level, name, value);
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
    match level {
        libc::SOL_SOCKET => get_socket(shared, id, kind, name, room),
        libc::IPPROTO_TCP if kind == Kind::Tcp => tcp::get(shared, id, name),
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
    match level {
        libc::SOL_SOCKET => set_socket(shared, id, kind, name, value),
        libc::IPPROTO_TCP if kind == Kind::Tcp => tcp::set(shared, id, name, value),
        libc::IPPROTO_IP => ip::set(shared, id, kind, name, value),
        libc::IPPROTO_IPV6 if domain == libc::AF_INET6 => ip::set_v6(shared, id, name, value),
        libc::IPPROTO_UDP if kind == Kind::Udp => udp::set(shared, id, name, int(value)?),
        _ => Err(Errno::ENOPROTOOPT),
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
            Answer::int(error.map_or(0, |e| Errno::from(e).0))
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
        libc::SO_COOKIE if room < 8 => return Err(Errno::EINVAL),
        libc::SO_COOKIE => Answer::new(&cookie(shared.file_mut(id)?).to_ne_bytes()),
        libc::SO_BINDTODEVICE => {
            if host_option(f, libc::SOL_SOCKET, name).unwrap_or(0) == 0 {
                return Ok(Answer::new(&[]));
            }
            if room < libc::IFNAMSIZ {
                return Err(Errno::EINVAL);
            }
            let mut bytes = [0; libc::IFNAMSIZ];
            let n = copy(&mut bytes[..libc::IFNAMSIZ - 1], runtime::settings().tap.as_bytes());
            Answer::new(bytes.get(..=n).unwrap_or(&bytes))
        }
        _ => return get_listed(shared, id, libc::SOL_SOCKET, name),
    })
}

fn set_socket(shared: &mut Shared, id: FileId, kind: Kind, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if name == libc::SO_BINDTODEVICE {
        return bind_to_device(shared.file_mut(id)?, value, &runtime::settings().tap);
    }
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
        libc::SO_BROADCAST if kind != Kind::Tcp => change(shared, id, |_| (), |o| o.broadcast = on),
        libc::SO_RCVBUF | libc::SO_RCVBUFFORCE => {
            let n = buffer(number, name == libc::SO_RCVBUFFORCE, MIN_RCVBUF);
            change(shared, id, |o| o.rcvbuf = Some(n / 2), |o| o.rcvbuf = n)
        }
        libc::SO_SNDBUF | libc::SO_SNDBUFFORCE => {
            let n = buffer(number, name == libc::SO_SNDBUFFORCE, MIN_SNDBUF);
            change(shared, id, |o| o.sndbuf = Some(n / 2), |o| o.sndbuf = n)
        }
        libc::SO_RCVLOWAT if kind == Kind::Tcp => {
            // tcp_set_rcvlowat: at most half of the buffer, or it would never be reached.
            let wanted = usize::try_from(number).unwrap_or(usize::MAX);
            change(
                shared,
                id,
                |o| o.rcvlowat = wanted.clamp(1, o.rcvbuf.unwrap_or(MAX_BUFFER as usize / 2).max(1)),
                |_| (),
            )
        }
        _ => set_listed(shared, id, libc::SOL_SOCKET, name, number),
    }
}

/// Options of the tables: what HELD took, or FIXED's value.
fn get_listed(shared: &Shared, id: FileId, level: c_int, name: c_int) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    if let Some(held) = table::held_row(level, name, f.socket.kind) {
        return Ok(Answer::int(host_option(f, level, name).unwrap_or(held.default)));
    }
    table::fixed_row(level, name).map(|f| Answer::int(f.value)).ok_or(Errno::ENOPROTOOPT)
}

/// As [`get_listed`], for a change.
fn set_listed(shared: &mut Shared, id: FileId, level: c_int, name: c_int, value: i32) -> Result<(), Errno> {
    let kind = shared.file(id)?.socket.kind;
    if let Some(held) = table::held_row(level, name, kind) {
        let value = held.form.check(value)?;
        crate::log_debug!("option {name} of level {level} set to {value}: {}", held.why);
        set_host_option(shared.file_mut(id)?, level, name, value);
        return Ok(());
    }
    match table::fixed_row(level, name) {
        Some(fixed) if fixed.value == value => Ok(()),
        _ => Err(Errno::ENOPROTOOPT),
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

/// Notes what was set, for the day that the socket moves to the kernel.
fn record(f: &mut File, level: c_int, name: c_int, value: &[u8]) {
    if (level, name) == (libc::SOL_SOCKET, libc::SO_BINDTODEVICE) {
        // The device is ours; a kernel socket bound to it would reach nothing.
        return;
    }
    let recorded = &mut f.rare_mut().recorded;
    match recorded.iter_mut().find(|o| (o.level, o.name) == (level, name)) {
        Some(o) => {
            o.value.clear();
            o.value.extend_from_slice(value);
        }
        None => {
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

/// SO_BINDTODEVICE: the one device that the stack has, or the empty name for any.
fn bind_to_device(f: &mut File, value: &[u8], own: &str) -> Result<(), Errno> {
    let cut = value.get(..libc::IFNAMSIZ - 1).unwrap_or(value);
    let name = cut.split(|b| *b == 0).next().unwrap_or(&[]);
    if !name.is_empty() && name != own.as_bytes() {
        return Err(Errno::ENODEV);
    }
    set_host_option(f, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, i32::from(!name.is_empty()));
    Ok(())
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
