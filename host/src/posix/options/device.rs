//! SO_BINDTODEVICE and SO_BINDTOIFINDEX (socket(7)): a socket on one device.
//!
//! The stack has one device, so to be bound to it changes nothing but what is read back (and that the kernel's loopback gets
//! no companion). `lo` is the kernel's where 127/8 is: the socket becomes the kernel's, and is bound there. Another name is ENODEV, as if
//! the device were not there. Another index is taken, as the kernel takes any without a look (sock_bindtoindex_locked): such a
//! socket finds no way out, ENODEV. Changing a device needs CAP_NET_RAW.
//!
//! Limits: a socket with the index of no device still receives; a connection that has begun goes on.

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
    /// An index that no device has.
    Absent(i32),
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
        n => Ok(Device::Absent(n)),
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
    let file = shared.file_mut(id)?;
    set_host_option(file, S, libc::SO_BINDTODEVICE, i32::from(device == Device::Own));
    let absent = if let Device::Absent(n) = device { n } else { 0 };
    if absent != 0 || host_option(file, S, libc::SO_BINDTOIFINDEX).is_some() {
        set_host_option(file, S, libc::SO_BINDTOIFINDEX, absent);
    }
    Ok(Outcome::Done(Ok(())))
}

fn is_bound(shared: &Shared, id: FileId) -> Result<bool, Errno> {
    let own = host_option(shared.file(id)?, S, libc::SO_BINDTODEVICE).unwrap_or(0) != 0;
    Ok(own || absent(shared, id)? != 0)
}

/// The index of no device that the socket is bound to; 0: none.
fn absent(shared: &Shared, id: FileId) -> Result<i32, Errno> {
    Ok(host_option(shared.file(id)?, S, libc::SO_BINDTOIFINDEX).unwrap_or(0))
}

/// ENODEV when nothing of this socket can leave (ip_route_output_key_hash_rcu).
pub(in crate::posix) fn usable(shared: &Shared, id: FileId) -> Result<(), Errno> {
    if absent(shared, id)? == 0 { Ok(()) } else { Err(Errno::ENODEV) }
}

/// SO_BINDTOIFINDEX
pub(super) fn index(shared: &Shared, id: FileId) -> Result<Answer, Errno> {
    let index = match absent(shared, id)? {
        0 if is_bound(shared, id)? => i32::try_from(own_index(shared)).unwrap_or(0),
        n => n,
    };
    Ok(Answer::int(index))
}
