//! Asks the kernel about network devices and sets them up, over an rtnetlink socket (rtnetlink(7)).
//!
//! Messages are built and read as bytes, so this file needs no `unsafe`, no `ip` command and no ioctl; and unlike the ioctls
//! netlink tells what kind a device is, to whom a TUN device belongs, and every address of the namespace.
//!
//! Limits: IPv4 addresses only.

use std::net::Ipv4Addr;
use std::os::fd::RawFd;

use matnet_stack::Ipv4Cidr;

use crate::errno::Errno;
use crate::runtime::sys;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const RTM_NEWQDISC: u16 = 36;

const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_ACK: u16 = 0x04;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_CREATE_EXCL: u16 = 0x600;
const NLM_F_CREATE_REPLACE: u16 = 0x500;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// Bytes of `struct nlmsghdr`.
const NLMSG_HEADER: usize = 16;
/// Bytes of `struct ifinfomsg`.
const LINK_HEADER: usize = 16;
/// Bytes of `struct ifaddrmsg`.
const ADDR_HEADER: usize = 8;

const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_TXQLEN: u16 = 13;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_TUN_OWNER: u16 = 1;
const IFLA_TUN_GROUP: u16 = 2;
const IFLA_TUN_TYPE: u16 = 3;
const IFLA_TUN_PERSIST: u16 = 6;

const TCA_KIND: u16 = 1;
/// The place of a device's one queueing discipline.
const TC_H_ROOT: u32 = u32::MAX;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;

/// Larger than what the kernel puts into one message of a dump (it uses 32 kB at most).
const RECEIVE: usize = 65_536;

/// What is known of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The interface index.
    pub index: u32,
    /// The name.
    pub name: String,
    /// IFF_UP and kin.
    pub flags: u32,
    /// The largest IP packet, bytes.
    pub mtu: u32,
    /// Frames that its queue holds.
    pub tx_queue_len: u32,
    /// What it is, such as `veth`; None: a device without a kind (hardware, loopback).
    pub kind: Option<String>,
    /// The bridge or bond that it belongs to.
    pub master: Option<u32>,
    /// For TUN and TAP devices, where the kernel tells.
    pub tun: Option<Tun>,
}

impl Device {
    /// True when the device is administratively up.
    pub fn is_up(&self) -> bool {
        self.flags & libc::IFF_UP as u32 != 0
    }
}

/// What is known of a TUN or TAP device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tun {
    /// Frames (TAP), not packets (TUN).
    pub tap: bool,
    /// It stays when nobody uses it.
    pub persistent: bool,
    /// The user who may use it.
    pub owner: Option<u32>,
    /// The group that may use it.
    pub group: Option<u32>,
}

/// One IPv4 address of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The device's index.
    pub index: u32,
    /// The address with the prefix of its network. For a point-to-point address this is the local end.
    pub local: Ipv4Cidr,
    /// The network that the kernel routes to the device.
    pub network: Ipv4Cidr,
}

/// A change of a device; None leaves a setting as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Up or down.
    pub up: Option<bool>,
    /// The largest IP packet, bytes.
    pub mtu: Option<u32>,
    /// Frames that its queue holds.
    pub tx_queue_len: Option<u32>,
}

/// An rtnetlink socket of the caller's network namespace.
pub struct NetDev {
    fd: RawFd,
    sequence: u32,
}

impl Drop for NetDev {
    fn drop(&mut self) {
        // Nothing is left to say to the socket.
        let _ = sys::close(self.fd);
    }
}

impl NetDev {
    /// Opens the socket.
    pub fn open() -> Result<NetDev, Errno> {
        let fd = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE)?;
        Ok(NetDev { fd, sequence: 0 })
    }

    /// The device of that name.
    pub fn device(&mut self, name: &str) -> Result<Option<Device>, Errno> {
        let mut body = link_header(0, 0, 0);
        put(&mut body, IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        self.one_device(&body)
    }

    /// The device with that index.
    pub fn device_by_index(&mut self, index: u32) -> Result<Option<Device>, Errno> {
        self.one_device(&link_header(index, 0, 0))
    }

    fn one_device(&mut self, body: &[u8]) -> Result<Option<Device>, Errno> {
        let mut found = None;
        let result = self.request(RTM_GETLINK, NLM_F_ACK, body, &mut |kind, m| {
            if kind == RTM_NEWLINK {
                found = parse_device(m);
            }
        });
        match result {
            Err(e) if e.0 == libc::ENODEV => Ok(None),
            Err(e) => Err(e),
            Ok(()) => Ok(found),
        }
    }

    /// Every IPv4 address of the namespace.
    pub fn addresses(&mut self) -> Result<Vec<Address>, Errno> {
        let mut found = Vec::new();
        let body = addr_header(0, 0);
        self.request(RTM_GETADDR, NLM_F_DUMP, &body, &mut |kind, m| {
            if kind == RTM_NEWADDR {
                found.extend(parse_address(m));
            }
        })?;
        Ok(found)
    }

    /// Changes a device. Needs CAP_NET_ADMIN.
    pub fn change(&mut self, index: u32, change: Change) -> Result<(), Errno> {
        const UP: u32 = libc::IFF_UP as u32;
        let (flags, mask) = match change.up {
            None => (0, 0),
            Some(up) => (if up { UP } else { 0 }, UP),
        };
        let mut body = link_header(index, flags, mask);
        if let Some(mtu) = change.mtu {
            put(&mut body, IFLA_MTU, &mtu.to_ne_bytes());
        }
        if let Some(len) = change.tx_queue_len {
            put(&mut body, IFLA_TXQLEN, &len.to_ne_bytes());
        }
        self.request(RTM_NEWLINK, NLM_F_ACK, &body, &mut |_, _| {})
    }

    /// Frames to the device go past any queueing discipline, as those to a veth do: a TAP has a queue of its own, which drops at
    /// its end in either case. Saves the peer a queue and its lock for each frame. Needs CAP_NET_ADMIN.
    pub fn without_queueing(&mut self, index: u32) -> Result<(), Errno> {
        // struct tcmsg: family and padding, the device, a handle of the kernel's choice, the parent, nothing.
        let mut body = [0u32, index, 0, TC_H_ROOT, 0].map(u32::to_ne_bytes).concat();
        put(&mut body, TCA_KIND, b"noqueue\0");
        self.request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE_REPLACE, &body, &mut |_, _| {})
    }

    /// Removes a device. Needs CAP_NET_ADMIN.
    pub fn delete(&mut self, index: u32) -> Result<(), Errno> {
        self.request(RTM_DELLINK, NLM_F_ACK, &link_header(index, 0, 0), &mut |_, _| {})
    }

    /// Gives a device an address; EEXIST when it has it. Needs CAP_NET_ADMIN.
    pub fn add_address(&mut self, index: u32, address: Ipv4Cidr) -> Result<(), Errno> {
        let body = address_body(index, address);
        self.request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE_EXCL, &body, &mut |_, _| {})
    }

    /// Takes an address away; EADDRNOTAVAIL when it is not there. Needs CAP_NET_ADMIN.
    pub fn remove_address(&mut self, index: u32, address: Ipv4Cidr) -> Result<(), Errno> {
        self.request(RTM_DELADDR, NLM_F_ACK, &address_body(index, address), &mut |_, _| {})
    }

    /// Sends one request and reads its answers up to the end of the dump or the acknowledgement.
    fn request(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        on_message: &mut dyn FnMut(u16, &[u8]),
    ) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        let len = u32::try_from(NLMSG_HEADER + body.len()).map_err(|_| Errno(libc::EMSGSIZE))?;
        let mut message = Vec::with_capacity(NLMSG_HEADER + body.len());
        message.extend(len.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        message.extend(self.sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(body);
        retry(|| sys::write(self.fd, &message))?;
        let mut buffer = vec![0; RECEIVE];
        loop {
            let n = retry(|| sys::recv(self.fd, &mut buffer, 0))?;
            let mut rest = buffer.get(..n).unwrap_or_default();
            if rest.is_empty() {
                return Err(Errno(libc::EPROTO));
            }
            while let Some((header, payload, next)) = split_message(rest) {
                rest = next;
                if header.sequence != self.sequence {
                    continue;
                }
                match header.kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => {
                        return match payload.first_chunk().map(|b| i32::from_ne_bytes(*b)) {
                            Some(0) => Ok(()),
                            Some(e) => Err(Errno(e.wrapping_neg())),
                            None => Err(Errno(libc::EPROTO)),
                        };
                    }
                    kind => on_message(kind, payload),
                }
            }
        }
    }
}

/// Calls again while a signal interrupts.
fn retry(mut f: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match f() {
            Err(e) if e.0 == libc::EINTR => {}
            other => return other,
        }
    }
}

/// Puts an attribute behind a message: length, type, value, padding (rtnetlink(3)).
fn put(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn link_header(index: u32, flags: u32, mask: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), mask.to_ne_bytes()].concat()
}

fn addr_header(prefix: u8, index: u32) -> Vec<u8> {
    [[libc::AF_INET as u8, prefix, 0, 0], index.to_ne_bytes()].concat()
}

fn address_body(index: u32, address: Ipv4Cidr) -> Vec<u8> {
    let mut body = addr_header(address.prefix, index);
    put(&mut body, IFA_LOCAL, &address.addr.octets());
    put(&mut body, IFA_ADDRESS, &address.addr.octets());
    if let Some(broadcast) = address.broadcast() {
        put(&mut body, IFA_BROADCAST, &broadcast.octets());
    }
    body
}

struct Header {
    kind: u16,
    sequence: u32,
}

/// The first message, its payload, and what follows; None at the end or when it makes no sense.
fn split_message(bytes: &[u8]) -> Option<(Header, &[u8], &[u8])> {
    let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let header = Header { kind: u16_at(bytes, 4)?, sequence: u32_at(bytes, 8)? };
    let payload = bytes.get(NLMSG_HEADER..len)?;
    Some((header, payload, bytes.get(len.next_multiple_of(4)..).unwrap_or_default()))
}

/// Calls `f` with the type and value of each attribute.
fn attributes<'a>(mut bytes: &'a [u8], mut f: impl FnMut(u16, &'a [u8])) {
    while let (Some(len), Some(kind)) = (u16_at(bytes, 0), u16_at(bytes, 2)) {
        let len = usize::from(len);
        let Some(value) = bytes.get(4..len) else { return };
        // The upper two bits are flags (nested, byte order).
        f(kind & 0x3fff, value);
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|b| *b == 0).unwrap_or(value.len());
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

fn parse_device(message: &[u8]) -> Option<Device> {
    let mut device = Device { index: u32_at(message, 4)?, flags: u32_at(message, 8)?, ..Device::default() };
    let mut data: &[u8] = &[];
    attributes(message.get(LINK_HEADER..)?, |kind, value| match kind {
        IFLA_IFNAME => device.name = text(value),
        IFLA_MTU => device.mtu = u32_at(value, 0).unwrap_or(0),
        IFLA_TXQLEN => device.tx_queue_len = u32_at(value, 0).unwrap_or(0),
        IFLA_MASTER => device.master = u32_at(value, 0),
        IFLA_LINKINFO => attributes(value, |kind, value| match kind {
            IFLA_INFO_KIND => device.kind = Some(text(value)),
            IFLA_INFO_DATA => data = value,
            _ => {}
        }),
        _ => {}
    });
    if device.kind.as_deref() == Some("tun") && !data.is_empty() {
        let mut tun = Tun::default();
        attributes(data, |kind, value| match kind {
            IFLA_TUN_OWNER => tun.owner = u32_at(value, 0),
            IFLA_TUN_GROUP => tun.group = u32_at(value, 0),
            // IFF_TUN is 1, IFF_TAP is 2.
            IFLA_TUN_TYPE => tun.tap = value.first() == Some(&2),
            IFLA_TUN_PERSIST => tun.persistent = value.first() == Some(&1),
            _ => {}
        });
        device.tun = Some(tun);
    }
    Some(device)
}

fn parse_address(message: &[u8]) -> Option<Address> {
    let [family, prefix, ..] = *message else { return None };
    if i32::from(family) != libc::AF_INET {
        return None;
    }
    let index = u32_at(message, 4)?;
    let (mut local, mut peer) = (None, None);
    attributes(message.get(ADDR_HEADER..)?, |kind, value| {
        let address = value.first_chunk::<4>().map(|b| Ipv4Addr::from(*b));
        match kind {
            IFA_LOCAL => local = address,
            IFA_ADDRESS => peer = address,
            _ => {}
        }
    });
    let peer = peer.or(local)?;
    let local = local.unwrap_or(peer);
    Some(Address { index, local: Ipv4Cidr { addr: local, prefix }, network: Ipv4Cidr { addr: peer, prefix } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_there() {
        let mut dev = NetDev::open().unwrap();
        let lo = dev.device("lo").unwrap().unwrap();
        assert_eq!(lo.name, "lo");
        assert_ne!(lo.flags & libc::IFF_LOOPBACK as u32, 0);
        assert_eq!(dev.device_by_index(lo.index).unwrap(), Some(lo));
        assert_eq!(dev.device("matnet-no-such").unwrap(), None);
        for a in dev.addresses().unwrap() {
            assert!(a.local.prefix <= 32 && a.index > 0);
        }
    }

    #[test]
    fn nonsense_is_not_read() {
        assert!(split_message(&[0; 15]).is_none());
        assert!(split_message(&[255; 64]).is_none());
        assert!(split_message(&[0; 64]).is_none());
        let mut seen = 0;
        attributes(&[0; 64], |_, _| seen += 1);
        attributes(&[255; 64], |_, _| seen += 1);
        attributes(&[4, 0, 1, 0, 200, 0, 1, 0], |_, _| seen += 1);
        assert_eq!(seen, 1);
        assert_eq!(parse_device(&[1; 10]), None);
        assert_eq!(parse_address(&[]), None);
    }
}
