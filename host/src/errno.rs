//! errno values, and the one table that maps the stack's errors to them.

use libc::c_int;
use matnet_stack::Error;

/// An errno value, positive as in `<errno.h>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub c_int);

impl Errno {
    /// The calling thread's errno.
    pub fn last() -> Errno {
        // SAFETY: __errno_location returns the calling thread's errno, always valid.
        Errno(unsafe { *libc::__errno_location() })
    }

    /// Makes this the calling thread's errno.
    pub fn set(self) {
        // SAFETY: as in `last`.
        unsafe { *libc::__errno_location() = self.0 };
    }

    /// The symbolic name, such as `EAGAIN`, for the values that this library produces.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(n, _)| *n == self.0).map_or("errno", |(_, s)| s)
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            "errno" => write!(f, "errno {}", self.0),
            name => f.write_str(name),
        }
    }
}

macro_rules! names {
    ($($name:ident)*) => {
        const NAMES: &[(c_int, &str)] = &[$((libc::$name, stringify!($name))),*];
        impl Errno {
            $(#[doc = concat!("See errno(3), ", stringify!($name), ".")] pub const $name: Errno = Errno(libc::$name);)*
        }
    };
}

names! {
    EPERM ENOENT EINTR EIO ENXIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENODEV EINVAL ENFILE EMFILE ENOTTY
    ESPIPE EPIPE EDOM ENOSYS ENODATA EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT
    EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ECONNABORTED ECONNRESET ENOBUFS EISCONN
    ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTUNREACH EALREADY EINPROGRESS ENOTSOCK EOVERFLOW EBADFD ELOOP ENOEXEC
    EISDIR EXDEV ERANGE ENAMETOOLONG ECANCELED EPROTO EHOSTDOWN ENONET
}

impl From<Error> for Errno {
    fn from(e: Error) -> Errno {
        match e {
            Error::WouldBlock => Errno::EAGAIN,
            Error::InProgress => Errno::EINPROGRESS,
            Error::Already => Errno::EALREADY,
            Error::IsConnected => Errno::EISCONN,
            Error::NotConnected => Errno::ENOTCONN,
            Error::AddrInUse => Errno::EADDRINUSE,
            Error::AddrNotAvailable => Errno::EADDRNOTAVAIL,
            Error::ConnectionRefused => Errno::ECONNREFUSED,
            Error::ConnectionReset => Errno::ECONNRESET,
            Error::ConnectionAborted => Errno::ECONNABORTED,
            Error::TimedOut => Errno::ETIMEDOUT,
            Error::HostUnreachable => Errno::EHOSTUNREACH,
            Error::NetUnreachable => Errno::ENETUNREACH,
            Error::NetDown => Errno::ENETDOWN,
            Error::Protocol => Errno::EPROTO,
            Error::HostDown => Errno::EHOSTDOWN,
            Error::NotOnNetwork => Errno::ENONET,
            Error::ProtocolUnreachable => Errno::ENOPROTOOPT,
            Error::MessageTooLong => Errno::EMSGSIZE,
            Error::InvalidArgument => Errno::EINVAL,
            Error::BadAddress => Errno::EFAULT,
            Error::DestinationRequired => Errno::EDESTADDRREQ,
            Error::BrokenPipe => Errno::EPIPE,
            Error::NoBuffers => Errno::ENOBUFS,
            Error::PermissionDenied => Errno::EACCES,
            Error::NotSupported => Errno::EOPNOTSUPP,
            Error::BadSocket => Errno::EBADF,
        }
    }
}
