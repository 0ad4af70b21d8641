//! getifaddrs(3), if_nametoindex(3), if_indextoname(3), if_nameindex(3): glibc asks the kernel by sockets of its own, but the
//! program's interfaces are those of its own host (`matnet_host::posix::interfaces`).
//!
//! What is returned is built as glibc builds it, so that its freeifaddrs (one block) and if_freenameindex (a block and a string each) fit.

use std::ffi::CString;

use libc::{c_char, c_int, c_uint, c_void, ifaddrs, sockaddr_in, sockaddr_ll};
use matnet_host::Errno;
use matnet_host::posix::interfaces::{self, Interface};
use matnet_host::runtime;

use super::addrinfo::network_order;
use super::text;
use crate::preload::contain::contained;
use crate::preload::table::real;

/// struct if_nameindex (<net/if.h>)
#[repr(C)]
pub(in crate::preload) struct NameIndex {
    index: c_uint,
    name: *mut c_char,
}

/// The interfaces, if the call is ours; an error of theirs is errno already.
fn known() -> Option<Result<Vec<Interface>, Errno>> {
    if !contained(runtime::hooks_enabled).unwrap_or(false) {
        return None;
    }
    let before = Errno::last();
    let found = contained(interfaces::known).unwrap_or(Err(Errno::EIO));
    before.set();
    Some(found)
}

/// if_nametoindex(3)
pub(in crate::preload) unsafe fn if_nametoindex(name: *const c_char) -> c_uint {
    let Some(found) = known() else {
        // SAFETY: the caller's own argument.
        return unsafe { real::if_nametoindex(name) };
    };
    // SAFETY: as above.
    let wanted = unsafe { text(name) };
    let index = found.map(|list| list.into_iter().find(|i| Some(i.name.as_str()) == wanted).map(|i| i.index));
    match index {
        Ok(Some(index)) => index,
        Ok(None) => {
            Errno::ENODEV.set();
            0
        }
        Err(e) => {
            e.set();
            0
        }
    }
}

/// if_indextoname(3)
pub(in crate::preload) unsafe fn if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char {
    let Some(found) = known() else {
        // SAFETY: the caller's own arguments.
        return unsafe { real::if_indextoname(index, name) };
    };
    match found.map(|list| list.into_iter().find(|i| i.index == index)) {
        Ok(Some(interface)) => {
            let bytes = interface.name.as_bytes();
            let n = bytes.len().min(libc::IFNAMSIZ - 1);
            // SAFETY: the caller's room has IFNAMSIZ bytes.
            unsafe {
                name.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), n);
                name.add(n).write(0);
            }
            name
        }
        Ok(None) => {
            Errno::ENXIO.set();
            std::ptr::null_mut()
        }
        Err(e) => {
            e.set();
            std::ptr::null_mut()
        }
    }
}

/// if_nameindex(3)
pub(in crate::preload) unsafe fn if_nameindex() -> *mut NameIndex {
    let list = match known() {
        // SAFETY: no arguments.
        None => return unsafe { real::if_nameindex() },
        Some(Ok(list)) => list,
        Some(Err(e)) => {
            e.set();
            return std::ptr::null_mut();
        }
    };
    // SAFETY: the program's own malloc; one entry more than there are interfaces, all zero, ends the array.
    unsafe {
        let array = libc::calloc(list.len() + 1, size_of::<NameIndex>()).cast::<NameIndex>();
        if array.is_null() {
            Errno::ENOBUFS.set();
            return array;
        }
        for (i, interface) in list.iter().enumerate() {
            let name = CString::new(interface.name.as_str()).unwrap_or_default();
            array.add(i).write(NameIndex { index: interface.index, name: libc::strdup(name.as_ptr()) });
        }
        array
    }
}

/// Room for either kind of address.
#[repr(C)]
#[derive(Clone, Copy)]
union Address {
    inet: sockaddr_in,
    link: sockaddr_ll,
}

/// struct rtnl_link_stats (<linux/if_link.h>), which ifa_data of a link shows: all zero.
const STATISTICS: usize = 24 * 4;

/// One entry, its name and its addresses.
#[repr(C)]
struct Entry {
    ifa: ifaddrs,
    addr: Address,
    netmask: Address,
    broadcast: Address,
    statistics: [u8; STATISTICS],
    name: [c_char; libc::IFNAMSIZ],
}

/// getifaddrs(3): the links first, then the addresses, as glibc has them.
pub(in crate::preload) unsafe fn getifaddrs(out: *mut *mut ifaddrs) -> c_int {
    let list = match known() {
        // SAFETY: the caller's own argument.
        None => return unsafe { real::getifaddrs(out) },
        Some(Ok(list)) => list,
        Some(Err(e)) => return crate::preload::fail(e) as c_int,
    };
    let count = list.len() * 2;
    // SAFETY: the program's own malloc, cleared; all zero is valid for every field.
    let block = unsafe { libc::calloc(count.max(1), size_of::<Entry>()) }.cast::<Entry>();
    if block.is_null() {
        return crate::preload::fail(Errno::ENOMEM) as c_int;
    }
    let rows = list.iter().map(|i| (i, true)).chain(list.iter().map(|i| (i, false)));
    for (at, (interface, link)) in rows.enumerate() {
        // SAFETY: within the block, which nobody else knows yet.
        unsafe {
            let entry = &mut *block.add(at);
            describe(entry, interface, link);
            if at + 1 < count {
                entry.ifa.ifa_next = (&raw mut (*block.add(at + 1)).ifa).cast();
            }
        }
    }
    // SAFETY: the caller vouches for it; ifa is the first field of the first entry, so free() takes the block.
    unsafe { out.write(block.cast()) };
    0
}

/// Fills one entry: the link (AF_PACKET) or its address (AF_INET).
fn describe(entry: &mut Entry, interface: &Interface, link: bool) {
    let name = interface.name.bytes().take(libc::IFNAMSIZ - 1);
    entry.name.iter_mut().zip(name).for_each(|(to, from)| *to = from as c_char);
    entry.ifa.ifa_name = entry.name.as_mut_ptr();
    entry.ifa.ifa_flags = interface.flags;
    entry.ifa.ifa_addr = (&raw mut entry.addr).cast();
    if link {
        entry.addr.link = hardware(interface, interface.mac);
        entry.broadcast.link = hardware(interface, interface.mac_broadcast);
        entry.ifa.ifa_ifu = (&raw mut entry.broadcast).cast();
        entry.ifa.ifa_data = (&raw mut entry.statistics).cast::<c_void>();
        return;
    }
    entry.addr.inet = inet(interface.addr);
    entry.netmask.inet = inet(interface.netmask());
    entry.ifa.ifa_netmask = (&raw mut entry.netmask).cast();
    if let Some(broadcast) = interface.broadcast {
        entry.broadcast.inet = inet(broadcast);
        entry.ifa.ifa_ifu = (&raw mut entry.broadcast).cast();
    } else if interface.flags & libc::IFF_LOOPBACK as u32 != 0 {
        // IFA_ADDRESS stands for the far end there, and glibc passes it on.
        entry.broadcast.inet = inet(interface.addr);
        entry.ifa.ifa_ifu = (&raw mut entry.broadcast).cast();
    }
}

fn inet(addr: std::net::Ipv4Addr) -> sockaddr_in {
    sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: network_order(addr) },
        sin_zero: [0; 8],
    }
}

fn hardware(interface: &Interface, mac: [u8; 6]) -> sockaddr_ll {
    let [a, b, c, d, e, f] = mac;
    sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: c_int::try_from(interface.index).unwrap_or(0),
        sll_hatype: interface.hardware,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [a, b, c, d, e, f, 0, 0],
    }
}
