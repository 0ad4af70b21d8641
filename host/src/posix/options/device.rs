//! SO_BINDTODEVICE and SO_BINDTOIFINDEX (socket(7)): a socket on one device.
//!
//! The stack has one device, so to be bound to it changes nothing but what is read back (and that the kernel's loopback gets
//! no companion). `lo` is the kernel's where 127/8 is: the socket becomes the kernel's, and is bound there. Others are ENODEV, as if
//! they were not there. Changing a device needs CAP_NET_RAW (sock_bindtoindex_locked).

use std::net::{Ipv4Addr, SocketAddr};

use libc::c_int;
use matnet_stack::{Kind, TcpState};

use super::{Answer, host_option, int, set_host_option};
use crate::errno::Errno;
use crate::posix::{Outcome, bypass, interfaces};
use crate::runtime::file::FileId;
use crate::runtime::{Shared, settings, sys};

const S: c_int = libc::SOL_SOCKET;
/// CAP_NET_RAW (<linux/capability.h>)
const NET_RAW: u32 = 13;
/// Every namespace has `lo` as its first device.
const LO: i32 = 1;

/// True for the two options that are answered here.
pub(super) fn is_one(level: c_int, name: c_int) -> bool {
    level == S && matches!(name, libc::SO_BINDTODEVICE | libc::SO_BINDTOIFINDEX)
}

/// A device as the program names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Device {
    Any,
    Own,
    Loopback,
}

fn named(value: &[u8]) -> Result<Device, Errno> {
    let cut = value.get(..libc::IFNAMSIZ - 1).unwrap_or(value);
    match cut.split(|b| *b == 0).next().unwrap_or(&[]) {
        b"" => Ok(Device::Any),
        b"lo" => Ok(Device::Loopback),
        name if name == settings().tap.as_bytes() => Ok(Device::Own),
        _ => Err(Errno::ENODEV),
    }
}

fn numbered(shared: &Shared, value: &[u8]) -> Result<Device, Errno> {
    match int(value)? {
        0 => Ok(Device::Any),
        ..0 => Err(Errno::EINVAL),
        LO => Ok(Device::Loopback),
        n if u32::try_from(n) == Ok(own_index(shared)) => Ok(Device::Own),
        _ => Err(Errno::ENODEV),
    }
}

fn own_index(shared: &Shared) -> u32 {
    interfaces::of(shared).iter().find(|i| i.flags & libc::IFF_LOOPBACK as u32 == 0).map_or(0, |i| i.index)
}

/// Binds; the kernel makes the call when the socket has become its own.
pub(super) fn set(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<Outcome<()>, Errno> {
    let device = if name == libc::SO_BINDTODEVICE { named(value)? } else { numbered(shared, value)? };
    if is_bound(shared, id)? && !sys::capable(NET_RAW) {
        return Err(Errno::EPERM);
    }
    if device == Device::Loopback {
        let socket = shared.file(id)?.socket;
        let fresh = shared.stack.peer_addr(socket).is_none()
            && (socket.kind != Kind::Tcp || shared.stack.tcp_state(socket) == TcpState::Closed);
        if !fresh || !bypass::is_kernel(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), socket.kind) {
            return Err(Errno::ENODEV);
        }
        bypass::to_kernel(shared, id)?;
        return Ok(Outcome::Kernel);
    }
    let bound = i32::from(device == Device::Own);
    set_host_option(shared.file_mut(id)?, S, libc::SO_BINDTODEVICE, bound);
    Ok(Outcome::Done(Ok(())))
}

fn is_bound(shared: &Shared, id: FileId) -> Result<bool, Errno> {
    Ok(host_option(shared.file(id)?, S, libc::SO_BINDTODEVICE).unwrap_or(0) != 0)
}

/// SO_BINDTOIFINDEX
pub(super) fn index(shared: &Shared, id: FileId) -> Result<Answer, Errno> {
    let index = if is_bound(shared, id)? { own_index(shared) } else { 0 };
    Ok(Answer::int(i32::try_from(index).unwrap_or(0)))
}
