//! Names resolved through the program's own network (MATNET_DNS).
//!
//! libc's resolver cannot be hooked, its socket calls stay inside libc. So the functions that ask name servers are served here as a
//! whole: [`lookup`] decides what to ask, [`transport`] asks, [`message`] reads, [`files`] and [`conf`] know the files in /etc, and
//! [`order`] sorts; [`raw`] is for who reads messages himself. What needs no server stays libc's: numeric addresses, services, the building of addrinfo, freeing. Nothing here is
//! kept between calls, so threads and forks need no care; everything is read anew for each lookup, as a changed file must count.
//!
//! Without MATNET_DNS nothing here runs.

pub mod conf;
mod files;
pub mod lookup;
pub mod message;
pub mod order;
pub mod raw;
#[cfg(test)]
mod tests;
pub mod transport;

use std::net::IpAddr;

use crate::runtime;

pub use lookup::{Fail, Family, by_addr, by_name};
pub use message::Addresses;

/// True when names are to be resolved here: the program's calls are served, and MATNET_DNS is set.
pub fn are_ours() -> bool {
    runtime::hooks_enabled() && runtime::settings().dns.is_some()
}

/// Sorts the addresses of a host for one who will connect to them.
pub fn sort(addrs: &mut [IpAddr]) {
    let settings = runtime::settings();
    order::sort(addrs, settings.addr, settings.resolved_gateway().is_some());
}

/// True when connections to `addr` go to the kernel.
pub fn are_the_kernels(addr: IpAddr) -> bool {
    runtime::settings().bypasses(addr, 0, matnet_stack::Kind::Tcp.into())
}

/// This host's name, as uname(2) has it.
pub fn own_name() -> String {
    files::host_name()
}
