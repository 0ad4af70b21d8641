//! sockaddr bytes and back.
//!
//! An AF_INET6 socket of ours speaks IPv4 only: v4-mapped addresses are IPv4 (RFC 4291 section 2.5.5.2), `::` is the wildcard,
//! and a true IPv6 address is reported as such so that the caller can refuse it as a host without IPv6 does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use libc::c_int;

use crate::errno::Errno;

/// sizeof(struct sockaddr_in)
const LEN_V4: usize = 16;
/// sizeof(struct sockaddr_in6)
const LEN_V6: usize = 28;
/// The kernel takes sockaddr_in6 without scope id too (SIN6_LEN_RFC2133).
const LEN_V6_MIN: usize = 24;

/// A sockaddr as the kernel would return it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockAddr {
    /// Room for a sockaddr_in6.
    pub bytes: [u8; LEN_V6],
    /// Bytes in use.
    pub len: u8,
}

impl SockAddr {
    /// The bytes in use.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// `addr` in the family of the socket.
    pub fn encode(domain: c_int, addr: SocketAddr) -> SockAddr {
        let mut bytes = [0u8; LEN_V6];
        let [p0, p1] = addr.port().to_be_bytes();
        (bytes[2], bytes[3]) = (p0, p1);
        let [f0, f1] = (domain as u16).to_ne_bytes();
        (bytes[0], bytes[1]) = (f0, f1);
        if domain == libc::AF_INET6 {
            let ip = match addr.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv6Addr::UNSPECIFIED,
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            for (to, from) in bytes.iter_mut().skip(8).zip(ip.octets()) {
                *to = from;
            }
            if let SocketAddr::V6(a) = addr {
                for (to, from) in bytes.iter_mut().skip(24).zip(a.scope_id().to_ne_bytes()) {
                    *to = from;
                }
            }
            SockAddr { bytes, len: LEN_V6 as u8 }
        } else {
            if let IpAddr::V4(ip) = addr.ip() {
                for (to, from) in bytes.iter_mut().skip(4).zip(ip.octets()) {
                    *to = from;
                }
            }
            SockAddr { bytes, len: LEN_V4 as u8 }
        }
    }
}

/// What a sockaddr from the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// AF_UNSPEC: dissolve the association (connect(2)).
    Unspec,
    /// IPv4, or v4-mapped, or the IPv6 wildcard.
    V4(SocketAddrV4),
    /// A true IPv6 address.
    V6(SocketAddrV6),
}

/// Reads the sockaddr of a socket of family `domain`; EINVAL when short, EAFNOSUPPORT for another family.
pub fn parse(domain: c_int, bytes: &[u8]) -> Result<Parsed, Errno> {
    let family =
        bytes.first_chunk::<2>().map(|f| c_int::from(u16::from_ne_bytes(*f))).ok_or(Errno::EINVAL)?;
    if family == libc::AF_UNSPEC {
        return Ok(Parsed::Unspec);
    }
    let [_, _, p0, p1, rest @ ..] = bytes else { return Err(Errno::EINVAL) };
    let port = u16::from_be_bytes([*p0, *p1]);
    match family {
        libc::AF_INET => {
            if bytes.len() < LEN_V4 {
                return Err(Errno::EINVAL);
            }
            let [a, b, c, d, ..] = rest else { return Err(Errno::EINVAL) };
            Ok(Parsed::V4(SocketAddrV4::new(Ipv4Addr::new(*a, *b, *c, *d), port)))
        }
        libc::AF_INET6 if domain == libc::AF_INET6 => {
            if bytes.len() < LEN_V6_MIN {
                return Err(Errno::EINVAL);
            }
            let octets: [u8; 16] = rest.get(4..20).and_then(|s| s.try_into().ok()).ok_or(Errno::EINVAL)?;
            let ip = Ipv6Addr::from(octets);
            let scope = rest.get(20..24).and_then(|s| s.try_into().ok()).map_or(0, u32::from_ne_bytes);
            Ok(match ip.to_ipv4_mapped() {
                Some(v4) => Parsed::V4(SocketAddrV4::new(v4, port)),
                None if ip.is_unspecified() => Parsed::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)),
                None => Parsed::V6(SocketAddrV6::new(ip, port, 0, scope)),
            })
        }
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// True for a v4-mapped address, the wildcard's mapped form included.
pub fn is_mapped(domain: c_int, bytes: &[u8]) -> bool {
    let prefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    domain == libc::AF_INET6 && bytes.get(8..20) == Some(&prefix)
}

/// A group of one link or one interface (RFC 4291 section 2.7).
pub fn is_local_group(ip: &Ipv6Addr) -> bool {
    ip.is_multicast() && matches!(ip.octets(), [_, flags, ..] if matches!(flags & 0xf, 1 | 2))
}

/// What connect(2) of an IPv6 stream checks first: EINVAL when short, EAFNOSUPPORT for another family.
pub fn is_v6(bytes: &[u8]) -> Result<(), Errno> {
    if bytes.len() < LEN_V6_MIN {
        return Err(Errno::EINVAL);
    }
    let family = bytes.first_chunk::<2>().map(|f| c_int::from(u16::from_ne_bytes(*f)));
    if family == Some(libc::AF_INET6) { Ok(()) } else { Err(Errno::EAFNOSUPPORT) }
}

/// The address of a bind: AF_UNSPEC with the wildcard is AF_INET for history's sake (net/ipv4/af_inet.c).
pub fn parse_bind(domain: c_int, bytes: &[u8]) -> Result<Parsed, Errno> {
    let need = if domain == libc::AF_INET6 { LEN_V6_MIN } else { LEN_V4 };
    if bytes.len() < need {
        return Err(Errno::EINVAL);
    }
    let family = bytes.first_chunk::<2>().map(|f| c_int::from(u16::from_ne_bytes(*f)));
    if domain == libc::AF_INET6 && family != Some(libc::AF_INET6) {
        return Err(Errno::EAFNOSUPPORT);
    }
    match parse(domain, bytes)? {
        Parsed::Unspec if domain == libc::AF_INET && bytes.get(4..8) == Some(&[0; 4]) => {
            let port = bytes.get(2..4).and_then(|p| p.try_into().ok()).map_or(0, u16::from_be_bytes);
            Ok(Parsed::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port)))
        }
        Parsed::Unspec => Err(Errno::EAFNOSUPPORT),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_it_parses() {
        let v4: SocketAddr = "10.1.2.3:80".parse().unwrap();
        for domain in [libc::AF_INET, libc::AF_INET6] {
            let s = SockAddr::encode(domain, v4);
            assert_eq!(parse(domain, s.as_bytes()), Ok(Parsed::V4("10.1.2.3:80".parse().unwrap())));
        }
        let any = SockAddr::encode(libc::AF_INET6, "0.0.0.0:9".parse().unwrap());
        assert_eq!(&any.as_bytes()[8..24], &[0; 16]);
    }

    #[test]
    fn a_scope_stays_with_its_address() {
        let local = SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 7);
        let s = SockAddr::encode(libc::AF_INET6, local.into());
        assert_eq!(parse(libc::AF_INET6, s.as_bytes()), Ok(Parsed::V6(local)));
        // Without the scope's bytes (RFC 2133) there is none.
        let short = parse(libc::AF_INET6, &s.as_bytes()[..24]);
        assert_eq!(short, Ok(Parsed::V6(SocketAddrV6::new(*local.ip(), 53, 0, 0))));
    }

    #[test]
    fn groups_and_mapped_addresses_are_told_apart() {
        for (ip, local) in
            [("ff02::1", true), ("ff01::1", true), ("ff12::1", true), ("ff0e::1", false), ("fe80::1", false)]
        {
            assert_eq!(is_local_group(&ip.parse().unwrap()), local, "{ip}");
        }
        let mapped = SockAddr::encode(libc::AF_INET6, "10.1.2.3:80".parse().unwrap());
        let any = SockAddr::encode(libc::AF_INET6, "[::]:80".parse().unwrap());
        assert!(is_mapped(libc::AF_INET6, mapped.as_bytes()) && !is_mapped(libc::AF_INET, mapped.as_bytes()));
        assert!(!is_mapped(libc::AF_INET6, any.as_bytes()));
    }

    #[test]
    fn refuses_what_the_kernel_refuses() {
        assert_eq!(parse(libc::AF_INET, &[2, 0, 0, 80, 1, 2, 3]), Err(Errno::EINVAL));
        let v6 = SockAddr::encode(libc::AF_INET6, "[2001:db8::1]:80".parse().unwrap());
        assert_eq!(parse(libc::AF_INET, v6.as_bytes()), Err(Errno::EAFNOSUPPORT));
        assert!(matches!(parse(libc::AF_INET6, v6.as_bytes()), Ok(Parsed::V6(_))));
    }
}
