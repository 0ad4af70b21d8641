//! The order of several addresses (RFC 6724 section 6), as far as it can matter on this host: one IPv4 address, no IPv6.
//!
//! Rule 1 puts what cannot be reached last: IPv6, and IPv4 without a route. Of the rest, precedence puts ::1 first, scope
//! loopback before link-local before global (rules 2, 6 and 8), and rule 9, which for IPv4 libc applies within our own network only, prefers
//! the longest common prefix with our address. The sort keeps the server's order otherwise. Limit: gai.conf(5) is not read.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

use matnet_stack::Ipv4Cidr;

/// What orders a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    unreachable: bool,
    scope_differs: bool,
    scope: u8,
    prefix: Reverse<u32>,
}

/// Sorts destinations; `own` is our address, `routed` says whether there is a default route.
pub fn sort(addrs: &mut [IpAddr], own: Ipv4Cidr, routed: bool) {
    addrs.sort_by_key(|addr| key(*addr, own, routed));
}

fn key(addr: IpAddr, own: Ipv4Cidr, routed: bool) -> Key {
    let IpAddr::V4(v4) = addr.to_canonical() else {
        // The kernel's loopback has an IPv6 address where nothing else has.
        return Key { unreachable: true, scope_differs: true, scope: 0, prefix: Reverse(0) };
    };
    let scope = scope(v4);
    let source = if v4.is_loopback() { v4 } else { own.addr };
    let near = own.contains(v4) && !v4.is_loopback();
    Key {
        unreachable: !(v4.is_loopback() || near || routed),
        scope_differs: scope != self::scope(source),
        scope,
        prefix: Reverse(if near { (u32::from(v4) ^ u32::from(own.addr)).leading_zeros() } else { 0 }),
    }
}

/// RFC 6724 section 3.2: loopback and link-local are of the link, private addresses are global.
fn scope(addr: Ipv4Addr) -> u8 {
    if addr.is_loopback() || addr.is_link_local() { 2 } else { 14 }
}
