//! ioctl on a socket of ours (tcp(7), udp(7), netdevice(7)).
//!
//! Queue sizes come from the stack. Requests about interfaces (netdevice(7)) are answered from `interfaces.rs`, which says which
//! there are: other names are ENODEV. Nothing can be changed (EPERM): addresses are those of the configuration. What is asked of
//! the driver (SIOCETHTOOL) goes to the kernel through a short-lived socket. Requests about the descriptor itself (FIOCLEX) are the kernel's, because the number is a real one. Signal-driven
//! I/O (FIOASYNC, FIOSETOWN) is as with fcntl.

use libc::{c_int, c_ulong};
use matnet_stack::{Kind, TcpState};

use super::iovec::Arg;
pub use super::iovec::ioctl;
use super::socket::with;
use super::{Outcome, interfaces};
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::FileId;
use crate::runtime::{Shared, sys};

const SIOCINQ: c_ulong = libc::FIONREAD;
const SIOCOUTQ: c_ulong = libc::TIOCOUTQ;
/// <linux/sockios.h>
const SIOCOUTQNSD: c_ulong = 0x894b;
const SIOCATMARK: c_ulong = 0x8905;
const FIOSETOWN: c_ulong = 0x8901;
const SIOCSPGRP: c_ulong = 0x8902;
const FIOGETOWN: c_ulong = 0x8903;
const SIOCGPGRP: c_ulong = 0x8904;
const SIOCGSTAMP: c_ulong = 0x8906;
const SIOCGSTAMPNS: c_ulong = 0x8907;
const SIOCGIFNAME: c_ulong = 0x8910;
const SIOCGIFCONF: c_ulong = 0x8912;
const SIOCGIFFLAGS: c_ulong = 0x8913;
const SIOCGIFDSTADDR: c_ulong = 0x8917;
const SIOCGIFMETRIC: c_ulong = 0x891d;
const SIOCGIFSLAVE: c_ulong = 0x8929;
const SIOCGIFINDEX: c_ulong = 0x8933;
const SIOCGIFTXQLEN: c_ulong = 0x8942;
const SIOCETHTOOL: c_ulong = 0x8946;
const SIOCGMIIPHY: c_ulong = 0x8947;
const SIOCGMIIREG: c_ulong = 0x8948;
const SIOCDARP: c_ulong = 0x8953;
const SIOCGARP: c_ulong = 0x8954;
const SIOCSARP: c_ulong = 0x8955;
const SIOCGIFMAP: c_ulong = 0x8970;
/// Requests that change an interface: SIOCSIFLINK, then SIOCSIFFLAGS and the like.
const CHANGES: &[c_ulong] = &[
    0x8911, 0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x891e, 0x8920, 0x8922, 0x8923, 0x8924, 0x8926, 0x8930,
    0x8931, 0x8932, 0x8934, 0x8936, 0x8937, 0x8941, 0x8943, 0x8949, 0x8971,
];
const SIOCGIFADDR: c_ulong = 0x8915;
const SIOCGIFBRDADDR: c_ulong = 0x8919;
const SIOCGIFNETMASK: c_ulong = 0x891b;
const SIOCGIFMTU: c_ulong = 0x8921;
const SIOCGIFHWADDR: c_ulong = 0x8927;
/// Requests about interfaces, SIOCGIFNAME to SIOCSIFMAP.
const INTERFACES: std::ops::RangeInclusive<c_ulong> = 0x8910..=0x8971;

/// Answers a request; the pointer is already wrapped.
pub(super) fn serve(fd: c_int, request: c_ulong, arg: Arg) -> Outcome<c_int> {
    if fdtable::get(fd) == Slot::Kernel {
        return Outcome::Kernel;
    }
    with(fd, |shared, id| request_on(shared, fd, id, request, arg)).into()
}

fn request_on(
    shared: &mut Shared,
    fd: c_int,
    id: FileId,
    request: c_ulong,
    arg: Arg,
) -> Result<Outcome<c_int>, Errno> {
    let socket = shared.file(id)?.socket;
    let stack = &shared.stack;
    let state = stack.tcp_state(socket);
    let opening = matches!(state, TcpState::SynSent | TcpState::SynReceived);
    let queued = match request {
        libc::FIONBIO => {
            let on = arg.read_int()? != 0;
            shared.file_mut(id)?.nonblock = on;
            return Ok(Outcome::Done(Ok(0)));
        }
        libc::FIOASYNC => {
            let on = arg.read_int()? != 0;
            shared.set_async(id, fd, on)?;
            return Ok(Outcome::Done(Ok(0)));
        }
        FIOSETOWN | SIOCSPGRP => {
            let owner = arg.read_int()?;
            shared.owner_call(id, libc::F_SETOWN, owner as usize)?;
            return Ok(Outcome::Done(Ok(0)));
        }
        FIOGETOWN | SIOCGPGRP => {
            let owner = shared.owner_call(id, libc::F_GETOWN, 0)?.unwrap_or(0);
            arg.write_signed(owner)?;
            return Ok(Outcome::Done(Ok(0)));
        }
        // A listener has no queue of bytes, and ping sockets have no such request (net/ipv4/ping.c).
        SIOCINQ | SIOCOUTQ | SIOCOUTQNSD if state == TcpState::Listen => return Err(Errno::EINVAL),
        SIOCINQ | SIOCOUTQ if socket.kind == Kind::Ping => return Err(Errno::ENOTTY),
        SIOCOUTQNSD | SIOCATMARK if socket.kind != Kind::Tcp => return Err(Errno::ENOTTY),
        SIOCINQ | SIOCOUTQ | SIOCOUTQNSD if opening => 0,
        SIOCINQ => match stack.recv_queued(socket) {
            0 => super::companion::queued(shared, id),
            n => n,
        },
        SIOCOUTQ => stack.send_queued(socket),
        SIOCOUTQNSD => stack.send_notsent(socket),
        SIOCATMARK => usize::from(stack.at_mark(socket)),
        // No receive times are kept.
        SIOCGSTAMP | SIOCGSTAMPNS => return Err(Errno::ENOENT),
        SIOCGIFCONF => {
            arg.ifconf(&list(shared))?;
            return Ok(Outcome::Done(Ok(0)));
        }
        SIOCGARP => {
            arg.write_arpreq(neighbour(shared, arg.arpreq()?)?)?;
            return Ok(Outcome::Done(Ok(0)));
        }
        SIOCDARP | SIOCSARP => return Err(Errno::EPERM),
        r if INTERFACES.contains(&r) => {
            describe(shared, request, arg)?;
            return Ok(Outcome::Done(Ok(0)));
        }
        _ => return Ok(Outcome::Kernel),
    };
    arg.write_int(queued)?;
    Ok(Outcome::Done(Ok(0)))
}

/// Answers a request about an interface (dev_ioctl in net/core/dev_ioctl.c, devinet_ioctl in net/ipv4/devinet.c).
fn describe(shared: &Shared, request: c_ulong, mut arg: Arg) -> Result<(), Errno> {
    let interfaces = interfaces::of(shared);
    let ifreq = arg.ifreq()?;
    let (name, value) = ifreq.split_at_mut(libc::IFNAMSIZ);
    if request == SIOCGIFNAME {
        let index = value.first_chunk::<4>().map_or(0, |b| i32::from_ne_bytes(*b));
        let found =
            interfaces.iter().find(|i| i64::from(i.index) == i64::from(index)).ok_or(Errno::ENODEV)?;
        name.fill(0);
        name.iter_mut().zip(found.name.bytes().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = from);
        return Ok(());
    }
    // What follows a colon was an alias once.
    let asked = name.split(|b| *b == 0 || *b == b':').next().unwrap_or(&[]);
    let found = interfaces.iter().find(|i| i.name.as_bytes() == asked).ok_or(Errno::ENODEV)?;
    // A sockaddr_in: family, port, address.
    let inet = |ip: std::net::Ipv4Addr| {
        let [f0, f1] = (libc::AF_INET as u16).to_ne_bytes();
        let [a, b, c, d] = ip.octets();
        [f0, f1, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0]
    };
    let int = |n: u32| {
        let [a, b, c, d] = n.to_ne_bytes();
        [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    };
    let answer = match request {
        // A short; the upper flags are netlink's.
        SIOCGIFFLAGS => int(found.flags & 0xffff),
        SIOCGIFADDR | SIOCGIFDSTADDR => inet(found.addr),
        SIOCGIFNETMASK => inet(found.netmask()),
        SIOCGIFBRDADDR => inet(found.broadcast.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED)),
        SIOCGIFHWADDR => {
            let [f0, f1] = found.hardware.to_ne_bytes();
            let [a, b, c, d, e, f] = found.mac;
            [f0, f1, a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        SIOCGIFMETRIC => int(0),
        SIOCGIFMTU => int(found.mtu),
        SIOCGIFINDEX => int(found.index),
        SIOCGIFTXQLEN => int(found.queue_len),
        SIOCGIFMAP => [0; 16],
        SIOCGIFSLAVE => return Err(Errno::EINVAL),
        // About the device's driver: the kernel has it.
        SIOCETHTOOL | SIOCGMIIPHY | SIOCGMIIREG => return elsewhere(request, arg),
        r if CHANGES.contains(&r) => return Err(Errno::EPERM),
        _ => return Err(Errno::ENOTTY),
    };
    value.iter_mut().zip(answer).for_each(|(to, from)| *to = from);
    Ok(())
}

/// SIOCGARP: fills in a struct arpreq, which is the protocol address, the hardware address, flags, a netmask and a device
/// (arp_req_get in net/ipv4/arp.c).
fn neighbour(shared: &Shared, mut arpreq: [u8; 68]) -> Result<[u8; 68], Errno> {
    /// ATF_COM: the entry is complete.
    const COMPLETE: i32 = 2;
    let (asked, rest) = arpreq.split_at_mut(16);
    let (hardware, rest) = rest.split_at_mut(16);
    let (flags, device) = rest.split_at_mut(4);
    let device = device.get_mut(16..).unwrap_or(&mut []);
    let [f0, f1, _, _, a, b, c, d, ..] = asked else { return Err(Errno::EFAULT) };
    if u16::from_ne_bytes([*f0, *f1]) != libc::AF_INET as u16 {
        return Err(Errno::EPFNOSUPPORT);
    }
    let addr = std::net::Ipv4Addr::new(*a, *b, *c, *d);
    let interfaces = interfaces::of(shared);
    let own = interfaces.get(1).ok_or(Errno::ENODEV)?;
    let named = device.split(|b| *b == 0).next().unwrap_or(&[]);
    if !named.is_empty() && !interfaces.iter().any(|i| i.name.as_bytes() == named) {
        return Err(Errno::ENODEV);
    }
    let known = shared.stack.neighbors(sys::now());
    let mac = known.iter().find(|n| n.addr == addr).and_then(|n| n.mac).ok_or(Errno::ENXIO)?;
    let bytes = own.hardware.to_ne_bytes().into_iter().chain(mac.0);
    hardware.fill(0);
    hardware.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    flags.copy_from_slice(&COMPLETE.to_ne_bytes());
    device.fill(0);
    device.iter_mut().zip(own.name.bytes().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = from);
    Ok(arpreq)
}

/// The list of interfaces with an address, as struct ifreq each.
fn list(shared: &Shared) -> Vec<[u8; 40]> {
    let entry = |i: interfaces::Interface| {
        let mut ifreq = [0; 40];
        ifreq.iter_mut().zip(i.name.bytes().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = from);
        let (_, value) = ifreq.split_at_mut(libc::IFNAMSIZ);
        let family = (libc::AF_INET as u16).to_ne_bytes();
        let bytes = family.into_iter().chain([0, 0]).chain(i.addr.octets());
        value.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        ifreq
    };
    interfaces::of(shared).into_iter().map(entry).collect()
}

/// Asks the kernel by an internet socket: the placeholder behind our number is of another family.
fn elsewhere(request: c_ulong, arg: Arg) -> Result<(), Errno> {
    let fd = sys::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)?;
    let result = arg.kernel(fd, request);
    let _ = sys::close(fd);
    result.map(drop)
}
