//! TCP (RFC 9293): every socket of a stack, the demultiplexer, ports, timers and queues.
//!
//! Theory of operation. [`Tcp`] owns the sockets in a generational slab. A segment is looked up by its
//! 4-tuple: a connection, a half-open request of a listener ([`listener`]), a connection in TIME_WAIT
//! ([`timewait`]), else a listener by port, else nothing (a RST goes back). What a segment, a timer or a call
//! does to one connection is decided in [`socket::Conn`]'s methods ([`input`], [`recovery`], [`output`],
//! [`timers`]), which know nothing of the set; afterwards [`Tcp::settle`] carries the outcome into the set:
//! its deadline into the wheel, the connection into the ready-to-send queue, edges into the event queue, the
//! dead out of the tables.
//!
//! Nothing is sent outside [`Tcp::poll_transmit`], so one acknowledgement covers all the frames that the host
//! fed in since the last call.
//!
//! Limits: see the files; no MD5 and no TCP-AO, no Multipath TCP.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::buf::Buf;
use crate::counters::Counters;
use crate::iface::icmp::IcmpError;
use crate::time::Instant;
use crate::types::{Event, Full, Readiness, SocketId, TcpOptions, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Options, Repr};

mod ack;
mod alert;
pub mod audit;
mod beyond;
mod chrono;
mod chunks;
mod close;
mod congestion;
mod connect;
mod control;
mod cookies;
mod cwnd;
mod dupack;
mod ecn;
mod errors;
mod fastopen;
mod frto;
mod icmp;
mod input;
mod isn;
mod listener;
mod memory;
mod mtu;
mod mtu_probe;
mod output;
mod pacing;
mod ports;
mod prr;
mod rack;
mod rate;
mod recovery;
mod recvbuf;
mod rtt;
mod sack;
mod scoreboard;
mod sendbuf;
mod slab;
mod socket;
mod spare;
mod syn;
#[cfg(test)]
mod tests;
mod timers;
mod timewait;
mod tlp;
mod tuning;
mod undo;
mod urgent;
mod verbs;
mod wheel;

use chunks::ChunkPool;
use isn::{KeyedHash, Secrets};
use listener::Request;
use memory::Memory;
use ports::{Ports, Use};
use slab::Slab;
use socket::{Body, Conn, Fate, Owner, PortHold, Socket};
use spare::Spare;
use timewait::TimeWait;
use wheel::Wheel;

/// A received segment, its IP header already checked and its checksum known good.
pub(crate) struct SegmentIn {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address, one of ours.
    pub dst: Ipv4Addr,
    /// TOS byte.
    pub tos: u8,
    /// Time to live it arrived with.
    pub ttl: u8,
    /// IP and TCP header, of a SYN that opens a connection only.
    pub head: Buf,
    /// The TCP header.
    pub repr: Repr,
    /// The payload, by reference to the frame.
    pub payload: Buf,
    /// Payload bytes per segment when the frame stands for several; 0 for a plain one.
    pub gso_size: u16,
}

impl SegmentIn {
    /// SEG.LEN of RFC 9293: payload and the control bits that occupy sequence space.
    fn seq_len(&self) -> usize {
        let flags = self.repr.flags;
        self.payload.len() + usize::from(flags.contains(Flags::SYN)) + usize::from(flags.contains(Flags::FIN))
    }

    /// IP_MINTTL and SO_ATTACH_FILTER (tcp_v4_rcv): false when the socket does not want it. A filter may cut it.
    fn may_enter(&mut self, opts: &TcpOptions, counters: &mut Counters) -> bool {
        if self.ttl < opts.min_ttl {
            counters.tcp_min_ttl += 1;
            return false;
        }
        let Some(filter) = &opts.filter else { return true };
        let mut packet = vec![0; IP_HEADER];
        let mode = crate::wire::ChecksumMode::Full;
        self.repr.emit(&mut packet, self.src, self.dst, &[&self.payload], mode);
        let header = packet.len().saturating_sub(IP_HEADER);
        packet.extend_from_slice(&self.payload);
        let keep = filter.run(&crate::filter::Packet { network: &packet, start: IP_HEADER });
        if keep == 0 {
            counters.filtered += 1;
            return false;
        }
        self.payload.truncate(usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(header));
        true
    }

    /// How many segments the frame stands for.
    fn segments(&self) -> u32 {
        segments_of(self.payload.len(), usize::from(self.gso_size))
    }
}

/// Room for the IP header before the segment that a filter sees; its bytes are 0.
const IP_HEADER: usize = 20;

/// `ceil(len / size)`, at least one; one when `size` is zero.
fn segments_of(len: usize, size: usize) -> u32 {
    if size == 0 { 1 } else { u32::try_from(len.div_ceil(size)).unwrap_or(u32::MAX).max(1) }
}

/// A segment (or a TSO frame) to send.
pub(crate) struct TcpOut<'a> {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// TOS byte.
    pub tos: u8,
    /// Time to live.
    pub ttl: u8,
    /// The TCP header.
    pub repr: &'a Repr,
    /// Payload in order, straight from the send buffer.
    pub payload: &'a [&'a [u8]],
    /// Payload bytes per segment when the frame must be cut; None for a single segment.
    pub gso_size: Option<u16>,
    /// The don't-fragment flag.
    pub mtu_discover: crate::types::MtuDiscover,
    /// What was sent this way before has been acknowledged: the next hop lives.
    pub confirm: bool,
}

/// What TCP needs of the IP layer below.
pub(crate) trait IpOutput {
    /// Sends a segment. A neighbour that is not resolved yet, or an absent route, is the IP layer's affair:
    /// that is `Ok`, and a segment lost there is retransmitted like any other.
    fn send_tcp(&mut self, now: Instant, tx: &TcpOut<'_>) -> Result<(), Full>;
    /// Largest IP packet on the path, bytes.
    fn path_mtu(&self, dst: Ipv4Addr) -> u16;
    /// Largest IP packet that leaves towards `dst` unfragmented, whatever the path takes, bytes.
    fn link_mtu(&self, dst: Ipv4Addr) -> u16;
    /// Most payload bytes in one [`IpOutput::send_tcp`]; one segment's worth when nobody segments for us.
    fn tso_max(&self, dst: Ipv4Addr) -> usize;
}

/// The two ends of a connection, ours first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tuple {
    local: SocketAddrV4,
    remote: SocketAddrV4,
}

impl std::hash::Hash for Tuple {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // One word each: the derived form would feed the hasher eight pieces.
        let addrs = u64::from(u32::from(*self.local.ip())) << 32 | u64::from(u32::from(*self.remote.ip()));
        state.write_u64(addrs);
        state.write_u32(u32::from(self.local.port()) << 16 | u32::from(self.remote.port()));
    }
}

/// Who owns a 4-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Conn(u32),
    Request(u32),
    TimeWait(u32),
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    /// It was taken, in part at least.
    Accepted,
    /// It was thrown away; an acknowledgement may have been scheduled in answer.
    Dropped,
    /// It belongs to nothing here: answer with a RST made from it.
    Reset,
}

/// What a connection's methods see of the rest of the world.
struct Cx<'a> {
    now: Instant,
    opts: &'a crate::types::TcpOptions,
    counters: &'a mut Counters,
    pool: &'a mut ChunkPool,
    challenge: &'a mut input::ChallengeLimit,
    /// The user has let go.
    orphan: bool,
}

/// A segment without payload that belongs to no connection (any more).
#[derive(Clone, Copy, Debug)]
struct Bare {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    tos: u8,
    ttl: u8,
    repr: Repr,
}

/// An entry of the reply queue.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Segment(Bare),
    /// The SYN-ACK of a request: built when sent, since the MSS depends on the path.
    SynAck {
        index: u32,
        generation: u32,
    },
    /// A SYN-ACK of which nothing is kept; the MSS that it announces is at most the one in it.
    Cookie(Bare),
}

/// Most replies that wait. Beyond it they are dropped: every one of them is sent again when asked again.
const MAX_REPLIES: usize = 1024;

/// Memory for the queues of connections at work.
struct Spares {
    send: Spare<sendbuf::Chunk>,
    recv: Spare<recvbuf::Chunk>,
    flight: Spare<scoreboard::Record>,
}

impl Spares {
    /// Before `conn` sends or receives.
    fn lend(&mut self, conn: &mut Conn) {
        self.send.lend(conn.sendbuf.queue());
        self.recv.lend(conn.recvbuf.queue());
        self.flight.lend(conn.board.queue());
    }

    /// After it did.
    fn take_back(&mut self, conn: &mut Conn) {
        self.send.take_back(conn.sendbuf.queue());
        self.recv.take_back(conn.recvbuf.queue());
        self.flight.take_back(conn.board.queue());
    }
}

/// All TCP sockets of a stack.
pub(crate) struct Tcp {
    socks: Slab<Socket>,
    requests: Slab<Request>,
    timewaits: Slab<(Tuple, TimeWait)>,
    demux: HashMap<Tuple, Target, KeyedHash>,
    /// Sockets in LISTEN that take IPv4 by address and port; several share one by SO_REUSEPORT.
    listeners: HashMap<SocketAddrV4, Vec<u32>, KeyedHash>,
    ports: Ports,
    sock_timers: Wheel,
    request_timers: Wheel,
    timewait_timers: Wheel,
    ready: VecDeque<u32>,
    replies: VecDeque<Reply>,
    events: VecDeque<(u32, u32)>,
    secrets: Secrets,
    hash: KeyedHash,
    pool: ChunkPool,
    memory: Memory,
    challenge: input::ChallengeLimit,
    /// The last search for a port that found none.
    exhausted: Option<connect::Exhausted>,
    spares: Spares,
    /// Settings that sockets share.
    settings: verbs::Settings,
    /// Connections with data or a FIN that the peer has not acknowledged.
    pending: usize,
    /// Connections whose user has let go.
    orphans: usize,
    /// Connections reset for there were too many of those, to be counted.
    orphans_refused: u64,
    /// Connections closed without TIME_WAIT, likewise.
    timewait_overflow: u64,
    /// The path MTU of the latest SYN cookie.
    cookie_mtu: u16,
    /// Cookies for Fast Open, and the key of those that we give.
    cookies: fastopen::Cache,
    fast_key: [u8; fastopen::KEY],
    ack_overdue: bool,
}

impl Tcp {
    /// No sockets. `secret` keys the ISN, port and table hashes: it must be random, or they can be guessed.
    /// `defaults` are the settings of a new socket.
    pub(crate) fn new(defaults: TcpOptions, secret: [u8; 32]) -> Tcp {
        let secrets = Secrets::new(secret);
        let hash = secrets.table_hash();
        let fast_key = secrets.fast_open_key();
        Tcp {
            socks: Slab::new(),
            requests: Slab::new(),
            timewaits: Slab::new(),
            demux: HashMap::with_hasher(hash),
            listeners: HashMap::with_hasher(hash),
            ports: Ports::new(hash),
            sock_timers: Wheel::new(),
            request_timers: Wheel::new(),
            timewait_timers: Wheel::new(),
            ready: VecDeque::new(),
            replies: VecDeque::new(),
            events: VecDeque::new(),
            secrets,
            hash,
            pool: ChunkPool::new(),
            memory: Memory::new(0),
            challenge: input::ChallengeLimit::new(hash),
            exhausted: None,
            spares: Spares { send: Spare::new(), recv: Spare::new(), flight: Spare::new() },
            settings: verbs::Settings::new(defaults),
            pending: 0,
            orphans: 0,
            orphans_refused: 0,
            timewait_overflow: 0,
            cookie_mtu: 0,
            cookies: fastopen::Cache::new(hash),
            fast_key,
            ack_overdue: false,
        }
    }

    /// Takes a segment. Answers are queued and leave with [`Tcp::poll_transmit`].
    pub(crate) fn on_segment(&mut self, now: Instant, seg: SegmentIn, counters: &mut Counters) {
        counters.tcp_in += u64::from(seg.segments());
        let tuple = Tuple {
            local: SocketAddrV4::new(seg.dst, seg.repr.dst_port),
            remote: SocketAddrV4::new(seg.src, seg.repr.src_port),
        };
        match self.demux.get(&tuple).copied() {
            Some(Target::Conn(index)) => self.conn_segment(now, index, seg, false, counters),
            Some(Target::Request(index)) => self.request_segment(now, index, tuple, seg, counters),
            Some(Target::TimeWait(index)) => self.timewait_segment(now, index, tuple, seg, counters),
            None => self.new_segment(now, tuple, seg, None, counters),
        }
    }

    /// A segment of no known connection: a listener's, or nobody's. `isn` is given when it ended a TIME_WAIT.
    fn new_segment(
        &mut self,
        now: Instant,
        tuple: Tuple,
        seg: SegmentIn,
        isn: Option<SeqNumber>,
        counters: &mut Counters,
    ) {
        match self.find_listener(&tuple) {
            Some(index) => self.listener_segment(now, index, tuple, seg, isn, counters),
            None => {
                counters.tcp_no_socket += 1;
                self.reply_reset(&tuple, &seg, counters);
            }
        }
    }

    /// `wanted`: a filter has let it in already.
    fn conn_segment(
        &mut self,
        now: Instant,
        index: u32,
        mut seg: SegmentIn,
        wanted: bool,
        counters: &mut Counters,
    ) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        if !wanted && !seg.may_enter(&sock.opts, counters) {
            return;
        }
        let orphan = sock.owner == Owner::Orphan;
        let Body::Conn(conn) = &mut sock.body else { return };
        self.spares.lend(conn);
        let mut cx = Cx {
            now,
            opts: &sock.opts,
            counters,
            pool: &mut self.pool,
            challenge: &mut self.challenge,
            orphan,
        };
        let reset = (conn.tuple, seg.repr, seg.seq_len());
        let disposition = conn.on_segment(&mut cx, seg);
        self.ack_overdue |= conn.ack_overdue();
        match disposition {
            Disposition::Accepted | Disposition::Dropped => {}
            Disposition::Reset => self.reply_reset_to(&reset.0, &reset.1, reset.2, counters),
        }
        self.settle(now, index);
    }

    /// True when the host should call [`Tcp::poll_transmit`] before it reads more frames: an acknowledgement is late (at most
    /// some 128 kB apart keep the sender's window moving), or there is an answer that waiting does not save, such as a
    /// SYN-ACK.
    pub(crate) fn ack_overdue(&self) -> bool {
        self.ack_overdue || !self.replies.is_empty()
    }

    /// Answers a segment that no connection wants.
    ///
    /// RFC 9293 section 3.10.7.1: "An incoming segment containing a RST is discarded. An incoming segment not
    /// containing a RST causes a RST to be sent in response. [...] If the ACK bit is off, sequence number
    /// zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. If the ACK bit is on,
    /// <SEQ=SEG.ACK><CTL=RST>."
    fn reply_reset(&mut self, tuple: &Tuple, seg: &SegmentIn, counters: &mut Counters) {
        self.reply_reset_to(tuple, &seg.repr, seg.seq_len(), counters);
    }

    fn reply_reset_to(&mut self, tuple: &Tuple, repr: &Repr, seq_len: usize, counters: &mut Counters) {
        if repr.flags.contains(Flags::RST) {
            return;
        }
        let (seq, ack, flags) = if repr.flags.contains(Flags::ACK) {
            (repr.ack, SeqNumber(0), Flags::RST)
        } else {
            (SeqNumber(0), repr.seq + seq_len, Flags::RST | Flags::ACK)
        };
        counters.tcp_resets_out += 1;
        self.push_reply(Reply::Segment(Bare {
            src: *tuple.local.ip(),
            dst: *tuple.remote.ip(),
            tos: 0,
            ttl: 64,
            repr: bare_repr(tuple, seq, ack, flags, 0),
        }));
    }

    fn push_reply(&mut self, reply: Reply) {
        if self.replies.len() < MAX_REPLIES {
            self.replies.push_back(reply);
        }
    }

    /// Hands out everything that may be sent now. `Err(Full)`: the device takes no more; call again when it
    /// does.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        ip: &mut dyn IpOutput,
        counters: &mut Counters,
    ) -> Result<(), Full> {
        self.ack_overdue = false;
        counters.tcp_orphans_refused += std::mem::take(&mut self.orphans_refused);
        counters.tcp_timewait_overflow += std::mem::take(&mut self.timewait_overflow);
        while let Some(reply) = self.replies.front().copied() {
            self.send_reply(now, reply, ip, counters)?;
            self.replies.pop_front();
        }
        while let Some(index) = self.ready.pop_front() {
            let Some(sock) = self.socks.get_mut(index) else { continue };
            sock.queued = false;
            let orphan = sock.owner == Owner::Orphan;
            let Body::Conn(conn) = &mut sock.body else { continue };
            self.spares.lend(conn);
            let mut cx = Cx {
                now,
                opts: &sock.opts,
                counters,
                pool: &mut self.pool,
                challenge: &mut self.challenge,
                orphan,
            };
            let result = conn.output(&mut cx, ip);
            self.settle(now, index);
            result?;
        }
        Ok(())
    }

    fn send_reply(
        &mut self,
        now: Instant,
        reply: Reply,
        ip: &mut dyn IpOutput,
        counters: &mut Counters,
    ) -> Result<(), Full> {
        let bare = match reply {
            Reply::Segment(bare) => bare,
            Reply::SynAck { index, generation } => {
                let Some(bare) = self.syn_ack(now, index, generation, ip) else { return Ok(()) };
                bare
            }
            Reply::Cookie(mut bare) => {
                self.cookie_mtu = ip.path_mtu(bare.dst);
                let fits = Conn::mss_for_mtu(self.cookie_mtu);
                bare.repr.options.mss = bare.repr.options.mss.map(|most| most.min(fits));
                bare
            }
        };
        ip.send_tcp(
            now,
            &TcpOut {
                src: bare.src,
                dst: bare.dst,
                tos: bare.tos,
                ttl: bare.ttl,
                repr: &bare.repr,
                payload: &[],
                gso_size: None,
                mtu_discover: Default::default(),
                confirm: false,
            },
        )?;
        counters.tcp_out += 1;
        Ok(())
    }

    /// When [`Tcp::on_timeout`] is due, if ever.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.sock_timers.peek(), self.request_timers.peek(), self.timewait_timers.peek()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Runs every timer that is due.
    pub(crate) fn on_timeout(&mut self, now: Instant, counters: &mut Counters) {
        while let Some(index) = self.sock_timers.pop_due(now) {
            let Some(sock) = self.socks.get_mut(index) else { continue };
            let orphan = sock.owner == Owner::Orphan;
            let Body::Conn(conn) = &mut sock.body else { continue };
            let mut cx = Cx {
                now,
                opts: &sock.opts,
                counters,
                pool: &mut self.pool,
                challenge: &mut self.challenge,
                orphan,
            };
            conn.on_timer(&mut cx);
            self.settle(now, index);
        }
        while let Some(index) = self.request_timers.pop_due(now) {
            self.request_timeout(now, index, counters);
        }
        while let Some(index) = self.timewait_timers.pop_due(now) {
            self.remove_timewait(index);
        }
    }

    /// The next socket with edges that nobody has seen yet.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        while let Some((index, generation)) = self.events.pop_front() {
            let Some(sock) = self.socks.get_gen_mut(index, generation) else { continue };
            sock.evented = false;
            let edges = std::mem::take(&mut sock.edges);
            if !edges.is_empty() {
                return Some(Event {
                    socket: SocketId { kind: crate::types::Kind::Tcp, index, generation },
                    edges,
                });
            }
        }
        None
    }

    /// True while any connection, orphans included, has data or a FIN that its peer has not acknowledged.
    pub(crate) fn pending_output(&self) -> bool {
        self.pending > 0
    }

    /// An ICMP error that quotes a segment of ours (RFC 9293 section 3.9.2.2, RFC 5927).
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn on_icmp_error(
        &mut self,
        now: Instant,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        seq: SeqNumber,
        error: IcmpError,
        counters: &mut Counters,
    ) {
        match self.demux.get(&Tuple { local, remote }).copied() {
            Some(Target::Conn(index)) => {
                let Some(sock) = self.socks.get_mut(index) else { return };
                let Body::Conn(conn) = &mut sock.body else { return };
                let soft = conn.on_icmp_error(now, seq, error, &sock.opts, counters);
                if soft.is_some() && sock.opts.recverr {
                    // IP_RECVERR (tcp(7)): told at once, and the connection goes on.
                    sock.error = soft;
                    sock.edges |= Readiness::ERR;
                }
                self.settle(now, index);
            }
            Some(Target::Request(index)) => self.request_icmp_error(index, seq, error, counters),
            // Nothing of it is in flight.
            Some(Target::TimeWait(_)) => counters.tcp_icmp_out_of_window += 1,
            None => counters.icmp_error_unmatched += 1,
        }
    }

    /// Carries what happened to a connection into the tables. Runs after everything that touches one.
    fn settle(&mut self, now: Instant, index: u32) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        let Body::Conn(conn) = &mut sock.body else {
            self.flush_edges(index);
            return;
        };
        self.spares.take_back(conn);
        conn.charge_memory(&self.memory);
        let pending = conn.has_pending_output();
        if pending != sock.counted_pending {
            sock.counted_pending = pending;
            self.pending = if pending { self.pending + 1 } else { self.pending.saturating_sub(1) };
        }
        let fast = conn.fast.is_some();
        if std::mem::take(&mut conn.send_rst) {
            let bare = conn.reset_segment(now, &sock.opts);
            self.push_reply(Reply::Segment(bare));
        }
        if fast {
            self.settle_fast_open(now, index);
        }
        let Some(sock) = self.socks.get_mut(index) else { return };
        let Body::Conn(conn) = &mut sock.body else { return };
        sock.edges |= std::mem::take(&mut conn.edges);
        if let Some(fate) = conn.fate.take() {
            self.retire(now, index, fate);
            return;
        }
        match conn.deadline() {
            Some(at) => self.sock_timers.set(index, at),
            None => self.sock_timers.cancel(index),
        }
        if conn.output_wanted && !sock.queued {
            sock.queued = true;
            self.ready.push_back(index);
        }
        if let Owner::Embryo(listener, generation) = sock.owner
            && conn.state != TcpState::SynReceived
        {
            self.enqueue_child(listener, generation, index);
            return;
        }
        self.flush_edges(index);
    }

    /// Takes a finished connection out of the tables. What the user may still read stays with his socket.
    fn retire(&mut self, now: Instant, index: u32, fate: Fate) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        let Body::Conn(conn) = &mut sock.body else { return };
        let tuple = conn.tuple;
        self.sock_timers.cancel(index);
        if self.demux.get(&tuple) == Some(&Target::Conn(index)) {
            self.demux.remove(&tuple);
        }
        let timewait = match fate {
            Fate::TimeWait { ack } => Some((conn.time_wait(&sock.opts), ack)),
            Fate::Closed => None,
        };
        if let Some(error) = conn.error.take() {
            sock.error = Some(error);
            sock.edges |= Readiness::ERR;
        }
        conn.finish(&mut self.pool);
        conn.charge_memory(&self.memory);
        self.spares.take_back(conn);
        sock.edges |= Readiness::IN | Readiness::OUT | Readiness::RDHUP | Readiness::HUP;
        if std::mem::take(&mut sock.counted_pending) {
            self.pending = self.pending.saturating_sub(1);
        }
        if let PortHold::Counted(hold) = sock.port {
            sock.port = PortHold::None;
            self.ports.release((hold, Use::Connection));
        }
        let owner = sock.owner;
        if let Some((timewait, ack)) = timewait {
            self.insert_timewait(now, tuple, timewait, ack);
        }
        match owner {
            Owner::User | Owner::Accepting => self.flush_edges(index),
            Owner::Orphan | Owner::Embryo(..) => self.free(index),
        }
    }

    /// Queues the socket's edges as an event for its user.
    fn flush_edges(&mut self, index: u32) {
        let Some(generation) = self.socks.generation(index) else { return };
        let Some(sock) = self.socks.get_mut(index) else { return };
        if sock.owner == Owner::User && !sock.edges.is_empty() && !sock.evented {
            sock.evented = true;
            self.events.push_back((index, generation));
        }
    }

    /// Forgets a socket altogether.
    fn free(&mut self, index: u32) {
        self.sock_timers.cancel(index);
        let Some(mut sock) = self.socks.remove(index) else { return };
        if sock.counted_orphan {
            self.orphans = self.orphans.saturating_sub(1);
        }
        if sock.counted_pending {
            self.pending = self.pending.saturating_sub(1);
        }
        match sock.port {
            PortHold::None => {}
            PortHold::Explicit(claim) => self.ports.release(claim),
            PortHold::Counted(hold) => self.ports.release((hold, Use::Connection)),
        }
        if let Body::Conn(conn) = &mut sock.body {
            if self.demux.get(&conn.tuple) == Some(&Target::Conn(index)) {
                self.demux.remove(&conn.tuple);
            }
            conn.finish(&mut self.pool);
        }
    }

    /// Every connection and listener, for lists.
    pub(crate) fn connections(
        &self,
    ) -> Vec<(SocketId, Option<SocketAddrV4>, Option<SocketAddrV4>, TcpState)> {
        self.socks
            .iter()
            .filter_map(|(index, generation, sock)| {
                let id = SocketId { kind: crate::types::Kind::Tcp, index, generation };
                match &sock.body {
                    Body::Closed => None,
                    Body::Listen(_) => Some((id, sock.local(), None, TcpState::Listen)),
                    Body::Conn(conn) if conn.state == TcpState::Closed => None,
                    Body::Conn(conn) => {
                        Some((id, Some(conn.tuple.local), Some(conn.tuple.remote), conn.state))
                    }
                }
            })
            .collect()
    }
}

/// A header without options.
fn bare_repr(tuple: &Tuple, seq: SeqNumber, ack: SeqNumber, flags: Flags, window: u16) -> Repr {
    Repr {
        src_port: tuple.local.port(),
        dst_port: tuple.remote.port(),
        seq,
        ack,
        flags,
        window,
        urgent: 0,
        options: Options::default(),
    }
}
