//! Every option that is known, one row each: what it does here, which values it takes, and how far that differs from Linux.
//!
//! docs/socket-options.md is made of these rows (`matnet docs sockopts`). [`Effect`] says what an option is worth, [`How`]
//! who answers for it: code beside this file, or the row itself. An option without a row is ENOPROTOOPT, as on a kernel
//! that never heard of it. Ranges and errors are those of Linux 6.18, seen by asking it (net/core/sock.c, net/ipv4/ip_sockglue.c,
//! net/ipv4/tcp.c, net/ipv4/udp.c, net/ipv6/ipv6_sockglue.c).
//!
//! Multicast options have their rows in `multicast.rs`.

use std::sync::atomic::{AtomicU64, Ordering};

use libc::c_int;
use matnet_stack::Kind;

use super::rows::ROWS;
use crate::errno::Errno;
use crate::runtime::sys;

/// The levels that have rows, with their manual pages.
pub const LEVELS: &[(c_int, &str)] = &[
    (libc::SOL_SOCKET, "SOL_SOCKET (socket(7))"),
    (libc::IPPROTO_IP, "IPPROTO_IP (ip(7))"),
    (libc::IPPROTO_TCP, "IPPROTO_TCP (tcp(7))"),
    (libc::IPPROTO_UDP, "IPPROTO_UDP (udp(7))"),
    (libc::IPPROTO_IPV6, "IPPROTO_IPV6 (ipv6(7)), on AF_INET6 sockets"),
    (libc::SOL_RAW, "SOL_RAW (raw(7))"),
];

/// Which sockets a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Streams and datagrams.
    Any,
    /// TCP.
    Stream,
    /// UDP, and ping sockets where they have the level.
    Datagram,
}

/// What an option is worth here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Does what the manual page says.
    Honoured,
    /// Accepted and given back, without effect; the row says why that is no loss, or what is lost.
    Held,
    /// Refused.
    Refused,
}

impl Effect {
    /// The word in documentation and statistics.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Honoured => "honoured",
            Effect::Held => "held",
            Effect::Refused => "refused",
        }
    }
}

/// What values an option takes, and what is given back.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Any int; what is not 0 is 1.
    Flag,
    /// Any int as it is.
    Any,
    /// Any int, and 0 is read back.
    Zero,
    /// EINVAL outside.
    Range(i32, i32),
    /// SO_RCVLOWAT: 0 is 1, and what is negative is the most.
    LowWater,
}

impl Form {
    /// The value as it will be given back.
    pub(super) fn check(self, value: i32) -> Result<i32, Errno> {
        match self {
            Form::Flag => Ok(i32::from(value != 0)),
            Form::Any => Ok(value),
            Form::Zero => Ok(0),
            Form::Range(least, most) if (least..=most).contains(&value) => Ok(value),
            Form::Range(..) => Err(Errno::EINVAL),
            Form::LowWater if value < 0 => Ok(i32::MAX),
            Form::LowWater => Ok(value.max(1)),
        }
    }

    /// In words.
    pub fn describe(self) -> String {
        match self {
            Form::Flag => "flag".into(),
            Form::Any | Form::Zero => "any int".into(),
            Form::Range(i32::MIN, i32::MAX) => "any int".into(),
            Form::Range(least, i32::MAX) => format!("{least} and more"),
            Form::Range(least, most) => format!("{least} to {most}"),
            Form::LowWater => "bytes".into(),
        }
    }
}

/// Which capability a change asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None.
    Nothing,
    /// CAP_NET_ADMIN for values other than 0, else this errno.
    Admin(Errno),
    /// CAP_NET_ADMIN or CAP_NET_RAW, else EPERM.
    AdminOrRaw,
}

/// CAP_NET_ADMIN and CAP_NET_RAW (<linux/capability.h>).
const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;

impl Needs {
    /// Checks it for a value.
    pub(super) fn check(self, value: i32) -> Result<(), Errno> {
        match self {
            Needs::Nothing => Ok(()),
            Needs::Admin(e) => {
                if value == 0 || sys::capable(NET_ADMIN) {
                    Ok(())
                } else {
                    Err(e)
                }
            }
            Needs::AdminOrRaw => may_mark(),
        }
    }
}

/// EPERM without CAP_NET_ADMIN and CAP_NET_RAW.
pub(in crate::posix) fn may_mark() -> Result<(), Errno> {
    if sys::capable(NET_ADMIN) || sys::capable(NET_RAW) { Ok(()) } else { Err(Errno::EPERM) }
}

/// EPERM without CAP_NET_ADMIN.
pub(super) fn may_admin() -> Result<(), Errno> {
    if sys::capable(NET_ADMIN) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Who answers for an option.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// Code; the words say which values it takes.
    Code(&'static str),
    /// Kept and given back.
    Keep {
        /// What a fresh socket reports.
        default: i32,
        /// What may be set.
        form: Form,
        /// Who may.
        needs: Needs,
    },
    /// Taken; reading is ENOPROTOOPT.
    Take(Form, Needs),
    /// It has one value; setting another is the error.
    Only(i32, Errno),
    /// It reads as this value, and setting any is the error.
    Refuse(i32, Errno),
    /// To read only: setting is ENOPROTOOPT.
    Constant(i32),
    /// Reading and setting are errors.
    Never {
        /// getsockopt's
        get: Errno,
        /// setsockopt's
        set: Errno,
    },
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Such as SOL_SOCKET.
    pub level: c_int,
    /// The number.
    pub name: c_int,
    /// The name in the headers.
    pub id: &'static str,
    /// Which sockets have it.
    pub on: On,
    /// What it is worth.
    pub effect: Effect,
    /// Who answers.
    pub how: How,
    /// What it does here, or why it does nothing, and known differences.
    pub note: &'static str,
}

impl Row {
    /// Which values it takes, in words.
    pub fn values(&self) -> String {
        let needs = |needs| match needs {
            Needs::Nothing => "",
            Needs::Admin(_) => ", other than 0 with CAP_NET_ADMIN",
            Needs::AdminOrRaw => ", with CAP_NET_ADMIN or CAP_NET_RAW",
        };
        match self.how {
            How::Code(words) => words.into(),
            How::Keep { form, needs: n, .. } => format!("{}{}", form.describe(), needs(n)),
            How::Take(form, n) => format!("{}{}, to set only", form.describe(), needs(n)),
            How::Only(value, e) => format!("{value}; others are {e}"),
            How::Refuse(value, e) => format!("{value}, to read only; setting is {e}"),
            How::Constant(value) => format!("{value}, to read only"),
            How::Never { get, set } if get == set => format!("none: {get}"),
            How::Never { get, set } => format!("none: reading is {get}, setting {set}"),
        }
    }
}

/// A table's row for an option of a socket of `kind`.
pub(super) fn row(level: c_int, name: c_int, kind: Kind) -> Option<&'static Row> {
    let here = if kind == Kind::Tcp { On::Stream } else { On::Datagram };
    index(level, name, here).and_then(|i| ROWS.get(i))
}

fn index(level: c_int, name: c_int, here: On) -> Option<usize> {
    ROWS.iter().position(|r| (r.level, r.name) == (level, name) && (r.on == On::Any || r.on == here))
}

/// How often each row without full effect was set, by its place in the table.
static COUNTS: [AtomicU64; ROWS.len()] = [const { AtomicU64::new(0) }; ROWS.len()];
/// Options without a row that were asked for.
static UNKNOWN: AtomicU64 = AtomicU64::new(0);

/// Counts a change of an option that is not fully served, and tells of it the first time.
pub(super) fn count(level: c_int, name: c_int, kind: Kind) {
    let here = if kind == Kind::Tcp { On::Stream } else { On::Datagram };
    let Some(at) = index(level, name, here) else {
        if UNKNOWN.fetch_add(1, Ordering::Relaxed) == 0 {
            crate::log_debug!("option {name} of level {level} is not known here: ENOPROTOOPT");
        }
        return;
    };
    let (Some(row), Some(count)) = (ROWS.get(at), COUNTS.get(at)) else { return };
    if row.effect != Effect::Honoured && count.fetch_add(1, Ordering::Relaxed) == 0 {
        crate::log_debug!("{} is {}: {}", row.id, row.effect.name(), row.note);
    }
}

/// An option that a program set and that was held or refused, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name in the headers.
    pub id: &'static str,
    /// Held or refused.
    pub effect: Effect,
    /// Calls of setsockopt.
    pub count: u64,
}

/// Every option that this process set and that was held or refused.
pub fn accounts() -> Vec<Account> {
    let counted = ROWS.iter().zip(&COUNTS).map(|(row, count)| Account {
        id: row.id,
        effect: row.effect,
        count: count.load(Ordering::Relaxed),
    });
    counted.filter(|a| a.count > 0).collect()
}

/// Calls of setsockopt for options that were held, that were refused, and that are not known here.
pub fn totals() -> (u64, u64, u64) {
    let sum = |effect| accounts().iter().filter(|a| a.effect == effect).map(|a| a.count).sum();
    (sum(Effect::Held), sum(Effect::Refused), UNKNOWN.load(Ordering::Relaxed))
}
