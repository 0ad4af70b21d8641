//! Which interfaces the program's host has. This is the one description of them: ioctl (SIOCGIF*), getifaddrs, if_nametoindex
//! and netlink answer from it, so that they cannot disagree.
//!
//! The host of the program is not the kernel's: it has `lo`, and the device at whose other end the stack is. That device
//! has the program's own address, MAC and MTU here; the kernel's idea of the same name is the other end of the cable. The
//! kernel's other devices are left out: a program that binds to each address that it finds (a name or time server does) must
//! find those on which it can be reached, and binding to any other is EADDRNOTAVAIL. What goes to the kernel by MATNET_BYPASS
//! leaves by the kernel's routes, and needs no device here.
//!
//! The index is the kernel's number of that name, for programs hand it to the kernel too (netlink, packet sockets).
//!
//! Use: [`list`] starts the stack if need be, [`known`] does not; [`of`] is for callers that hold the lock. `lo` comes first.
//! Limits: one address for each interface, no IPv6, statistics are not here.

use std::net::Ipv4Addr;

use libc::c_ulong;

use super::iovec::kernel_ifreq;
use crate::errno::Errno;
use crate::runtime::{self, Shared, sys};

/// SIOCGIFINDEX
const SIOCGIFINDEX: c_ulong = 0x8933;
/// SIOCGIFMTU
const SIOCGIFMTU: c_ulong = 0x8921;
/// What a device that does not exist yet will have, bytes.
const ETHERNET_MTU: u32 = 1500;
/// IFF_LOWER_UP (<linux/if.h>): the cable is plugged in. Netlink shows it, ioctl has no room for it.
const LOWER_UP: u32 = 1 << 16;

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name, at most 15 bytes.
    pub name: String,
    /// if_nametoindex(3)
    pub index: u32,
    /// IFF_* of netdevice(7), with IFF_LOWER_UP.
    pub flags: u32,
    /// Largest IP packet, bytes.
    pub mtu: u32,
    /// ARPHRD_*
    pub hardware: u16,
    /// Hardware address; zeros for `lo`.
    pub mac: [u8; 6],
    /// Hardware broadcast address; zeros for `lo`.
    pub mac_broadcast: [u8; 6],
    /// The address.
    pub addr: Ipv4Addr,
    /// Length of its network's prefix, bits.
    pub prefix: u8,
    /// Directed broadcast address, where there is one.
    pub broadcast: Option<Ipv4Addr>,
    /// Length of the transmit queue, packets.
    pub queue_len: u32,
}

impl Interface {
    /// The netmask.
    pub fn netmask(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0))
    }
}

/// The interfaces, the stack being started if it is not.
///
/// # Errors
/// What keeps the stack from starting, ENETDOWN.
pub fn list() -> Result<Vec<Interface>, Errno> {
    let shared = runtime::start()?.lock();
    Ok(of(&shared))
}

/// The interfaces, for a caller that holds the lock.
pub fn of(shared: &Shared) -> Vec<Interface> {
    both(shared.stack.addr(), shared.stack.mac().0, shared.stack.mtu().into())
}

/// The interfaces, without a stack being started for it: a program that only looks (ip, hostname) opens no device and leaves it to the
/// one that uses it. Before the first socket it is what the settings say; the MTU is the device's, if that is there.
///
/// # Errors
/// ENETDOWN when the settings cannot be used.
pub fn known() -> Result<Vec<Interface>, Errno> {
    if let Some(runtime) = runtime::get() {
        return Ok(of(&runtime.lock()));
    }
    if !runtime::start::is_usable() {
        return Err(Errno::ENETDOWN);
    }
    let settings = runtime::settings();
    let device = kernel_value(&settings.tap, SIOCGIFMTU);
    let mtu = match (settings.mtu.map(u32::from), device) {
        (Some(own), Some(device)) => own.min(device),
        (own, device) => own.or(device).unwrap_or(ETHERNET_MTU),
    };
    Ok(both(settings.addr, settings.resolved_mac().0, mtu))
}

fn both(cidr: matnet_stack::Ipv4Cidr, mac: [u8; 6], mtu: u32) -> Vec<Interface> {
    let name = runtime::settings().tap.clone();
    // Every network namespace has `lo` as its first device.
    let lo = Interface {
        name: "lo".into(),
        index: 1,
        flags: (libc::IFF_UP | libc::IFF_LOOPBACK | libc::IFF_RUNNING) as u32 | LOWER_UP,
        mtu: 65_536,
        hardware: libc::ARPHRD_LOOPBACK,
        mac: [0; 6],
        mac_broadcast: [0; 6],
        addr: Ipv4Addr::LOCALHOST,
        prefix: 8,
        broadcast: None,
        queue_len: 1000,
    };
    let flags = libc::IFF_UP | libc::IFF_BROADCAST | libc::IFF_RUNNING | libc::IFF_MULTICAST;
    let own = Interface {
        index: own_index(),
        name,
        flags: flags as u32 | LOWER_UP,
        mtu,
        hardware: libc::ARPHRD_ETHER,
        mac,
        mac_broadcast: [0xff; 6],
        addr: cidr.addr,
        prefix: cidr.prefix,
        broadcast: cidr.broadcast(),
        queue_len: 1000,
    };
    vec![lo, own]
}

/// The kernel's index of our device: asked for once a stack, since every datagram may have to tell it (IP_PKTINFO), and it stays
/// when the device is renamed.
pub(super) fn own_index() -> u32 {
    let ask = || kernel_value(&runtime::settings().tap, SIOCGIFINDEX);
    runtime::get().map_or_else(ask, |runtime| runtime.device_index(ask)).unwrap_or(2)
}

/// The kernel's index of a device, or its MTU.
fn kernel_value(name: &str, request: c_ulong) -> Option<u32> {
    let mut ifreq = [0; 40];
    ifreq.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)).for_each(|(to, from)| *to = from);
    let fd = sys::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0).ok()?;
    let result = kernel_ifreq(fd, request, &mut ifreq);
    let _ = sys::close(fd);
    result.ok()?;
    let value = ifreq.get(libc::IFNAMSIZ..)?.first_chunk::<4>()?;
    u32::try_from(i32::from_ne_bytes(*value)).ok().filter(|n| *n > 0)
}
