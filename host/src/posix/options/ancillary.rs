//! Options that ask for control messages, and those of the error queue (ip(7), socket(7), tcp(7); do_ip_setsockopt,
//! sock_set_timestamp, sock_set_timestamping).
//!
//! Each is a bit of `File::ancillary`, which a receive looks at; what the bits give is in `iovec::control`. SO_TIMESTAMPING takes every
//! flag that the kernel knows and serves the software receive times; those of sending and of hardware never come, as with a device that
//! has none.

use libc::c_int;
use matnet_stack::Kind;

use super::{Answer, change, host_option, int, set_host_option};
use crate::errno::Errno;
use crate::posix::iovec::want;
use crate::runtime::Shared;
use crate::runtime::file::FileId;

const SO_TIMESTAMP_NEW: c_int = 63;
const SO_TIMESTAMPNS_NEW: c_int = 64;
const SO_TIMESTAMPING_NEW: c_int = 65;
const IP_RECVERR_RFC4884: c_int = 26;
const TCP_INQ: c_int = 36;
/// SOF_TIMESTAMPING_RX_SOFTWARE, _SOFTWARE, _OPT_ID, _OPT_CMSG, _OPT_TSONLY, _OPT_STATS and _OPT_ID_TCP (<linux/net_tstamp.h>).
const RX_SOFTWARE: i32 = 1 << 3;
const SOFTWARE: i32 = 1 << 4;
const OPT_ID: i32 = 1 << 7;
const OPT_TSONLY: i32 = 1 << 11;
const OPT_STATS: i32 = 1 << 12;
const OPT_ID_TCP: i32 = 1 << 16;
/// All that Linux 6.18 knows.
const KNOWN: i32 = (1 << 19) - 1;

/// The bit of an option that has one of its own.
fn bit(level: c_int, name: c_int) -> Option<u32> {
    Some(match (level, name) {
        (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => want::DROPS,
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => want::PKTINFO,
        (libc::IPPROTO_IP, libc::IP_RECVTTL) => want::TTL,
        (libc::IPPROTO_IP, libc::IP_RECVTOS) => want::TOS,
        (libc::IPPROTO_IP, libc::IP_RECVOPTS) => want::OPTIONS,
        (libc::IPPROTO_IP, libc::IP_RETOPTS) => want::RETURN_OPTIONS,
        (libc::IPPROTO_IP, libc::IP_RECVORIGDSTADDR) => want::DESTINATION,
        (libc::IPPROTO_IP, libc::IP_CHECKSUM) => want::CHECKSUM,
        (libc::IPPROTO_IP, libc::IP_RECVFRAGSIZE) => want::FRAGMENT,
        (libc::IPPROTO_IP, IP_RECVERR_RFC4884) => want::EXTENSIONS,
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) => want::PKTINFO6,
        (libc::IPPROTO_TCP, TCP_INQ) => want::QUEUED,
        _ => return None,
    })
}

/// The bits that SO_TIMESTAMP and its kin stand for.
fn stamp(name: c_int) -> Option<u32> {
    Some(match name {
        libc::SO_TIMESTAMP => want::TIME,
        libc::SO_TIMESTAMPNS => want::TIME | want::NANOS,
        SO_TIMESTAMP_NEW => want::TIME | want::NEW,
        SO_TIMESTAMPNS_NEW => want::TIME | want::NANOS | want::NEW,
        _ => return None,
    })
}

/// Reads one; None: it is not of these.
pub(super) fn get(shared: &Shared, id: FileId, level: c_int, name: c_int) -> Result<Option<Answer>, Errno> {
    let f = shared.file(id)?;
    let now = f.ancillary;
    if let Some(bit) = bit(level, name) {
        return Ok(Some(Answer::flag(now & bit != 0)));
    }
    if level == libc::IPPROTO_IP && name == libc::IP_RECVERR && f.socket.kind == Kind::Tcp {
        return Ok(Some(Answer::flag(shared.stack.tcp_options(f.socket)?.recverr)));
    }
    if level != libc::SOL_SOCKET {
        return Ok(None);
    }
    if let Some(bits) = stamp(name) {
        let all = want::TIME | want::NANOS | want::NEW;
        // The first form of microseconds is what neither of the others is.
        let on = if name == SO_TIMESTAMP_NEW {
            now & want::TIME != 0 && now & want::NEW != 0
        } else {
            now & all == bits
        };
        return Ok(Some(Answer::flag(on)));
    }
    if name == libc::SO_TIMESTAMPING || name == SO_TIMESTAMPING_NEW {
        // struct so_timestamping: the flags, and a clock of the hardware.
        let visible = name == libc::SO_TIMESTAMPING || now & want::NEW != 0;
        let flags = host_option(f, level, libc::SO_TIMESTAMPING).filter(|_| visible).unwrap_or(0);
        let mut bytes = [0; 8];
        super::copy(&mut bytes, &flags.to_ne_bytes());
        return Ok(Some(Answer::new(&bytes)));
    }
    Ok(None)
}

/// Changes one; None: it is not of these.
pub(super) fn set(
    shared: &mut Shared,
    id: FileId,
    level: c_int,
    name: c_int,
    value: &[u8],
) -> Result<Option<()>, Errno> {
    let kind = shared.file(id)?.socket.kind;
    let number = if level == libc::IPPROTO_IP { super::ip::number(value) } else { int(value).unwrap_or(0) };
    if let Some(bit) = bit(level, name) {
        if level != libc::IPPROTO_IP {
            int(value)?;
        }
        match name {
            IP_RECVERR_RFC4884 if level == libc::IPPROTO_IP && !(0..=1).contains(&number) => {
                return Err(Errno::EINVAL);
            }
            TCP_INQ if level == libc::IPPROTO_TCP && !(0..=1).contains(&number) => return Err(Errno::EINVAL),
            libc::IP_RECVFRAGSIZE if level == libc::IPPROTO_IP && kind == Kind::Tcp => {
                return Err(Errno::EINVAL);
            }
            _ => {}
        }
        let f = shared.file_mut(id)?;
        f.ancillary = if number != 0 { f.ancillary | bit } else { f.ancillary & !bit };
        return Ok(Some(()));
    }
    if (level, name) == (libc::IPPROTO_IP, libc::IP_RECVERR) {
        change(shared, id, |o| o.recverr = number != 0, |o| o.recverr = number != 0)?;
        return Ok(Some(()));
    }
    if level != libc::SOL_SOCKET {
        return Ok(None);
    }
    if let Some(bits) = stamp(name) {
        let on = int(value)? != 0;
        let f = shared.file_mut(id)?;
        f.ancillary &= !(want::TIME | want::NANOS);
        if on {
            f.ancillary = f.ancillary & !want::NEW | bits;
        }
        return Ok(Some(()));
    }
    if name == libc::SO_TIMESTAMPING || name == SO_TIMESTAMPING_NEW {
        let flags = int(value)?;
        set_timestamping(shared, id, kind, name, flags)?;
        return Ok(Some(()));
    }
    Ok(None)
}

/// sock_set_timestamping
fn set_timestamping(
    shared: &mut Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    flags: i32,
) -> Result<(), Errno> {
    let without = |flag: i32, needs: i32| flags & flag != 0 && flags & needs == 0;
    if flags & !KNOWN != 0 || without(OPT_ID_TCP, OPT_ID) || without(OPT_STATS, OPT_TSONLY) {
        return Err(Errno::EINVAL);
    }
    let f = shared.file_mut(id)?;
    let before = host_option(f, libc::SOL_SOCKET, libc::SO_TIMESTAMPING).unwrap_or(0);
    if kind == Kind::Tcp && flags & OPT_ID != 0 && before & OPT_ID == 0 {
        let socket = f.socket;
        let state = shared.stack.tcp_state(socket);
        if matches!(state, matnet_stack::TcpState::Closed | matnet_stack::TcpState::Listen) {
            return Err(Errno::EINVAL);
        }
    }
    let f = shared.file_mut(id)?;
    set_host_option(f, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags);
    let both = RX_SOFTWARE | SOFTWARE;
    f.ancillary &= !(want::STAMPS | want::NEW);
    if flags & both == both {
        f.ancillary |= want::STAMPS;
    }
    if name == SO_TIMESTAMPING_NEW {
        f.ancillary |= want::NEW;
    }
    Ok(())
}
