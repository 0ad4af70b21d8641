//! Listening sockets: half-open requests and the accept queue, as Linux has them.
//!
//! A SYN makes a [`Request`], some 200 bytes, not a connection: a flood of SYNs is bounded and cheap. The
//! final ACK of the handshake turns the request into a connection in SYN-RECEIVED, which then processes that
//! segment like any other. When the accept queue holds more than `backlog` connections, SYNs and final ACKs
//! are dropped: the client, who thinks that it is connected, sends again, and gets in when the user has
//! accepted some.
//!
//! A listener has as many requests as its backlog allows connections (inet_csk_reqsk_queue_is_full), and all together have
//! 4096; what exceeds that is answered by a SYN cookie (`cookies.rs`), of which nothing is kept. When more than half of the
//! room is taken by requests whose SYN-ACK had to be repeated, they are given fewer repetitions (reqsk_timer_handler), so that
//! there is room for those who answer at once. A SYN with a Fast Open cookie becomes a connection at once (`fastopen.rs`).
//!
//! Requests of a listener that is gone are found out when they are next touched.
//!
//! Deviation: a listener with a backlog of 0 has one request, where Linux uses cookies for all.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::cookies;
use super::fastopen::{Early, Welcome};
use super::ports::{Hold, Use};
use super::recvbuf::RecvBuf;
use super::rtt::{RTO_INITIAL, RTO_MAX};
use super::socket::{Body, Conn, Owner, PortHold, Socket};
use super::syn::syn_ack_limit;
use super::{Bare, IpOutput, Reply, SegmentIn, Target, Tcp, Tuple, bare_repr};
use crate::counters::Counters;
use crate::iface::icmp::IcmpError;
use crate::time::{Duration, Instant};
use crate::types::{Readiness, TcpOptions, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::{FastOpen, Flags, Options, Repr};

/// Half-open requests of all listeners.
const MAX_REQUESTS: usize = 4096;
/// Requests below which none is given up early.
const FEW_REQUESTS: usize = 8;
/// Least repetitions of the SYN-ACK when requests are given up early.
const LEAST_RETRIES: u8 = 2;
/// Least interval between answers to repeated SYNs of a request.
const AGAIN_INTERVAL: Duration = Duration::from_millis(500);

/// What a socket in LISTEN holds.
pub(super) struct Listener {
    pub port: u16,
    pub addr: Ipv4Addr,
    pub backlog: usize,
    /// Connections to accept, oldest first.
    pub children: VecDeque<u32>,
    /// Half-open requests.
    pub requests: usize,
    /// Those of them whose SYN-ACK was not repeated for want of an answer.
    pub young: usize,
    /// When a SYN was last answered by a cookie.
    pub overflow_at: Option<Instant>,
    /// With TCP_FASTOPEN, once it was used.
    pub early: Option<Box<Early>>,
}

impl Listener {
    /// True when accept(2) would answer.
    pub(super) fn has_child(&self) -> bool {
        !self.children.is_empty()
    }

    /// Linux's `sk_acceptq_is_full`: *more* than the backlog.
    fn is_full(&self) -> bool {
        self.children.len() > self.backlog
    }

    /// Linux's `inet_csk_reqsk_queue_is_full`.
    fn has_many_requests(&self) -> bool {
        self.requests >= self.backlog.max(1)
    }

    /// How often a SYN-ACK may be repeated, by `most` at best (reqsk_timer_handler).
    fn retries_left(&self, most: u8) -> u8 {
        let mut left = most;
        let mut young = self.young * 2;
        if self.requests * 2 > self.backlog.max(FEW_REQUESTS) {
            while left > LEAST_RETRIES && self.requests >= young {
                left -= 1;
                young *= 2;
            }
        }
        left
    }
}

/// A SYN that was answered, waiting for the final ACK.
pub(super) struct Request {
    listener: (u32, u32),
    tuple: Tuple,
    /// The header of the SYN.
    syn: Repr,
    /// TCP_SAVE_SYN: its IP and TCP header.
    saved: Option<Box<[u8]>>,
    /// When the client completed the handshake without data (TCP_DEFER_ACCEPT).
    acked_at: Option<Instant>,
    /// The SYN-ACK was sent again.
    resent: bool,
    iss: SeqNumber,
    ts_offset: u32,
    ts_recent: u32,
    pmtu: u16,
    /// The shift of our window, as the SYN-ACK said.
    rcv_wscale: u8,
    advmss: u16,
    retries: u8,
    /// When the SYN-ACK first left.
    sent_at: Option<Instant>,
    last_answer: Instant,
    /// For the first SYN-ACK.
    fast_open: Option<FastOpen>,
    /// Made again from a SYN cookie.
    from_cookie: bool,
}

impl Tcp {
    /// The listener for a segment: an exact address before the wildcard; among several (SO_REUSEPORT), by
    /// hash.
    pub(super) fn find_listener(&self, tuple: &Tuple) -> Option<u32> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, tuple.local.port());
        let list = self.listeners.get(&tuple.local).or_else(|| self.listeners.get(&any))?;
        if let [one] = list.as_slice() {
            return Some(*one);
        }
        let hash = std::hash::BuildHasher::hash_one(&self.hash, tuple);
        let chosen = hash.checked_rem(list.len() as u64)?;
        list.get(usize::try_from(chosen).ok()?).copied()
    }

    /// Enters a listener into the table of those that take IPv4.
    pub(super) fn link_listener(&mut self, index: u32) {
        if let Some(Socket { body: Body::Listen(l), opts, .. }) = self.socks.get(index)
            && !opts.v6only
        {
            self.listeners.entry(SocketAddrV4::new(l.addr, l.port)).or_default().push(index);
        }
    }

    /// Takes it out.
    pub(super) fn unlink_listener(&mut self, index: u32) {
        let Some(Socket { body: Body::Listen(l), .. }) = self.socks.get(index) else { return };
        let addr = SocketAddrV4::new(l.addr, l.port);
        if let Some(list) = self.listeners.get_mut(&addr) {
            list.retain(|i| *i != index);
            if list.is_empty() {
                self.listeners.remove(&addr);
            }
        }
    }

    /// RFC 9293 section 3.10.7.2: a segment for a socket in LISTEN.
    pub(super) fn listener_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        mut seg: SegmentIn,
        isn: Option<SeqNumber>,
        counters: &mut Counters,
    ) {
        let flags = seg.repr.flags;
        // "First, check for a RST: an incoming RST should be ignored. Return. Second, check for an ACK: any
        // acknowledgment is bad if it arrives on a connection still in the LISTEN state. An acceptable reset
        // segment should be formed. Third, check for a SYN". SYN with FIN is nonsense, as Linux has it.
        if flags.contains(Flags::RST) {
            return;
        }
        if flags.contains(Flags::ACK) {
            self.cookie_segment(now, index, tuple, seg, counters);
            return;
        }
        if !flags.contains(Flags::SYN) || flags.contains(Flags::FIN) {
            return;
        }
        let Some(generation) = self.socks.generation(index) else { return };
        let total = self.requests.len();
        let Some(Socket { body: Body::Listen(listener), opts, .. }) = self.socks.get_mut(index) else {
            return;
        };
        if !seg.may_enter(opts, counters) {
            return;
        }
        let save_syn = opts.save_syn;
        if listener.is_full() {
            counters.tcp_backlog_full += 1;
            return;
        }
        super::ecn::screen(&mut seg, opts.ecn);
        if (listener.has_many_requests() || total >= MAX_REQUESTS) && isn.is_none() {
            counters.tcp_requests_full += 1;
            listener.overflow_at = Some(now);
            self.answer_by_cookie(now, index, &tuple, &seg.repr, counters);
            return;
        }
        let option = seg.repr.options.fast_open;
        let shift = seg.repr.options.window_scale.map_or(0, |_| RecvBuf::window_shift(opts));
        let welcome = if opts.fast_open == 0 {
            Welcome::Later(None)
        } else {
            let ends = (*tuple.remote.ip(), *tuple.local.ip());
            self.welcome(now, index, ends, (option, !seg.payload.is_empty()), counters)
        };
        let saved = save_syn.then(|| seg.head.to_vec().into_boxed_slice());
        let iss = isn.unwrap_or_else(|| self.secrets.isn(&tuple, now));
        let mut request = self.request(now, (index, generation), tuple, seg.repr, iss);
        request.rcv_wscale = shift;
        request.saved = saved;
        counters.tcp_requests += 1;
        match welcome {
            Welcome::Now(cookie) => {
                self.open_early(now, request, cookie, std::mem::take(&mut seg.payload), counters);
                return;
            }
            Welcome::Later(cookie) => request.fast_open = cookie,
        }
        if let Some(Socket { body: Body::Listen(listener), .. }) = self.socks.get_mut(index) {
            listener.requests += 1;
            listener.young += 1;
        }
        let (request, generation) = self.requests.insert(request);
        self.demux.insert(tuple, Target::Request(request));
        self.request_timers.set(request, now + RTO_INITIAL);
        self.push_reply(Reply::SynAck { index: request, generation });
    }

    fn request(
        &self,
        now: Instant,
        listener: (u32, u32),
        tuple: Tuple,
        syn: Repr,
        iss: SeqNumber,
    ) -> Request {
        Request {
            listener,
            tuple,
            saved: None,
            acked_at: None,
            resent: false,
            iss,
            ts_offset: self.secrets.timestamp_offset(*tuple.local.ip(), *tuple.remote.ip()),
            ts_recent: syn.options.timestamps.map_or(0, |t| t.0),
            syn,
            pmtu: 0,
            rcv_wscale: 0,
            advmss: 0,
            retries: 0,
            sent_at: None,
            last_answer: now,
            fast_open: None,
            from_cookie: false,
        }
    }

    /// A connection of a SYN with a Fast Open cookie: it waits to be accepted before its handshake is over.
    fn open_early(
        &mut self,
        now: Instant,
        request: Request,
        cookie: Option<FastOpen>,
        data: crate::buf::Buf,
        counters: &mut Counters,
    ) {
        let (listener, generation) = request.listener;
        let Some(child) = self.adopt(now, request, Owner::Accepting) else { return };
        let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_mut(child) else { return };
        // Neither the SYN-ACK has left nor a clock runs.
        conn.snd_nxt = conn.iss;
        conn.retransmit_at = None;
        conn.begin_early((listener, generation), cookie, data, &mut self.pool);
        counters.tcp_fastopen_passive += 1;
        self.note_early(listener);
        self.enqueue_child(listener, generation, child);
        self.settle(now, child);
    }

    /// Answers a SYN of which nothing is kept.
    fn answer_by_cookie(
        &mut self,
        now: Instant,
        listener: u32,
        tuple: &Tuple,
        syn: &Repr,
        counters: &mut Counters,
    ) {
        let Some(sock) = self.socks.get(listener) else { return };
        let mss = syn.options.mss.unwrap_or(super::socket::DEFAULT_MSS);
        let (iss, _) = cookies::make(&self.secrets, now, tuple, syn.seq, mss);
        let mut syn = *syn;
        let offset = self.secrets.timestamp_offset(*tuple.local.ip(), *tuple.remote.ip());
        let ecn = super::ecn::agree_to(&syn) != Flags::NONE;
        let stamp = cookies::stamp(now.millis() as u32, &syn.options, ecn).wrapping_add(offset);
        if syn.options.timestamps.is_none() {
            // Nowhere to keep them (tcp_clear_options).
            syn.options = Options { mss: syn.options.mss, ..Options::default() };
            syn.flags = Flags::SYN;
        }
        counters.tcp_syn_cookies_out += 1;
        let most = sock.opts.maxseg.unwrap_or(u16::MAX);
        let bare = syn_ack_to(tuple, &syn, iss, stamp, most, &sock.opts);
        self.push_reply(Reply::Cookie(bare));
    }

    /// An ACK that no connection and no request knows: of a SYN cookie, if they were given lately (cookie_v4_check).
    fn cookie_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        mut seg: SegmentIn,
        counters: &mut Counters,
    ) {
        let refused = |tcp: &mut Tcp, seg: &SegmentIn, counters: &mut Counters| {
            counters.tcp_no_socket += 1;
            tcp.reply_reset(&tuple, seg, counters);
        };
        let (Some(generation), Some(Socket { body: Body::Listen(listener), opts, .. })) =
            (self.socks.generation(index), self.socks.get(index))
        else {
            return;
        };
        let recent = listener.overflow_at.is_some_and(|at| now.since(at) <= cookies::VALID);
        if !recent || seg.repr.flags.contains(Flags::SYN) {
            refused(self, &seg, counters);
            return;
        }
        if !seg.may_enter(opts, counters) {
            return;
        }
        let (irs, iss) = (seg.repr.seq - 1, seg.repr.ack - 1);
        let Some(mss) = cookies::check(&self.secrets, now, &tuple, irs, iss) else {
            counters.tcp_syn_cookies_bad += 1;
            refused(self, &seg, counters);
            return;
        };
        counters.tcp_syn_cookies_in += 1;
        if listener.is_full() {
            counters.tcp_backlog_full += 1;
            return;
        }
        // The SYN, as far as it is known.
        let mut syn = bare_repr(&tuple, irs, SeqNumber(0), Flags::SYN, seg.repr.window);
        (syn.src_port, syn.dst_port) = (tuple.remote.port(), tuple.local.port());
        if let Some((val, ecr)) = seg.repr.options.timestamps {
            let offset = self.secrets.timestamp_offset(*tuple.local.ip(), *tuple.remote.ip());
            let (options, ecn) = cookies::unstamp(ecr.wrapping_sub(offset));
            syn.options = Options { timestamps: Some((val, 0)), ..options };
            if ecn {
                syn.flags |= Flags::ECE | Flags::CWR;
            }
        }
        syn.options.mss = Some(mss);
        let most = opts.maxseg.unwrap_or(u16::MAX);
        let shift = syn.options.window_scale.map_or(0, |_| RecvBuf::window_shift(opts));
        let mut request = self.request(now, (index, generation), tuple, syn, iss);
        request.from_cookie = true;
        request.pmtu = self.cookie_mtu;
        request.advmss = Conn::mss_for_mtu(request.pmtu).min(most);
        request.rcv_wscale = shift;
        if let Some(child) = self.adopt(now, request, Owner::Embryo(index, generation)) {
            self.conn_segment(now, child, seg, true, counters);
        }
    }

    /// The SYN-ACK of a request, for the path as it is now.
    pub(super) fn syn_ack(
        &mut self,
        now: Instant,
        index: u32,
        generation: u32,
        ip: &dyn IpOutput,
    ) -> Option<Bare> {
        let request = self.requests.get_gen_mut(index, generation)?;
        let sock = self.socks.get_gen(request.listener.0, request.listener.1)?;
        let tuple = request.tuple;
        let peer = *tuple.remote.ip();
        request.pmtu = if sock.opts.mtu_discover.uses_path() { ip.path_mtu(peer) } else { ip.link_mtu(peer) };
        request.advmss = Conn::mss_for_mtu(request.pmtu).min(sock.opts.maxseg.unwrap_or(u16::MAX));
        request.sent_at.get_or_insert(now);
        let clock = (now.millis() as u32).wrapping_add(request.ts_offset);
        let mut bare = syn_ack_to(&tuple, &request.syn, request.iss, clock, request.advmss, &sock.opts);
        if let Some((_, echo)) = &mut bare.repr.options.timestamps {
            *echo = request.ts_recent;
        }
        bare.repr.options.fast_open = request.fast_open.take();
        bare.repr.options.window_scale = request.syn.options.window_scale.map(|_| request.rcv_wscale);
        Some(bare)
    }

    /// A segment of a half-open request (Linux: `tcp_check_req`).
    pub(super) fn request_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        mut seg: SegmentIn,
        counters: &mut Counters,
    ) {
        let Some(generation) = self.requests.generation(index) else { return };
        let Some(request) = self.requests.get_mut(index) else { return };
        let (repr, flags) = (seg.repr, seg.repr.flags);
        if self.socks.get_gen(request.listener.0, request.listener.1).is_none() {
            self.remove_request(index);
            self.new_segment(now, tuple, seg, None, counters);
            return;
        }
        let Some(sock) = self.socks.get_gen(request.listener.0, request.listener.1) else { return };
        if !seg.may_enter(&sock.opts, counters) {
            return;
        }
        let window = first_window(&sock.opts);
        let rcv_nxt = request.syn.seq + 1;
        let repeated_syn = flags.contains(Flags::SYN)
            && !flags.intersects(Flags::ACK | Flags::RST)
            && repr.seq == request.syn.seq;
        if repeated_syn {
            // The SYN-ACK was lost.
            if now.since(request.last_answer) >= AGAIN_INTERVAL {
                request.last_answer = now;
                request.resent = true;
                if let Some((val, _)) = repr.options.timestamps {
                    request.ts_recent = val;
                }
                self.push_reply(Reply::SynAck { index, generation });
            }
            return;
        }
        let old = match (request.syn.options.timestamps, repr.options.timestamps) {
            (Some(_), Some((val, _))) => (val.wrapping_sub(request.ts_recent) as i32) < 0,
            _ => false,
        };
        let end = repr.seq + seg.seq_len();
        // tcp_in_window: what the connection would not take must not make one, which nothing would count.
        let edge = rcv_nxt + usize::from(window);
        let in_window = repr.seq == rcv_nxt
            || (end.gt(rcv_nxt) && repr.seq.lt(edge))
            || (repr.seq == edge && end == edge);
        if (old && !flags.contains(Flags::RST)) || !in_window {
            // "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless
            // the RST bit is set [...])".
            if !flags.contains(Flags::RST) && now.since(request.last_answer) >= AGAIN_INTERVAL {
                request.last_answer = now;
                let (iss, ts) = (request.iss, request.ts_recent);
                let clock = (now.millis() as u32).wrapping_add(request.ts_offset);
                let has_ts = request.syn.options.timestamps.is_some();
                // RFC 7323 section 2.2: the window of a segment without SYN is scaled.
                let mut ack = bare_repr(&tuple, iss + 1, rcv_nxt, Flags::ACK, window >> request.rcv_wscale);
                ack.options.timestamps = has_ts.then_some((clock, ts));
                self.push_reply(Reply::Segment(Bare {
                    src: *tuple.local.ip(),
                    dst: *tuple.remote.ip(),
                    tos: 0,
                    ttl: 64,
                    repr: ack,
                }));
            }
            counters.tcp_out_of_window += 1;
            return;
        }
        if flags.contains(Flags::RST) {
            // RFC 5961 section 3.2; RFC 9293: "If this connection was initiated with a passive OPEN, then
            // return this connection to the LISTEN state".
            if repr.seq == rcv_nxt {
                counters.tcp_resets_in += 1;
                self.remove_request(index);
            }
            return;
        }
        if flags.contains(Flags::SYN) {
            // Linux: a SYN in the window ends the request, and says so.
            self.remove_request(index);
            self.reply_reset(&tuple, &seg, counters);
            return;
        }
        if !flags.contains(Flags::ACK) {
            return;
        }
        if repr.ack != request.iss + 1 {
            // "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>".
            self.reply_reset(&tuple, &seg, counters);
            return;
        }
        let (full, defer) = match self.socks.get(request.listener.0) {
            Some(Socket { body: Body::Listen(listener), opts, .. }) => {
                (listener.is_full(), opts.defer_accept)
            }
            _ => (true, 0),
        };
        if request.retries < defer && end == rcv_nxt {
            // TCP_DEFER_ACCEPT: a bare ACK does not open the connection (tcp_check_req).
            request.acked_at.get_or_insert(now);
            counters.tcp_deferred += 1;
            return;
        }
        if full {
            counters.tcp_backlog_full += 1;
            return;
        }
        if let Some(child) = self.promote(now, index) {
            self.conn_segment(now, child, seg, true, counters);
        }
    }

    /// Makes a connection of a request.
    fn promote(&mut self, now: Instant, index: u32) -> Option<u32> {
        let (listener, generation) = self.requests.get(index)?.listener;
        self.socks.get_gen(listener, generation)?;
        let request = self.remove_request(index)?;
        self.adopt(now, request, Owner::Embryo(listener, generation))
    }

    /// Makes a connection in SYN-RECEIVED of a request that the tables do not have.
    fn adopt(&mut self, now: Instant, request: Request, owner: Owner) -> Option<u32> {
        let (listener, generation) = request.listener;
        let mut opts = self.socks.get_gen(listener, generation)?.opts.clone();
        if opts.fast_open > 0 || opts.fast_open_key.is_some() {
            // inet_csk_clone_lock: these are the listener's own.
            opts = self.settings.share(TcpOptions { fast_open: 0, fast_open_key: None, ..(*opts).clone() });
        }
        let tuple = request.tuple;
        let mut conn = Conn::new(tuple, request.iss, request.ts_offset, &opts, now);
        conn.take_syn(now, &request.syn);
        conn.rcv_wscale = request.rcv_wscale;
        conn.saved_syn = request.saved.map(Box::new);
        conn.ts.recent = request.ts_recent;
        conn.state = TcpState::SynReceived;
        conn.snd_nxt = request.iss + 1;
        conn.snd_wnd = u32::from(request.syn.window);
        conn.max_window = conn.snd_wnd;
        conn.snd_wl1 = request.syn.seq;
        conn.pmtu = request.pmtu;
        conn.advmss = request.advmss;
        conn.retries = request.retries;
        conn.from_cookie = request.from_cookie;
        // Should the segment at hand not establish it after all, it lives on as a request would.
        conn.backoff = request.retries;
        conn.retransmit_at = Some(now + RTO_INITIAL);
        if !request.resent {
            // A round trip ends with the acknowledgement, not with the data that TCP_DEFER_ACCEPT waits for.
            let waited = request.acked_at.map_or(Duration::ZERO, |at| now.since(at));
            conn.syn_sent_at = request.sent_at.map(|at| at + waited);
        }
        let hold = Hold::new(tuple.local, &opts);
        self.ports.hold((hold, Use::Connection));
        let mut sock = Socket::new(opts, owner, Body::Conn(Box::new(conn)));
        sock.port = PortHold::Counted(hold);
        let (child, _) = self.socks.insert(sock);
        self.demux.insert(tuple, Target::Conn(child));
        Some(child)
    }

    /// A child's handshake is over: it waits to be accepted.
    pub(super) fn enqueue_child(&mut self, listener: u32, generation: u32, child: u32) {
        let Some(Socket { body: Body::Listen(l), edges, .. }) = self.socks.get_gen_mut(listener, generation)
        else {
            // The listener went in between.
            self.kill(child);
            return;
        };
        l.children.push_back(child);
        *edges |= Readiness::IN;
        if let Some(sock) = self.socks.get_mut(child) {
            sock.owner = Owner::Accepting;
        }
        self.flush_edges(listener);
    }

    /// Retransmits the SYN-ACK, or gives up.
    pub(super) fn request_timeout(&mut self, now: Instant, index: u32, counters: &mut Counters) {
        let Some(generation) = self.requests.generation(index) else { return };
        let Some(request) = self.requests.get_mut(index) else { return };
        let listener = self.socks.get_gen(request.listener.0, request.listener.1);
        let defer = listener.map_or(0, |l| l.opts.defer_accept);
        let most = match listener {
            Some(Socket { body: Body::Listen(l), opts, .. }) => l.retries_left(syn_ack_limit(opts, 0)),
            _ => 0,
        };
        // syn_ack_recalc: who completed the handshake is asked again only when the time to wait for data is nearly over,
        // so that the answer opens the connection.
        let waits = defer > 0 && request.acked_at.is_some();
        let (expired, again) = (
            request.retries >= most && (!waits || request.retries >= defer),
            !waits || request.retries >= defer - 1,
        );
        if listener.is_none() || expired {
            counters.tcp_requests_expired += 1;
            self.remove_request(index);
            return;
        }
        let grows_old = request.retries == 0;
        let owner = request.listener;
        request.retries += 1;
        let wait = (RTO_INITIAL * (1 << request.retries.min(7))).min(RTO_MAX);
        self.request_timers.set(index, now + wait);
        if grows_old
            && let Some(Socket { body: Body::Listen(l), .. }) = self.socks.get_gen_mut(owner.0, owner.1)
        {
            l.young = l.young.saturating_sub(1);
        }
        let Some(request) = self.requests.get_mut(index) else { return };
        if !again {
            return;
        }
        request.last_answer = now;
        request.resent = true;
        counters.tcp_syn_retransmits += 1;
        self.push_reply(Reply::SynAck { index, generation });
    }

    /// Linux removes a request silently when its SYN-ACK finds no way; accept(2) does not report it.
    pub(super) fn request_icmp_error(
        &mut self,
        index: u32,
        seq: SeqNumber,
        error: IcmpError,
        counters: &mut Counters,
    ) {
        let Some(request) = self.requests.get(index) else { return };
        if seq != request.iss {
            counters.tcp_icmp_out_of_window += 1;
            return;
        }
        if matches!(error, IcmpError::NetUnreachable | IcmpError::HostUnreachable | IcmpError::TimeExceeded) {
            counters.tcp_icmp_aborts += 1;
            self.remove_request(index);
        }
    }

    /// Half-open requests of a listener from before it was shut down, and those whose SYN-ACK was not repeated.
    pub(super) fn requests_of(&self, listener: (u32, u32)) -> (usize, usize) {
        let own = || self.requests.iter().filter(|(_, _, request)| request.listener == listener);
        (own().count(), own().filter(|(_, _, request)| request.retries == 0).count())
    }

    pub(super) fn remove_request(&mut self, index: u32) -> Option<Request> {
        self.request_timers.cancel(index);
        let request = self.requests.remove(index)?;
        if self.demux.get(&request.tuple) == Some(&Target::Request(index)) {
            self.demux.remove(&request.tuple);
        }
        if let Some(Socket { body: Body::Listen(listener), .. }) =
            self.socks.get_gen_mut(request.listener.0, request.listener.1)
        {
            listener.requests = listener.requests.saturating_sub(1);
            if request.retries == 0 {
                listener.young = listener.young.saturating_sub(1);
            }
        }
        Some(request)
    }
}

/// The window of a SYN-ACK, which is not scaled.
fn first_window(opts: &TcpOptions) -> u16 {
    let clamp = u16::try_from(super::socket::limit(opts.window_clamp)).unwrap_or(u16::MAX);
    RecvBuf::first_window(opts.rcvbuf).min(clamp)
}

/// The SYN-ACK that answers `syn`; `clock` is our timestamp.
fn syn_ack_to(tuple: &Tuple, syn: &Repr, iss: SeqNumber, clock: u32, advmss: u16, opts: &TcpOptions) -> Bare {
    let flags = Flags::SYN | Flags::ACK | super::ecn::agree_to(syn);
    let mut repr = bare_repr(tuple, iss, syn.seq + 1, flags, first_window(opts));
    repr.options = Options {
        mss: Some(advmss),
        window_scale: syn.options.window_scale.map(|_| RecvBuf::window_shift(opts)),
        sack_permitted: syn.options.sack_permitted,
        timestamps: syn.options.timestamps.map(|(val, _)| (clock, val)),
        ..Options::default()
    };
    Bare { src: *tuple.local.ip(), dst: *tuple.remote.ip(), tos: opts.tos, ttl: opts.ttl, repr }
}
