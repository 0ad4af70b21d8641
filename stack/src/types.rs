//! The types that cross the stack's door: configuration, ids, readiness, frames and their offload notes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::filter::Filter;
use crate::time::{Duration, Instant};

/// An Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);

    /// True for group addresses, broadcast included (I/G bit, IEEE 802-2014 section 8.2.2).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An IPv4 address with the length of its network prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4Cidr {
    /// The address, host bits included.
    pub addr: Ipv4Addr,
    /// Length of the network part in bits, 0 to 32.
    pub prefix: u8,
}

impl Ipv4Cidr {
    /// The netmask as an address.
    pub fn netmask(self) -> Ipv4Addr {
        let bits = u32::from(self.prefix.min(32));
        Ipv4Addr::from(u32::MAX.checked_shl(32 - bits).unwrap_or(0))
    }

    /// First address of the network (host bits zero).
    pub fn network(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.addr) & u32::from(self.netmask()))
    }

    /// Directed broadcast address; none for /31 and /32 (RFC 3021).
    pub fn broadcast(self) -> Option<Ipv4Addr> {
        (self.prefix < 31).then(|| Ipv4Addr::from(u32::from(self.addr) | !u32::from(self.netmask())))
    }

    /// True when `addr` lies in this network.
    pub fn contains(self, addr: Ipv4Addr) -> bool {
        let mask = u32::from(self.netmask());
        u32::from(addr) & mask == u32::from(self.addr) & mask
    }
}

impl fmt::Display for Ipv4Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.prefix)
    }
}

/// Which congestion control a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Congestion {
    /// NewReno (RFC 5681, RFC 6582).
    Reno,
    /// CUBIC (RFC 9438).
    #[default]
    Cubic,
    /// BBR, version 1: paced by a model of the path.
    Bbr,
}

impl Congestion {
    /// Every algorithm with the name users type (TCP_CONGESTION, MATNET_CC).
    pub const ALL: &'static [(&'static str, Congestion)] =
        &[("reno", Congestion::Reno), ("cubic", Congestion::Cubic), ("bbr", Congestion::Bbr)];

    /// The name users type.
    pub fn name(self) -> &'static str {
        Congestion::ALL.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// Explicit congestion notification of TCP connections (RFC 3168; Linux: net.ipv4.tcp_ecn 0, 2 and 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum EcnMode {
    /// Never.
    Off,
    /// When the peer asks for it.
    #[default]
    Passive,
    /// Asked for with each connect(2), too.
    On,
}

impl EcnMode {
    /// Every mode with the name users type (MATNET_ECN).
    pub const ALL: &'static [(&'static str, EcnMode)] =
        &[("off", EcnMode::Off), ("passive", EcnMode::Passive), ("on", EcnMode::On)];

    /// The name users type.
    pub fn name(self) -> &'static str {
        EcnMode::ALL.iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

/// What the device below does for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// The device completes TCP and UDP checksums: the stack writes the folded pseudo-header sum.
    pub tx_checksum: bool,
    /// The device segments TCP: frames of up to 64 kB with a gso size are welcome.
    pub tso: bool,
    /// The device segments UDP.
    pub uso: bool,
}

/// Everything a [`crate::Stack`] is told at birth.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our hardware address.
    pub mac: MacAddr,
    /// Our address and network.
    pub addr: Ipv4Cidr,
    /// Default router.
    pub gateway: Option<Ipv4Addr>,
    /// Largest IP packet on the link, bytes.
    pub mtu: u16,
    /// What the device does for us.
    pub capabilities: Capabilities,
    /// Congestion control of new sockets.
    pub congestion: Congestion,
    /// Explicit congestion notification of new sockets.
    pub ecn: EcnMode,
    /// 127/8 is ours and loops inside the stack (MATNET_LOOPBACK=stack).
    pub loopback: bool,
}

/// What the device said of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RxMeta {
    /// State of the layer-4 checksum.
    pub checksum: RxChecksum,
    /// Payload bytes of each segment in a frame that stands for several; 0 for a plain frame.
    pub gso_size: u16,
}

/// State of the layer-4 checksum in a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RxChecksum {
    /// Nobody looked: verify it.
    #[default]
    Unverified,
    /// Known good, or not filled in since the frame never left this machine (NEEDS_CSUM): do not verify.
    Trusted,
}

/// A frame to send: headers and payload in order. The device writes them with one `writev`.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    /// Ethernet to layer-4 headers.
    pub header: &'a [u8],
    /// Payload slices, in order.
    pub payload: &'a [&'a [u8]],
    /// What is left for the device to do.
    pub meta: TxMeta,
}

impl Transmit<'_> {
    /// Bytes of the whole frame.
    pub fn len(&self) -> usize {
        self.header.len() + self.payload.iter().map(|s| s.len()).sum::<usize>()
    }

    /// True for a frame of no bytes (never built).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the device must do to a frame before it is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TxMeta {
    /// Where to sum from and where to put the sum; None: the frame is complete.
    pub checksum: Option<TxChecksum>,
    /// Cut the frame into segments.
    pub gso: Option<Gso>,
}

/// A checksum left to the device, offsets from the start of the frame in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxChecksum {
    /// First byte to sum (the layer-4 header).
    pub start: u16,
    /// Where the sum goes, from `start`.
    pub offset: u16,
}

/// Segmentation left to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gso {
    /// Payload bytes per segment.
    pub size: u16,
    /// Bytes of all headers before the payload.
    pub header_len: u16,
}

/// Where frames go.
pub trait Sink {
    /// Sends one frame. `Err(Full)` when the device takes no more now: the stack stops and keeps its data.
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full>;
}

/// The device takes no more frames now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The kind of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SOCK_STREAM
    Tcp,
    /// SOCK_DGRAM
    Udp,
    /// SOCK_DGRAM with IPPROTO_ICMP: echo requests of our own ("ping socket").
    Ping,
    /// SOCK_RAW: whole IP packets.
    Raw,
}

/// What the sources of a membership in a multicast group are (RFC 3678).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterMode {
    /// Those to hear, and no others.
    Include,
    /// Those not to hear.
    Exclude,
}

/// Names a socket of one stack. A generation makes ids of closed sockets invalid for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId {
    /// The kind, which also says which slab `index` belongs to.
    pub kind: Kind,
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl SocketId {
    /// A number that no other open socket of its kind has. They begin at zero and those of closed sockets are used again, so
    /// that a host may keep what it knows of its sockets in a list.
    pub const fn number(self) -> u32 {
        self.index
    }
}

/// What poll(2) would report, as a set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct Readiness(pub u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Readiness = Readiness(0);
    /// POLLIN: data, a connection to accept, end of stream, or an error to read.
    pub const IN: Readiness = Readiness(1);
    /// POLLOUT: room to write.
    pub const OUT: Readiness = Readiness(2);
    /// POLLRDHUP: the peer's end of stream is here.
    pub const RDHUP: Readiness = Readiness(4);
    /// POLLHUP: both directions are finished.
    pub const HUP: Readiness = Readiness(8);
    /// POLLERR: an error waits (SO_ERROR).
    pub const ERR: Readiness = Readiness(16);
    /// POLLPRI: urgent data.
    pub const PRI: Readiness = Readiness(32);
    /// A new urgent pointer (SIGURG): an edge only, never a state.
    pub const MARK: Readiness = Readiness(64);

    /// True when all of `other` is set.
    pub const fn contains(self, other: Readiness) -> bool {
        self.0 & other.0 == other.0
    }

    /// True when any of `other` is set.
    pub const fn intersects(self, other: Readiness) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }

    /// True when nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Readiness {
    type Output = Readiness;
    fn bitor(self, other: Readiness) -> Readiness {
        self.union(other)
    }
}

impl std::ops::BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Readiness) {
        *self = self.union(other);
    }
}

/// Something happened on a socket that a waiter may care about: an *edge*. What is true now is asked with
/// [`crate::Stack::readiness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The socket.
    pub socket: SocketId,
    /// What newly happened (new data sets IN although it was already readable, as an edge does on Linux).
    pub edges: Readiness,
}

/// Which direction to shut, shutdown(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// SHUT_RD
    Read,
    /// SHUT_WR
    Write,
    /// SHUT_RDWR
    Both,
}

/// RFC 9293 section 3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TcpState {
    /// No connection.
    #[default]
    Closed,
    /// Waiting for a connection request.
    Listen,
    /// Request sent.
    SynSent,
    /// Request received and answered.
    SynReceived,
    /// Open.
    Established,
    /// We closed, our FIN is not acknowledged.
    FinWait1,
    /// We closed, waiting for the peer's FIN.
    FinWait2,
    /// The peer closed.
    CloseWait,
    /// Both closed at once.
    Closing,
    /// The peer closed, then we did.
    LastAck,
    /// Waiting out old segments.
    TimeWait,
}

/// IP_MTU_DISCOVER (ip(7)): the don't-fragment flag, and which MTU bounds a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MtuDiscover {
    /// Never the flag; what is larger than the path's MTU is fragmented.
    Dont,
    /// The flag on what fits; the rest is fragmented.
    #[default]
    Want,
    /// The flag; what does not fit the path is refused.
    Do,
    /// The flag; the device's MTU counts, whatever the path's is.
    Probe,
    /// Never the flag; what does not fit the device is refused, and the path's MTU is not believed.
    Interface,
    /// Never the flag; fragmented to the device's MTU.
    Omit,
}

impl MtuDiscover {
    /// What does not fit is refused (Linux: `ip_sk_ignore_df` is false).
    pub const fn refuses(self) -> bool {
        matches!(self, MtuDiscover::Do | MtuDiscover::Probe | MtuDiscover::Interface)
    }

    /// The path's MTU counts (Linux: `ip_sk_use_pmtu`).
    pub const fn uses_path(self) -> bool {
        matches!(self, MtuDiscover::Dont | MtuDiscover::Want | MtuDiscover::Do)
    }

    /// The don't-fragment flag is set on what fits; on a path too small for it (`locked`) only if it must be.
    pub const fn flag(self, locked: bool) -> bool {
        match self {
            MtuDiscover::Want => !locked,
            MtuDiscover::Do | MtuDiscover::Probe => true,
            MtuDiscover::Dont | MtuDiscover::Interface | MtuDiscover::Omit => false,
        }
    }
}

/// The settings of a TCP socket (SOL_SOCKET and IPPROTO_TCP options that change what the stack does).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// TCP_NODELAY: no Nagle.
    pub nodelay: bool,
    /// TCP_CORK: hold partial segments (200 ms at most).
    pub cork: bool,
    /// SO_KEEPALIVE
    pub keepalive: bool,
    /// TCP_KEEPIDLE
    pub keepidle: Duration,
    /// TCP_KEEPINTVL
    pub keepintvl: Duration,
    /// TCP_KEEPCNT
    pub keepcnt: u32,
    /// TCP_USER_TIMEOUT; zero means the default.
    pub user_timeout: Duration,
    /// TCP_SYNCNT
    pub syncnt: u8,
    /// TCP_MAXSEG as set by the user; None: from the MTU.
    pub maxseg: Option<u16>,
    /// TCP_CONGESTION
    pub congestion: Congestion,
    /// Explicit congestion notification: a setting of the whole stack, as on Linux (net.ipv4.tcp_ecn).
    pub ecn: EcnMode,
    /// Paced where the round trip is long. With SO_MAX_PACING_RATE or BBR a connection is paced in any case.
    pub pacing: bool,
    /// SO_MAX_PACING_RATE, bytes per second; u64::MAX: no limit.
    pub max_pacing_rate: u64,
    /// SO_LINGER: Some(zero) makes close a reset (RFC 9293 ABORT). Other values are the host's to wait.
    pub linger: Option<Duration>,
    /// SO_REUSEADDR
    pub reuseaddr: bool,
    /// SO_REUSEPORT
    pub reuseport: bool,
    /// IPV6_V6ONLY: the port is used by the IPv6 half of a dual-stack pair only; no IPv4 traffic is taken.
    pub v6only: bool,
    /// Receive buffer limit set by SO_RCVBUF (bytes of payload); None: the stack's default, which may grow.
    pub rcvbuf: Option<usize>,
    /// Send buffer limit set by SO_SNDBUF (bytes of payload); None: the stack's default, which may grow.
    pub sndbuf: Option<usize>,
    /// SO_RCVLOWAT, bytes.
    pub rcvlowat: usize,
    /// TCP_LINGER2: how long a closed connection waits in FIN_WAIT2; None: not at all.
    pub linger2: Option<Duration>,
    /// TCP_DEFER_ACCEPT: so many SYN-ACKs are sent while a client that completed the handshake sends no data; 0: not deferred.
    pub defer_accept: u8,
    /// TCP_WINDOW_CLAMP: the largest window announced, bytes; 0: as the receive buffer says.
    pub window_clamp: u32,
    /// TCP_NOTSENT_LOWAT: bytes not yet sent from which on no more are taken; 0: no limit.
    pub notsent_lowat: u32,
    /// TCP_THIN_LINEAR_TIMEOUTS: no back-off while few segments are under way.
    pub thin_linear: bool,
    /// TCP_SAVE_SYN: connections keep the headers of the SYN that made them.
    pub save_syn: bool,
    /// TCP_FASTOPEN: most children of a listener whose handshake is not over; 0: no Fast Open.
    pub fast_open: u32,
    /// TCP_FASTOPEN_CONNECT: connect returns at once, and the SYN takes the first write along.
    pub fast_open_connect: bool,
    /// TCP_FASTOPEN_NO_COOKIE: data in a SYN needs no cookie.
    pub fast_open_no_cookie: bool,
    /// TCP_FASTOPEN_KEY: one key of 16 bytes, or two; None: the stack's.
    pub fast_open_key: Option<Arc<[u8]>>,
    /// TCP_RTO_MIN_US
    pub rto_min: Duration,
    /// TCP_RTO_MAX_MS
    pub rto_max: Duration,
    /// TCP_DELACK_MAX_US
    pub delack_max: Duration,
    /// IP_MINTTL: segments with less are dropped.
    pub min_ttl: u8,
    /// IP_MTU_DISCOVER
    pub mtu_discover: MtuDiscover,
    /// SO_DONTROUTE: only to neighbours.
    pub dont_route: bool,
    /// IP_FREEBIND: bind takes addresses that are not ours.
    pub freebind: bool,
    /// IP_LOCAL_PORT_RANGE: lowest and highest port that is chosen for us; 0: the default.
    pub port_range: (u16, u16),
    /// SO_ATTACH_FILTER: looks at each segment from its TCP header on.
    pub filter: Option<Arc<Filter>>,
    /// IP_RECVERR: an ICMP error about an open connection is reported at once.
    pub recverr: bool,
    /// SO_OOBINLINE: urgent bytes are read in line.
    pub oobinline: bool,
    /// IP_TOS
    pub tos: u8,
    /// IP_TTL
    pub ttl: u8,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            nodelay: false,
            cork: false,
            keepalive: false,
            keepidle: Duration::from_secs(7200),
            keepintvl: Duration::from_secs(75),
            keepcnt: 9,
            user_timeout: Duration::ZERO,
            syncnt: 6,
            maxseg: None,
            congestion: Congestion::default(),
            ecn: EcnMode::default(),
            pacing: true,
            max_pacing_rate: u64::MAX,
            linger: None,
            reuseaddr: false,
            reuseport: false,
            v6only: false,
            rcvbuf: None,
            sndbuf: None,
            rcvlowat: 1,
            linger2: Some(Duration::from_secs(60)),
            defer_accept: 0,
            window_clamp: 0,
            notsent_lowat: 0,
            thin_linear: false,
            save_syn: false,
            fast_open: 0,
            fast_open_connect: false,
            fast_open_no_cookie: false,
            fast_open_key: None,
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_secs(120),
            delack_max: Duration::from_millis(200),
            min_ttl: 0,
            mtu_discover: MtuDiscover::Want,
            dont_route: false,
            freebind: false,
            port_range: (0, 0),
            filter: None,
            recverr: false,
            oobinline: false,
            tos: 0,
            ttl: 64,
        }
    }
}

/// The settings of a datagram socket (UDP, ping and raw).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpOptions {
    /// SO_MAX_PACING_RATE: kept, datagrams are not paced.
    pub max_pacing_rate: u64,
    /// SO_BROADCAST
    pub broadcast: bool,
    /// SO_REUSEADDR
    pub reuseaddr: bool,
    /// SO_REUSEPORT
    pub reuseport: bool,
    /// IPV6_V6ONLY, as in [`TcpOptions::v6only`].
    pub v6only: bool,
    /// IP_RECVERR: ICMP errors are also reported on unconnected sockets.
    pub recverr: bool,
    /// IP_MTU_DISCOVER
    pub mtu_discover: MtuDiscover,
    /// SO_NO_CHECK: datagrams leave without a checksum.
    pub no_check: bool,
    /// SO_DONTROUTE: only to neighbours.
    pub dont_route: bool,
    /// IP_FREEBIND: bind takes addresses that are not ours.
    pub freebind: bool,
    /// IP_LOCAL_PORT_RANGE, as in [`TcpOptions::port_range`].
    pub port_range: (u16, u16),
    /// SO_ATTACH_FILTER: looks at each datagram from its UDP or ICMP header on, or of a raw socket from its IP header on.
    pub filter: Option<Arc<Filter>>,
    /// UDP_SEGMENT: payload bytes of each datagram that one send is cut into; 0: not cut.
    pub segment: u16,
    /// UDP_CORK: sends are put together to one datagram, which leaves with [`crate::Stack::uncork`].
    pub cork: bool,
    /// UDP_GRO: what arrived as one frame of several datagrams is received as one.
    pub gro: bool,
    /// Receive queue limit, bytes of memory.
    pub rcvbuf: usize,
    /// Largest datagram accepted for sending is bounded by this as well.
    pub sndbuf: usize,
    /// IP_TOS
    pub tos: u8,
    /// IP_TTL
    pub ttl: u8,
    /// IP_MULTICAST_TTL
    pub multicast_ttl: u8,
    /// IP_MULTICAST_LOOP: members on this host, the sender included, hear what is sent to a group.
    pub multicast_loop: bool,
    /// IP_MULTICAST_ALL: groups that other sockets joined are heard too.
    pub multicast_all: bool,
}

impl Default for UdpOptions {
    fn default() -> UdpOptions {
        UdpOptions {
            max_pacing_rate: u64::MAX,
            broadcast: false,
            reuseaddr: false,
            reuseport: false,
            v6only: false,
            recverr: false,
            mtu_discover: MtuDiscover::Want,
            no_check: false,
            dont_route: false,
            freebind: false,
            port_range: (0, 0),
            filter: None,
            segment: 0,
            cork: false,
            gro: false,
            rcvbuf: 212_992,
            sndbuf: 212_992,
            tos: 0,
            ttl: 64,
            multicast_ttl: 1,
            multicast_loop: true,
            multicast_all: true,
        }
    }
}

/// How one send differs from what the socket's settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SendHow {
    /// UDP_SEGMENT for this send: payload bytes of each datagram, the last one perhaps shorter; 0: one datagram. None: as
    /// [`UdpOptions::segment`] says.
    pub segment: Option<u16>,
    /// MSG_MORE: the next send goes into the same datagram (UDP and raw).
    pub more: bool,
    /// IP_TTL for this send.
    pub ttl: Option<u8>,
    /// IP_TOS for this send.
    pub tos: Option<u8>,
    /// IP_PKTINFO: the source address of this send, one of ours.
    pub source: Option<Ipv4Addr>,
    /// The caller's bytes cannot be read: all is checked as ever, and where they would be copied it is [`crate::Error::BadAddress`].
    pub unreadable: bool,
    /// MSG_DONTROUTE: only to a neighbour, as [`UdpOptions::dont_route`].
    pub dont_route: bool,
    /// MSG_CONFIRM: the other side has answered, so its neighbour cache entry is good.
    pub confirm: bool,
}

/// What is known of a neighbour (ip-neighbour(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborState {
    /// Asked for, no answer yet.
    Incomplete,
    /// Answered lately.
    Reachable,
    /// Known, but not heard of for a while.
    Stale,
    /// In use while stale.
    Delay,
    /// In use, and being asked.
    Probe,
}

/// A neighbour on the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// Its address.
    pub addr: Ipv4Addr,
    /// Its hardware address, once it is known.
    pub mac: Option<MacAddr>,
    /// What that is worth.
    pub state: NeighborState,
}

/// Where a received datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatagramMeta {
    /// Bytes of the whole datagram (more than the caller's buffer means it was cut, MSG_TRUNC).
    pub len: usize,
    /// Several datagrams of this size, the last one perhaps shorter, for a socket with UDP_GRO; 0: one datagram.
    pub gso_size: u16,
    /// Sender.
    pub from: SocketAddr,
    /// The address of ours that it was sent to (may be broadcast).
    pub to: IpAddr,
    /// The port that it was sent to.
    pub to_port: u16,
    /// When it arrived.
    pub at: Instant,
    /// Datagrams that the full queue had refused before this one was queued, wrapping (SO_RXQ_OVFL).
    pub drops: u32,
    /// Bytes of the largest fragment that it arrived in; 0: it was whole (IP_RECVFRAGSIZE).
    pub largest_fragment: u16,
    /// Time to live it arrived with.
    pub ttl: u8,
    /// TOS byte it arrived with.
    pub tos: u8,
}

/// Who says that something went wrong (SO_EE_ORIGIN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorOrigin {
    /// The stack itself.
    Local,
    /// An ICMP message.
    Icmp,
}

/// An entry of a socket's error queue (struct sock_extended_err, ip(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedError {
    /// What it means.
    pub error: crate::Error,
    /// Who says so.
    pub origin: ErrorOrigin,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// The path MTU, or the pointer of a parameter problem.
    pub info: u32,
    /// Offset of RFC 4884 extension objects in the payload, and whether they are valid.
    pub extension: Option<(u16, bool)>,
    /// Where the datagram went that it is about.
    pub to: SocketAddr,
    /// Who sent the ICMP message.
    pub offender: IpAddr,
    /// Bytes of the payload.
    pub len: usize,
    /// Our address that the ICMP message came to.
    pub local: IpAddr,
    /// Time to live that the ICMP message arrived with.
    pub ttl: u8,
    /// TOS byte that the ICMP message arrived with.
    pub tos: u8,
    /// When it arrived.
    pub at: Instant,
}

/// What BBR believes of the path (TCP_CC_INFO: struct tcp_bbr_info).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BbrInfo {
    /// The path's bandwidth, bytes per second.
    pub bandwidth: u64,
    /// Its least round trip, if one was measured.
    pub min_rtt: Option<Duration>,
    /// Gain of the pacing rate, in 1/256.
    pub pacing_gain: u32,
    /// Gain of the window, in 1/256.
    pub cwnd_gain: u32,
}

/// Real figures of a connection (TCP_INFO).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Connection state.
    pub state: TcpState,
    /// Consecutive retransmission time-outs.
    pub retransmits: u8,
    /// Unanswered keepalive or window probes.
    pub probes: u8,
    /// Our window scale shift (what we announced).
    pub rcv_wscale: u8,
    /// Peer's window scale shift.
    pub snd_wscale: u8,
    /// Timestamps are in use.
    pub timestamps: bool,
    /// SACK is in use.
    pub sack: bool,
    /// Window scaling is in use.
    pub wscale: bool,
    /// Explicit congestion notification is in use, and the peer has used it.
    pub ecn: bool,
    /// See [`TcpInfo::ecn`].
    pub ecn_seen: bool,
    /// Retransmission time-out.
    pub rto: Duration,
    /// Smoothed round-trip time.
    pub srtt: Duration,
    /// Round-trip time variation.
    pub rttvar: Duration,
    /// Least round-trip time seen.
    pub min_rtt: Duration,
    /// Segment size we send, payload bytes.
    pub snd_mss: u32,
    /// Segment size the peer sends, payload bytes (estimate).
    pub rcv_mss: u32,
    /// MSS the peer announced... and we announced.
    pub advmss: u32,
    /// Path MTU.
    pub pmtu: u32,
    /// Congestion window, bytes.
    pub cwnd: u32,
    /// Slow-start threshold, bytes (u32::MAX: not yet known).
    pub ssthresh: u32,
    /// Peer's announced window, bytes.
    pub snd_wnd: u32,
    /// Our announced window, bytes.
    pub rcv_wnd: u32,
    /// Bytes sent and not yet acknowledged.
    pub bytes_in_flight: u32,
    /// Bytes in the send buffer not yet sent.
    pub notsent: u32,
    /// Payload bytes acknowledged by the peer.
    pub bytes_acked: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
    /// Payload bytes sent, retransmissions included.
    pub bytes_sent: u64,
    /// Payload bytes retransmitted.
    pub bytes_retrans: u64,
    /// Segments sent (each TSO frame counts its segments).
    pub segs_out: u32,
    /// Segments received.
    pub segs_in: u32,
    /// Segments retransmitted in all.
    pub total_retrans: u32,
    /// Since data was last sent.
    pub last_data_sent: Duration,
    /// Since data last arrived.
    pub last_data_recv: Duration,
    /// Since an acknowledgement last arrived.
    pub last_ack_recv: Duration,
    /// Our timestamp clock for this peer, milliseconds (TCP_TIMESTAMP).
    pub timestamp: u32,
    /// Loss recovery as Linux numbers it: 0 open, 3 recovery, 4 loss.
    pub recovery: u8,
    /// Doublings of the retransmission time-out.
    pub backoff: u8,
    /// How long an acknowledgement may be delayed.
    pub ato: Duration,
    /// Bytes that SACK reported, and that are taken for lost, of those in flight.
    pub sacked: u32,
    /// See [`TcpInfo::sacked`].
    pub lost: u32,
    /// Bytes retransmitted and believed in flight.
    pub retrans: u32,
    /// Segments by which the path is known to reorder.
    pub reordering: u32,
    /// How often it did.
    pub reord_seen: u32,
    /// Segments with data received.
    pub data_segs_in: u32,
    /// Segments with data sent.
    pub data_segs_out: u32,
    /// Segments delivered to the peer, as acknowledgements tell.
    pub delivered: u32,
    /// Those of them that an acknowledgement reported with a mark of congestion.
    pub delivered_ce: u32,
    /// D-SACKs received.
    pub dsack_dups: u32,
    /// Segments received beyond a gap.
    pub out_of_order_in: u32,
    /// Retransmission time-outs in all.
    pub total_rto: u16,
    /// How often such trouble ended with an acknowledgement, and how long it lasted in all.
    pub rto_recoveries: u16,
    /// See [`TcpInfo::rto_recoveries`].
    pub rto_time: Duration,
    /// Most bytes that the user took in one round trip.
    pub rcv_space: u32,
    /// Round-trip time as the receiver measures it.
    pub rcv_rtt: Duration,
    /// What frames leave at, or would if they were paced, bytes per second; u64::MAX: not yet known.
    pub pacing_rate: u64,
    /// SO_MAX_PACING_RATE.
    pub max_pacing_rate: u64,
    /// The latest delivery rate, bytes per second; 0: not yet known.
    pub delivery_rate: u64,
    /// The program, and not the network, limited that.
    pub delivery_rate_app_limited: bool,
    /// Time in which something was unacknowledged or waited to be sent.
    pub busy_time: Duration,
    /// Of it: held back by the peer's window.
    pub rwnd_limited: Duration,
    /// Of it: held back by a send buffer that is all in flight.
    pub sndbuf_limited: Duration,
    /// What BBR believes, on a connection that uses it.
    pub bbr: Option<BbrInfo>,
    /// Data of a SYN, sent or received, arrived (TCPI_OPT_SYN_DATA).
    pub syn_data: bool,
    /// Why Fast Open was of no use (tcpi_fastopen_client_fail): 1 no cookie, 2 data not acknowledged, 3 SYN repeated.
    pub fast_open_fail: u8,
}
