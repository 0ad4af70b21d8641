//! Sending and receiving datagrams (UDP and ping sockets): whole or not at all (udp(7)).

use libc::c_int;
use matnet_stack::Readiness;

use super::addr::{self, Parsed, SockAddr};
use super::socket::with;
use super::{Outcome, Received, bypass};
use crate::errno::Errno;
use crate::runtime::sys;
use crate::runtime::wait::{Blocking, block_on};

/// Sends one datagram.
pub(super) fn send(fd: c_int, bufs: &[&[u8]], flags: c_int, to: Option<&[u8]>) -> Outcome<usize> {
    if flags & libc::MSG_OOB != 0 {
        return Outcome::fail(Errno::EOPNOTSUPP);
    }
    let dest = match to {
        None => None,
        Some(bytes) => {
            let resolved = with(fd, |shared, id| {
                let file = shared.file(id)?;
                let parsed = addr::parse(file.domain, bytes)?;
                if parsed == Parsed::Unspec && file.domain == libc::AF_INET6 {
                    return Ok(None);
                }
                let dest = match parsed {
                    // AF_UNSPEC is taken as AF_INET (net/ipv4/udp.c).
                    Parsed::Unspec => {
                        let mut copy = bytes.to_vec();
                        if let Some(family) = copy.first_chunk_mut::<2>() {
                            *family = (libc::AF_INET as u16).to_ne_bytes();
                        }
                        bypass::destination(addr::parse(libc::AF_INET, &copy)?)
                    }
                    other => bypass::destination(other),
                };
                if dest.port() == 0 && file.socket.kind == matnet_stack::Kind::Udp {
                    return Err(Errno::EINVAL);
                }
                if bypass::is_kernel(dest) {
                    bypass::to_kernel(shared, id)?;
                    return Ok(Some(None));
                }
                if dest.is_ipv6() { Err(Errno::ENETUNREACH) } else { Ok(Some(Some(dest))) }
            });
            match resolved {
                Err(e) => return Outcome::fail(e),
                Ok(None) => None,
                Ok(Some(None)) => return Outcome::Kernel,
                Ok(Some(Some(dest))) => Some(dest),
            }
        }
    };
    Outcome::Done(block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
            Ok(Blocking { interest: Readiness::OUT, nonblock, timeout: f.sndtimeo })
        },
        |shared, id| {
            let socket = shared.file(id)?.socket;
            Ok(shared.stack.send_to(sys::now(), socket, dest, bufs)?)
        },
    ))
}

/// Receives one datagram; what does not fit is lost and MSG_TRUNC says so.
pub(super) fn recv(fd: c_int, bufs: &mut [&mut [u8]], flags: c_int) -> Result<Received, Errno> {
    if flags & libc::MSG_ERRQUEUE != 0 {
        return Err(Errno::EAGAIN);
    }
    let peek = flags & libc::MSG_PEEK != 0;
    let room: usize = bufs.iter().map(|b| b.len()).sum();
    let mut domain = libc::AF_INET;
    let meta = block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
            Ok(Blocking { interest: Readiness::IN | Readiness::RDHUP, nonblock, timeout: f.rcvtimeo })
        },
        |shared, id| {
            let f = shared.file(id)?;
            domain = f.domain;
            let (socket, nonblock) = (f.socket, f.nonblock || flags & libc::MSG_DONTWAIT != 0);
            let shut = shared.stack.readiness(socket).contains(Readiness::RDHUP);
            if shut && !nonblock && shared.stack.next_datagram_len(socket).is_none() {
                // A shut socket ends the wait with nothing (net/core/datagram.c); without a wait it is EAGAIN.
                return Ok(None);
            }
            if let [one] = bufs {
                return Ok(Some(shared.stack.recv_from(socket, one, peek)?));
            }
            let size = shared.stack.next_datagram_len(socket).unwrap_or(0).min(room);
            let mut whole = vec![0u8; size];
            let meta = shared.stack.recv_from(socket, &mut whole, peek)?;
            let mut rest = whole.get(..meta.len.min(size)).unwrap_or(&[]);
            for buf in bufs.iter_mut() {
                let n = rest.len().min(buf.len());
                let (now, later) = rest.split_at(n);
                if let Some(to) = buf.get_mut(..n) {
                    to.copy_from_slice(now);
                }
                rest = later;
            }
            Ok(Some(meta))
        },
    )?;
    let Some(meta) = meta else { return Ok(Received::default()) };
    let cut = meta.len > room;
    Ok(Received {
        len: if flags & libc::MSG_TRUNC != 0 { meta.len } else { meta.len.min(room) },
        flags: if cut { libc::MSG_TRUNC } else { 0 },
        from: Some(SockAddr::encode(domain, meta.from)),
    })
}
