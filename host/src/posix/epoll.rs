//! epoll_ctl on a socket of ours: the kernel's own set watches a pair that mirrors the socket.
//!
//! The set is a kernel object, so level, edge, oneshot, exclusive, nesting and kernel descriptors in the same set are the
//! kernel's own doing. Registrations are recorded, because a socket that gets a new object behind its number (it moves to
//! the kernel, or needs a fresh pair) has to be registered again.

use libc::{c_int, epoll_event};

use super::Outcome;
use super::socket::with;
use crate::errno::Errno;
use crate::runtime::mirror::Registration;
use crate::runtime::{Shared, file::FileId, sys};

/// epoll_ctl(2) with `fd` ours.
pub fn epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: Option<&mut epoll_event>) -> Outcome<c_int> {
    Outcome::Done(with(fd, |shared, id| control(shared, id, epfd, op, fd, event)))
}

fn control(
    shared: &mut Shared,
    id: FileId,
    epfd: c_int,
    op: c_int,
    fd: c_int,
    event: Option<&mut epoll_event>,
) -> Result<c_int, Errno> {
    let mut none = epoll_event { events: 0, u64: 0 };
    let event = match event {
        Some(e) => e,
        None if op == libc::EPOLL_CTL_DEL => &mut none,
        None => return Err(Errno::EFAULT),
    };
    if op == libc::EPOLL_CTL_ADD && shared.file(id)?.mirror.is_none() {
        shared.materialise(id)?;
    }
    sys::epoll_ctl(epfd, op, fd, event)?;
    let registration = Registration { epfd, fd, events: event.events, data: event.u64 };
    if let Some(m) = shared.file_mut(id)?.mirror.as_mut() {
        m.unregister(Some(epfd), Some(fd));
        if op != libc::EPOLL_CTL_DEL {
            m.registrations.push(registration);
        }
    }
    Ok(0)
}
