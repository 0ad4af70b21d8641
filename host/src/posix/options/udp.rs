//! Options of level IPPROTO_UDP (udp(7); rules from udp_lib_setsockopt in net/ipv4/udp.c).

use libc::c_int;

use super::{Answer, change, get_listed, look, set_listed};
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::{Shared, sys};

/// Reads one.
pub(super) fn get(shared: &Shared, id: FileId, name: c_int) -> Result<Answer, Errno> {
    match name {
        libc::UDP_SEGMENT => Ok(Answer::int(look(shared, id, |_| 0, |o| o.segment)?.into())),
        libc::UDP_CORK => Ok(Answer::flag(look(shared, id, |_| false, |o| o.cork)?)),
        libc::UDP_GRO => Ok(Answer::flag(look(shared, id, |_| false, |o| o.gro)?)),
        _ => get_listed(shared, id, libc::IPPROTO_UDP, name),
    }
}

/// Changes one.
pub(super) fn set(shared: &mut Shared, id: FileId, name: c_int, value: i32) -> Result<(), Errno> {
    match name {
        libc::UDP_SEGMENT => {
            let segment = u16::try_from(value).map_err(|_| Errno::EINVAL)?;
            change(shared, id, |_| (), |o| o.segment = segment)
        }
        libc::UDP_CORK => {
            change(shared, id, |_| (), |o| o.cork = value != 0)?;
            if value == 0 {
                let socket = shared.file(id)?.socket;
                shared.stack.uncork(sys::now(), socket);
            }
            Ok(())
        }
        libc::UDP_GRO => change(shared, id, |_| (), |o| o.gro = value != 0),
        _ => set_listed(shared, id, libc::IPPROTO_UDP, name, value),
    }
}
