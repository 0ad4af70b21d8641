//! ioctl on a socket of ours (tcp(7), udp(7), netdevice(7)).
//!
//! Queue sizes come from the stack. Requests about interfaces are answered for our own device from the stack, since the
//! kernel's idea of it is the other end of the cable; for other devices the kernel is asked through a short-lived
//! socket. Requests about the descriptor itself (FIOCLEX) are the kernel's, because the number is a real one. Signal-driven
//! I/O (FIOASYNC, FIOSETOWN) is refused rather than ignored. The list of interfaces (SIOCGIFCONF) is the kernel's.

use libc::{c_int, c_ulong};
use matnet_stack::{Kind, TcpState};

use super::Outcome;
use super::iovec::Arg;
pub use super::iovec::ioctl;
use super::socket::with;
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::FileId;
use crate::runtime::{self, Shared, sys};

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
const SIOCGIFCONF: c_ulong = 0x8912;
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
    with(fd, |shared, id| request_on(shared, id, request, arg)).into()
}

fn request_on(
    shared: &mut Shared,
    id: FileId,
    request: c_ulong,
    mut arg: Arg,
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
        libc::FIOASYNC if arg.read_int()? == 0 => return Ok(Outcome::Done(Ok(0))),
        libc::FIOASYNC | FIOSETOWN | SIOCSPGRP => return Err(Errno::ENOTTY),
        FIOGETOWN | SIOCGPGRP => 0,
        // A listener has no queue of bytes, and ping sockets have no such request (net/ipv4/ping.c).
        SIOCINQ | SIOCOUTQ | SIOCOUTQNSD if state == TcpState::Listen => return Err(Errno::EINVAL),
        SIOCINQ | SIOCOUTQ if socket.kind == Kind::Ping => return Err(Errno::ENOTTY),
        SIOCOUTQNSD | SIOCATMARK if socket.kind != Kind::Tcp => return Err(Errno::ENOTTY),
        SIOCINQ | SIOCOUTQ | SIOCOUTQNSD if opening => 0,
        SIOCINQ => stack.recv_queued(socket),
        SIOCOUTQ => stack.send_queued(socket),
        SIOCOUTQNSD => stack.send_notsent(socket),
        SIOCATMARK => 0,
        // No receive times are kept.
        SIOCGSTAMP | SIOCGSTAMPNS => return Err(Errno::ENOENT),
        SIOCGIFCONF => return Ok(Outcome::Kernel),
        r if INTERFACES.contains(&r) => {
            if !describe(shared, request, arg.ifreq()?, &runtime::settings().tap) {
                elsewhere(request, arg)?;
            }
            return Ok(Outcome::Done(Ok(0)));
        }
        _ => return Ok(Outcome::Kernel),
    };
    arg.write_int(queued)?;
    Ok(Outcome::Done(Ok(0)))
}

/// Answers for our own device what the stack knows better; false for anything else.
fn describe(shared: &Shared, request: c_ulong, ifreq: &mut [u8; 40], own: &str) -> bool {
    let (name, value) = ifreq.split_at_mut(libc::IFNAMSIZ);
    if name.split(|b| *b == 0).next() != Some(own.as_bytes()) {
        return false;
    }
    let cidr = shared.stack.addr();
    // A sockaddr_in: family, port, address.
    let inet = |ip: std::net::Ipv4Addr| {
        let [f0, f1] = (libc::AF_INET as u16).to_ne_bytes();
        let [a, b, c, d] = ip.octets();
        [f0, f1, 0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0]
    };
    let answer = match request {
        SIOCGIFADDR => inet(cidr.addr),
        SIOCGIFNETMASK => inet(cidr.netmask()),
        SIOCGIFBRDADDR => inet(cidr.broadcast().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED)),
        SIOCGIFHWADDR => {
            let [f0, f1] = libc::ARPHRD_ETHER.to_ne_bytes();
            let [a, b, c, d, e, f] = shared.stack.mac().0;
            [f0, f1, a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        SIOCGIFMTU => {
            let [a, b, c, d] = i32::from(shared.stack.mtu()).to_ne_bytes();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        _ => return false,
    };
    value.iter_mut().zip(answer).for_each(|(to, from)| *to = from);
    true
}

/// Asks the kernel by an internet socket: the placeholder behind our number is of another family.
fn elsewhere(request: c_ulong, arg: Arg) -> Result<(), Errno> {
    let fd = sys::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)?;
    let result = arg.kernel(fd, request);
    let _ = sys::close(fd);
    result.map(drop)
}
