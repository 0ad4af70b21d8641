//! Why an operation did not succeed, in the stack's own terms; the host maps each to the errno of Linux.

/// The reason an operation failed. The errno that Linux gives is named beside each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// Nothing to read, or no room to write, just now (EAGAIN).
    WouldBlock,
    /// The connection attempt has begun (EINPROGRESS).
    InProgress,
    /// A connection attempt is already under way (EALREADY).
    Already,
    /// Already connected (EISCONN).
    IsConnected,
    /// Not connected (ENOTCONN).
    NotConnected,
    /// The address or port is taken (EADDRINUSE).
    AddrInUse,
    /// Not an address of ours, or no free port (EADDRNOTAVAIL).
    AddrNotAvailable,
    /// The peer refused (ECONNREFUSED).
    ConnectionRefused,
    /// The peer reset the connection (ECONNRESET).
    ConnectionReset,
    /// The connection was aborted on our side (ECONNABORTED).
    ConnectionAborted,
    /// No answer in time (ETIMEDOUT).
    TimedOut,
    /// No path to the host (EHOSTUNREACH).
    HostUnreachable,
    /// No route (ENETUNREACH).
    NetUnreachable,
    /// The device is gone or cannot be used (ENETDOWN).
    NetDown,
    /// The other side did not understand a header of ours (EPROTO).
    Protocol,
    /// The host is down, so says a router (EHOSTDOWN).
    HostDown,
    /// We are cut off, so says a router (ENONET).
    NotOnNetwork,
    /// The host does not speak the protocol (ENOPROTOOPT).
    ProtocolUnreachable,
    /// The datagram does not fit (EMSGSIZE).
    MessageTooLong,
    /// An argument makes no sense here (EINVAL).
    InvalidArgument,
    /// A pointer of the program led nowhere (EFAULT).
    BadAddress,
    /// No destination given (EDESTADDRREQ).
    DestinationRequired,
    /// Our sending side is shut (EPIPE).
    BrokenPipe,
    /// A queue limit is reached (ENOBUFS).
    NoBuffers,
    /// Not allowed, such as broadcast without SO_BROADCAST (EACCES).
    PermissionDenied,
    /// The operation does not fit this kind of socket (EOPNOTSUPP).
    NotSupported,
    /// The id names no socket (EBADF).
    BadSocket,
}

/// Shorthand for results of the stack.
pub type Result<T> = std::result::Result<T, Error>;
