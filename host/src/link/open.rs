//! Finds the TAP device or makes it, and says in one line why it cannot.
//!
//! A device that exists is used as it is: its addresses are never touched, only brought up if it is down. A device that does
//! not exist is created, which needs CAP_NET_ADMIN, and gets what a peer needs: MTU, a long queue, the host's address, up.
//! It vanishes with the process.

use std::net::Ipv4Addr;
use std::os::fd::RawFd;

use matnet_stack::{Capabilities, Ipv4Cidr};

use super::OpenError;
use super::netdev::{Change, Device, NetDev};
use super::offload::{TunControl, agree};
use super::tap::{Tap, TunFile};
use crate::config::Settings;
use crate::errno::Errno;

/// Frames that the queue of a device of ours holds. The default of 1000 overflows when frames come unsegmented and the
/// window is large.
pub const TX_QUEUE_LEN: u32 = 10_000;

/// Why something in our way cannot be done, before it becomes a line.
fn fail(errno: Errno, line: String) -> OpenError {
    OpenError { errno, line }
}

impl Tap {
    /// Opens the device of the settings. `place` moves the descriptor out of the program's way and marks it as ours; it
    /// gets the number and returns the new one.
    pub fn open(settings: &Settings, place: fn(RawFd) -> RawFd) -> Result<Tap, OpenError> {
        let name = settings.tap.as_str();
        let mut file = TunFile::open(name).map_err(|e| node_error(e, name))?;
        let mut netdev = NetDev::open().map_err(|e| netlink_error(e, name))?;
        let before = netdev.device(name).map_err(|e| netlink_error(e, name))?;
        match &before {
            Some(device) => check_kind(device)?,
            None => check_overlap(&mut netdev, settings, None)?,
        }
        check_own_address(&mut netdev, settings)?;
        let mut agreed = agree(&mut file).map_err(|e| attach_error(e, name, before.as_ref()))?;
        if settings.fault.is_some() {
            // Faults are for frames as a cable has them (see `faults`). A device without headers has no offloads.
            let _ = file.set_offload(0);
            agreed.capabilities = Capabilities::default();
        }
        let device = netdev.device(name).ok().flatten();
        let mut device = device.ok_or_else(|| {
            fail(
                Errno(libc::ENODEV),
                format!("{name}: the device was removed while it was being opened: start again"),
            )
        })?;
        match before {
            None => create(&mut netdev, &device, settings)?,
            Some(_) => raise(&mut netdev, &device)?,
        }
        if let Ok(Some(now)) = netdev.device(name) {
            device = now;
        }
        let device_mtu = u16::try_from(device.mtu).unwrap_or(u16::MAX);
        let mtu = match settings.mtu {
            Some(wanted) if wanted > device_mtu => {
                crate::log_warn!(
                    "MATNET_MTU: \"{wanted}\": the device {name} has an MTU of {device_mtu}, which is used \
                     (`ip link set {name} mtu {wanted}` raises it)"
                );
                device_mtu
            }
            Some(wanted) => wanted,
            None => device_mtu,
        };
        file.relocate(place).map_err(|e| node_error(e, name))?;
        Ok(Tap::new(file, agreed, mtu))
    }
}

/// /dev/net/tun cannot be opened.
pub fn node_error(errno: Errno, name: &str) -> OpenError {
    let remedy = match errno.0 {
        libc::ENOENT => {
            "no such file: as root run `modprobe tun`, or `mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200`; in a \
             container start it with --device /dev/net/tun"
        }
        libc::ENODEV | libc::ENXIO => "the kernel has no TUN driver: as root run `modprobe tun`",
        libc::EACCES | libc::EPERM => {
            "no permission: as root run `chmod 666 /dev/net/tun` and `matnet up --user NAME` once, or start this as root"
        }
        libc::EMFILE | libc::ENFILE => "too many open files: raise `ulimit -n`",
        _ => "expected the TUN driver's device node",
    };
    fail(errno, format!("{name}: cannot open /dev/net/tun ({errno}): {remedy}"))
}

/// The kernel does not answer about its devices.
fn netlink_error(errno: Errno, name: &str) -> OpenError {
    let line = format!(
        "{name}: cannot ask the kernel about network devices ({errno}): allow AF_NETLINK sockets to this process"
    );
    fail(errno, line)
}

/// TUNSETIFF was refused.
pub fn attach_error(errno: Errno, name: &str, before: Option<&Device>) -> OpenError {
    let line = match (errno.0, before) {
        (libc::EPERM | libc::EACCES, None) => format!(
            "{name}: the device does not exist and this process may not create it ({errno}): run `matnet up --user NAME` as \
             root once, or start this with CAP_NET_ADMIN"
        ),
        (libc::EPERM | libc::EACCES, Some(device)) => {
            let owner = match device.tun {
                Some(tun) => match (tun.owner, tun.group) {
                    (Some(uid), _) => format!("belongs to user {uid}"),
                    (None, Some(gid)) => format!("belongs to group {gid}"),
                    (None, None) => String::from("has no owner"),
                },
                None => String::from("belongs to somebody else"),
            };
            format!(
                "{name}: the device {owner}, this process may not use it ({errno}): run `matnet up --user NAME` as root \
                 once, or start this with CAP_NET_ADMIN"
            )
        }
        (libc::EBUSY, _) => format!(
            "{name}: the device is in use by another program ({errno}): wait for it to end, or name another device with \
             MATNET_TAP (and another network with MATNET_ADDR)"
        ),
        (libc::EINVAL, Some(_)) => {
            format!(
                "{name}: the device cannot be attached as a TAP ({errno}): name another one with MATNET_TAP"
            )
        }
        _ => format!("{name}: the TAP device cannot be attached ({errno}): name another one with MATNET_TAP"),
    };
    fail(errno, line)
}

/// A device of that name exists: is it a TAP?
pub fn check_kind(device: &Device) -> Result<(), OpenError> {
    let name = &device.name;
    let kind = match (device.kind.as_deref(), device.tun) {
        (Some("tun"), Some(tun)) if !tun.tap => "a TUN device (packets)",
        (Some("tun"), _) => return Ok(()),
        (Some(other), _) => other,
        (None, _) => "a device of another kind",
    };
    let line = format!(
        "{name}: this is {kind}, not a TAP device: name another one with MATNET_TAP, or remove it with \
         `ip link del {name}`"
    );
    Err(fail(Errno(libc::EINVAL), line))
}

/// Before a device is created: is its network free? The kernel would route its network to a device that already has it.
///
/// `except` is a device that may have it. A network that contains ours is no obstacle: the longer prefix wins, and that is ours.
pub fn check_overlap(netdev: &mut NetDev, settings: &Settings, except: Option<u32>) -> Result<(), OpenError> {
    let addresses = netdev.addresses().map_err(|e| netlink_error(e, &settings.tap))?;
    let ours = settings.addr;
    let inside = |net: Ipv4Cidr| net.prefix >= ours.prefix && ours.contains(net.addr);
    let mut others = addresses.iter().filter(|a| Some(a.index) != except);
    let Some(taken) = others.find(|a| inside(a.network)) else { return Ok(()) };
    let other = device_name(netdev, taken.index);
    let line = format!(
        "{}: the device {other} already has the network {}/{} (address {}), so {}/{} cannot be reached over a new device: \
         choose another network with MATNET_ADDR, or take the address away from {other}",
        settings.tap,
        taken.network.network(),
        taken.network.prefix,
        taken.local.addr,
        ours.network(),
        ours.prefix,
    );
    Err(fail(Errno(libc::EADDRINUSE), line))
}

/// Two hosts with one address: the kernel must not have ours.
fn check_own_address(netdev: &mut NetDev, settings: &Settings) -> Result<(), OpenError> {
    let addresses = netdev.addresses().map_err(|e| netlink_error(e, &settings.tap))?;
    let ours: Ipv4Addr = settings.addr.addr;
    let Some(taken) = addresses.iter().find(|a| a.local.addr == ours) else { return Ok(()) };
    let other = device_name(netdev, taken.index);
    let line = format!(
        "{}: {ours} is the kernel's own address on {other}: give the program another one with MATNET_ADDR",
        settings.tap
    );
    Err(fail(Errno(libc::EADDRINUSE), line))
}

fn device_name(netdev: &mut NetDev, index: u32) -> String {
    let device = netdev.device_by_index(index).ok().flatten();
    device.map_or_else(|| format!("number {index}"), |d| d.name)
}

/// Sets up the device that was just created: queue, MTU, the host's address, up.
pub fn create(netdev: &mut NetDev, device: &Device, settings: &Settings) -> Result<(), OpenError> {
    let name = &settings.tap;
    let step = |errno: Errno, what: &str| {
        let line =
            format!("{name}: the new device's {what} cannot be set ({errno}): start this with CAP_NET_ADMIN");
        fail(errno, line)
    };
    // A short queue is slow, not wrong.
    let _ = netdev.change(device.index, Change { tx_queue_len: Some(TX_QUEUE_LEN), ..Change::default() });
    // A kernel without the discipline keeps its own: slower, not wrong.
    let _ = netdev.without_queueing(device.index);
    if let Some(mtu) = settings.mtu {
        let change = Change { mtu: Some(u32::from(mtu)), ..Change::default() };
        netdev.change(device.index, change).map_err(|e| step(e, "MTU"))?;
    }
    if let Some(address) = settings.host_address() {
        netdev.add_address(device.index, address).map_err(|e| step(e, "address"))?;
    }
    netdev.change(device.index, Change { up: Some(true), ..Change::default() }).map_err(|e| step(e, "state"))
}

/// Brings up an existing device that is down.
fn raise(netdev: &mut NetDev, device: &Device) -> Result<(), OpenError> {
    if device.is_up() {
        return Ok(());
    }
    let name = &device.name;
    netdev.change(device.index, Change { up: Some(true), ..Change::default() }).map_err(|e| {
        let line = format!(
            "{name}: the device is down and this process may not bring it up ({e}): run `matnet up --tap {name}` or \
             `ip link set {name} up` as root"
        );
        fail(Errno(libc::ENETDOWN), line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::netdev::Tun;

    fn device(kind: Option<&str>, tun: Option<Tun>) -> Device {
        Device { name: String::from("matnet0"), kind: kind.map(String::from), tun, ..Device::default() }
    }

    #[test]
    fn every_refusal_is_one_line_with_a_remedy() {
        let existing = device(Some("tun"), Some(Tun { tap: true, owner: Some(1000), ..Tun::default() }));
        let lines = [
            (node_error(Errno(libc::ENOENT), "matnet0"), "modprobe tun"),
            (node_error(Errno(libc::EACCES), "matnet0"), "matnet up --user NAME"),
            (attach_error(Errno(libc::EPERM), "matnet0", None), "matnet up --user NAME"),
            (attach_error(Errno(libc::EPERM), "matnet0", Some(&existing)), "belongs to user 1000"),
            (attach_error(Errno(libc::EBUSY), "matnet0", Some(&existing)), "MATNET_TAP"),
            (check_kind(&device(Some("tun"), Some(Tun::default()))).unwrap_err(), "a TUN device"),
            (check_kind(&device(Some("veth"), None)).unwrap_err(), "veth"),
            (check_kind(&device(None, None)).unwrap_err(), "another kind"),
        ];
        for (error, wanted) in lines {
            assert!(error.line.contains(wanted) && !error.line.contains('\n'), "{error}");
            assert!(error.line.starts_with("matnet0: ") && !error.line.contains("  "), "{error}");
        }
        assert_eq!(check_kind(&existing), Ok(()));
    }
}
