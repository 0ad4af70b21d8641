//! TCP Fast Open (RFC 7413): data with the SYN, for a peer who proves by a cookie that he has been here before.
//!
//! *Server.* A listener with TCP_FASTOPEN gives a cookie to who asks for one, a keyed hash of both addresses, the same that
//! Linux computes, so that servers may share a key. A SYN with the right one makes a child at once: its data can be read,
//! accept(2) returns it, and it may answer, all before the handshake is over ([`Conn::is_early_child`]). Beyond the limit
//! that TCP_FASTOPEN sets, children whose handshake is not over are made the ordinary way; one that the peer has reset
//! counts for another minute, since that is what spoofed SYNs with a cookie lead to (section 5.1).
//!
//! *Client.* sendto with MSG_FASTOPEN, or the first write after a connect with TCP_FASTOPEN_CONNECT, puts as much as fits
//! into the SYN when the peer's cookie is known; otherwise the SYN asks for one. What the SYN-ACK does not acknowledge is
//! sent again as ordinary data, and a SYN that is repeated carries neither data nor option (section 4.1.3). Where
//! that happens more than once in a row something on the path drops such SYNs: the peer is not offered any for two minutes,
//! then four and so on, as Linux did until 4.11. (Since then it pauses all of Fast Open instead, by
//! tcp_fastopen_blackhole_timeout_sec, which is 0 by default: never.)
//!
//! Limits: the experimental option 254 is not spoken; a file (sendfile) that is the first to be written follows the SYN; the
//! cache of cookies is the stack's own and has 1024 peers. The listener's own wish decides, where Linux's net.ipv4.tcp_fastopen
//! would have to have bit 2 as well.

use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::net::{Ipv4Addr, SocketAddrV4};

use siphasher::sip::SipHasher24;

use super::isn::KeyedHash;
use super::scoreboard::Scoreboard;
use super::socket::{Body, Conn, Owner, Socket};
use super::{Cx, Tcp};
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::time::{Duration, Instant};
use crate::types::{SocketId, TcpOptions, TcpState};
use crate::wire::tcp::{FastOpen, MAX_OPTIONS, Repr};

/// Bytes of a key (TCP_FASTOPEN_KEY_LENGTH).
pub(super) const KEY: usize = 16;
/// How long a child that was reset counts.
const RESET_COUNTS: Duration = Duration::from_secs(60);
/// Peers whose cookie is kept.
const MAX_PEERS: usize = 1024;

/// Why the data of a SYN was of no use (tcpi_fastopen_client_fail).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Fail {
    #[default]
    None,
    /// TFO_COOKIE_UNAVAILABLE
    NoCookie,
    /// TFO_DATA_NOT_ACKED
    NotAcked,
    /// TFO_SYN_RETRANSMITTED
    SynRepeated,
}

/// What a SYN-ACK told of Fast Open.
struct News {
    cookie: Option<FastOpen>,
    mss: Option<u16>,
    /// The SYN with data is likely to have been dropped.
    lost: bool,
}

/// What a connection that has to do with Fast Open knows of it.
#[derive(Default)]
pub(super) struct Fast {
    /// The SYN waits for the first write.
    pub deferred: bool,
    /// The option of the SYN or SYN-ACK to be sent; not repeated.
    pub option: Option<FastOpen>,
    /// Our SYN has had the option.
    asked: bool,
    /// Data that goes with our SYN, bytes.
    pub in_syn: usize,
    /// Data of a SYN, ours or the peer's, has arrived.
    pub data_acked: bool,
    pub fail: Fail,
    /// A server's child: the listener (index, generation) that counts it, until the handshake is over.
    listener: Option<(u32, u32)>,
    news: Option<News>,
}

/// A listener's children whose handshake is not over.
#[derive(Default)]
pub(super) struct Early {
    pending: u32,
    /// Until when those count that the peer has reset.
    resets: VecDeque<Instant>,
}

impl Early {
    /// With so many children from before the listener was shut down.
    pub(super) fn with(pending: usize) -> Early {
        Early { pending: u32::try_from(pending).unwrap_or(u32::MAX), ..Early::default() }
    }

    /// Those whose handshake is not over.
    pub(super) fn pending(&self) -> u32 {
        self.pending
    }

    /// tcp_fastopen_queue_check: whether one more may be made.
    fn has_room(&mut self, now: Instant, most: u32) -> bool {
        let counted = self.pending.saturating_add(u32::try_from(self.resets.len()).unwrap_or(u32::MAX));
        if counted < most {
            return true;
        }
        // One whose time is over makes room for one.
        if self.resets.front().is_some_and(|until| *until <= now) {
            self.resets.pop_front();
            return true;
        }
        false
    }
}

/// What a listener does with a SYN.
pub(super) enum Welcome {
    /// It becomes a connection now. The SYN-ACK may bring a newer cookie.
    Now(Option<FastOpen>),
    /// The ordinary way; the SYN-ACK may bring a cookie.
    Later(Option<FastOpen>),
}

/// The cookie of `client` under a key of 16 bytes (tcp_fastopen_cookie_gen).
fn cookie(key: &[u8], client: Ipv4Addr, server: Ipv4Addr) -> Option<FastOpen> {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |w, b| w << 8 | u64::from(*b));
    let mut hasher = SipHasher24::new_with_keys(word(key.get(..8)?), word(key.get(8..KEY)?));
    hasher.write(&client.octets());
    hasher.write(&server.octets());
    FastOpen::new(&hasher.finish().to_le_bytes())
}

/// What is known of a peer.
struct Peer {
    cookie: Option<FastOpen>,
    mss: u16,
    /// SYNs with data lost in a row, and when the last one was.
    losses: u32,
    last_loss: Instant,
    /// Number of the use that was the latest.
    used: u64,
}

/// The client's cookies.
pub(super) struct Cache {
    peers: HashMap<Ipv4Addr, Peer, KeyedHash>,
    uses: u64,
}

/// What the next SYN to a peer may do.
enum Offer {
    /// Carry data, up to so many bytes, beside this option.
    Data(Option<FastOpen>, u16),
    /// Ask for a cookie.
    Ask,
    /// Neither: such SYNs get lost.
    Plain,
}

impl Cache {
    pub(super) fn new(hash: KeyedHash) -> Cache {
        Cache { peers: HashMap::with_hasher(hash), uses: 0 }
    }

    fn offer(&mut self, now: Instant, peer: Ipv4Addr, no_cookie: bool) -> Offer {
        self.uses += 1;
        let uses = self.uses;
        let known = self.peers.get_mut(&peer);
        if let Some(known) = &known
            && known.losses > 1
            && now < known.last_loss + Duration::from_secs(60) * (1 << known.losses.min(10))
        {
            return Offer::Plain;
        }
        let mss = known.as_ref().map_or(u16::MAX, |p| p.mss);
        if no_cookie {
            return Offer::Data(None, mss);
        }
        match known {
            Some(Peer { cookie: Some(cookie), used, .. }) => {
                *used = uses;
                Offer::Data(Some(*cookie), mss)
            }
            _ => Offer::Ask,
        }
    }

    /// tcp_fastopen_cache_set
    fn learn(&mut self, now: Instant, peer: Ipv4Addr, news: &News) {
        if !self.peers.contains_key(&peer) {
            if news.cookie.is_none() && !news.lost {
                return;
            }
            if self.peers.len() >= MAX_PEERS {
                let oldest = self.peers.iter().min_by_key(|(_, p)| p.used).map(|(ip, _)| *ip);
                if let Some(oldest) = oldest {
                    self.peers.remove(&oldest);
                }
            }
        }
        self.uses += 1;
        let entry = self.peers.entry(peer).or_insert(Peer {
            cookie: None,
            mss: u16::MAX,
            losses: 0,
            last_loss: now,
            used: 0,
        });
        entry.used = self.uses;
        if let Some(mss) = news.mss {
            entry.mss = mss;
        }
        if news.cookie.is_some() {
            entry.cookie = news.cookie;
        }
        if news.lost {
            entry.losses = entry.losses.saturating_add(1);
            entry.last_loss = now;
        } else {
            entry.losses = 0;
        }
    }

    /// Peers known.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }
}

impl Tcp {
    /// The keys that make and prove cookies, the first of them makes: the listener's or the stack's.
    #[cfg(test)]
    pub(crate) fn fast_open_keys(&self, id: SocketId) -> Result<&[u8]> {
        Ok(self.sock(id)?.opts.fast_open_key.as_deref().unwrap_or(&self.fast_key))
    }

    /// tcp_try_fastopen: what the listener `index` makes of a SYN.
    pub(super) fn welcome(
        &mut self,
        now: Instant,
        index: u32,
        (client, server): (Ipv4Addr, Ipv4Addr),
        (option, data): (Option<FastOpen>, bool),
        counters: &mut Counters,
    ) -> Welcome {
        let Some(Socket { body: Body::Listen(listener), opts, .. }) = self.socks.get_mut(index) else {
            return Welcome::Later(None);
        };
        if option.is_none() && !data || opts.fast_open == 0 {
            return Welcome::Later(None);
        }
        if !listener.early.get_or_insert_default().has_room(now, opts.fast_open) {
            counters.tcp_fastopen_overflow += 1;
            return Welcome::Later(None);
        }
        if opts.fast_open_no_cookie {
            return Welcome::Now(None);
        }
        let Some(option) = option else { return Welcome::Later(None) };
        let keys = opts.fast_open_key.as_deref().unwrap_or(&self.fast_key);
        let mut valid = keys.chunks_exact(KEY).map(|key| cookie(key, client, server));
        let first = valid.next().flatten();
        if option.is_request() {
            counters.tcp_fastopen_cookies_out += 1;
            return Welcome::Later(first);
        }
        if first == Some(option) {
            return Welcome::Now(None);
        }
        if valid.any(|c| c == Some(option)) {
            return Welcome::Now(first);
        }
        counters.tcp_fastopen_bad_cookies += 1;
        Welcome::Later(first)
    }

    /// Children of a listener (index, generation) whose handshake is not over.
    pub(super) fn early_of(&self, listener: (u32, u32)) -> usize {
        let fast = |sock: &Socket| match &sock.body {
            Body::Conn(conn) => conn.fast.as_ref().is_some_and(|fast| fast.listener == Some(listener)),
            _ => false,
        };
        self.socks.iter().filter(|(_, _, sock)| fast(sock)).count()
    }

    /// A child was made of a SYN, for the listener `index`.
    pub(super) fn note_early(&mut self, index: u32) {
        if let Some(Socket { body: Body::Listen(listener), .. }) = self.socks.get_mut(index) {
            listener.early.get_or_insert_default().pending += 1;
        }
    }

    /// What a connection with Fast Open has to tell the set.
    #[cold]
    pub(super) fn settle_fast_open(&mut self, now: Instant, index: u32) {
        let Some(sock) = self.socks.get_mut(index) else { return };
        let Body::Conn(conn) = &mut sock.body else { return };
        let peer = *conn.tuple.remote.ip();
        let over = conn.state != TcpState::SynReceived;
        let reset = conn.error == Some(Error::ConnectionReset) && sock.owner == Owner::User;
        let Some(fast) = &mut conn.fast else { return };
        if let Some(news) = fast.news.take() {
            self.cookies.learn(now, peer, &news);
        }
        if !over {
            return;
        }
        let Some((listener, generation)) = fast.listener.take() else { return };
        if let Some(Socket { body: Body::Listen(l), .. }) = self.socks.get_gen_mut(listener, generation)
            && let Some(early) = &mut l.early
        {
            // reqsk_fastopen_remove
            early.pending = early.pending.saturating_sub(1);
            if reset {
                early.resets.push_back(now + RESET_COUNTS);
            }
        }
    }

    /// connect(2) has begun for a socket with TCP_FASTOPEN_CONNECT: true when the SYN waits for the first write.
    pub(super) fn defer_connect(&mut self, now: Instant, opts: &TcpOptions, conn: &mut Conn) -> bool {
        let mut fast = Fast::default();
        match self.cookies.offer(now, *conn.tuple.remote.ip(), opts.fast_open_no_cookie) {
            Offer::Data(..) => fast.deferred = true,
            Offer::Ask => {
                fast.option = Some(FastOpen::REQUEST);
                fast.asked = true;
                fast.fail = Fail::NoCookie;
            }
            Offer::Plain => {}
        }
        let deferred = fast.deferred;
        conn.fast = Some(Box::new(fast));
        deferred
    }

    /// True when connect(2) has returned and the SYN waits for the first write (TCP_FASTOPEN_CONNECT).
    pub(crate) fn is_deferred(&self, id: SocketId) -> bool {
        matches!(self.sock(id), Ok(Socket { body: Body::Conn(conn), .. }) if conn.is_deferred())
    }

    /// send(2) with MSG_FASTOPEN, or the first one after a deferred connect: begins to connect (`to` is remote, source and
    /// path MTU, as [`Tcp::connect`] takes them) and answers how many bytes go with the SYN.
    ///
    /// # Errors
    /// Those of [`Tcp::connect`], but for `InProgress`, which is success. `Ok(0)` for a connection that came about in between.
    pub(crate) fn send_fast_open(
        &mut self,
        now: Instant,
        id: SocketId,
        to: Option<(SocketAddrV4, Ipv4Addr, u16)>,
        data: &[u8],
    ) -> Result<usize> {
        if !self.is_deferred(id) {
            let begun = match to {
                Some((remote, source, mtu)) => self.connect(now, id, remote, source, mtu),
                None => self.outcome(id),
            };
            match begun {
                Err(Error::InProgress) => {}
                Ok(()) if self.is_deferred(id) => {}
                other => return other.map(|()| 0),
            }
        }
        let Some(Socket { body: Body::Conn(conn), opts, .. }) =
            self.socks.get_gen_mut(id.index, id.generation)
        else {
            return Err(Error::BadSocket);
        };
        let fast = conn.fast.get_or_insert_default();
        fast.deferred = false;
        match self.cookies.offer(now, *conn.tuple.remote.ip(), opts.fast_open_no_cookie) {
            Offer::Data(option, mss) => {
                fast.option = option;
                // tcp_send_syn_data: room is left for all options that there may be.
                let mss = mss.min(Conn::mss_for_mtu(conn.pmtu)).min(opts.maxseg.unwrap_or(u16::MAX));
                let room = usize::from(mss).saturating_sub(MAX_OPTIONS);
                self.spares.send.lend(conn.sendbuf.queue());
                fast.in_syn = conn.sendbuf.append(data.get(..room).unwrap_or(data), &mut self.pool);
            }
            Offer::Ask => {
                fast.option = Some(FastOpen::REQUEST);
                fast.fail = Fail::NoCookie;
            }
            Offer::Plain => fast.option = None,
        }
        fast.asked = fast.option.is_some();
        let taken = fast.in_syn;
        conn.syn_due = true;
        conn.output_wanted = true;
        self.settle(now, id.index);
        Ok(taken)
    }
}

impl Conn {
    /// A server's connection whose handshake is not over, and which may talk all the same.
    pub(super) fn is_early_child(&self) -> bool {
        self.state == TcpState::SynReceived && self.fast.as_ref().is_some_and(|f| f.listener.is_some())
    }

    /// See [`Tcp::is_deferred`].
    pub(super) fn is_deferred(&self) -> bool {
        self.state == TcpState::SynSent && self.fast.as_ref().is_some_and(|f| f.deferred)
    }

    /// Makes it such a child of `listener` (index, generation), with what came in the SYN.
    pub(super) fn begin_early(
        &mut self,
        listener: (u32, u32),
        cookie: Option<FastOpen>,
        data: crate::buf::Buf,
        pool: &mut super::chunks::ChunkPool,
    ) {
        let mut data = data;
        data.truncate(usize::try_from(self.rcv_adv - self.rcv_nxt).unwrap_or(0));
        let data_acked = !data.is_empty();
        if data_acked {
            let taken = self.recvbuf.push(data, pool);
            self.rcv_nxt += taken;
            self.stats.bytes_received += taken as u64;
            self.stats.data_segs_in = self.stats.data_segs_in.wrapping_add(1);
        }
        let fast = Fast { option: cookie, data_acked, listener: Some(listener), ..Fast::default() };
        self.fast = Some(Box::new(fast));
        self.syn_due = true;
        self.output_wanted = true;
    }

    /// tcp_rcv_fastopen_synack: what the peer's SYN-ACK says of a SYN of ours that asked for a cookie or brought data.
    pub(super) fn take_fast_open_answer(&mut self, cx: &mut Cx<'_>, repr: &Repr) {
        let Some(fast) = &mut self.fast else { return };
        let first = self.iss + 1;
        let sent = usize::try_from(self.snd_nxt - first).unwrap_or(0);
        let acked = usize::try_from(repr.ack - first).unwrap_or(0).min(sent);
        let cookie = repr.options.fast_open.filter(|f| fast.asked && !f.is_request());
        let lost = self.retries > 0 && cookie.is_none() && acked < sent;
        if fast.asked || lost {
            fast.news = Some(News { cookie, mss: repr.options.mss, lost });
        }
        if sent == 0 {
            return;
        }
        if acked == sent {
            fast.data_acked = true;
            cx.counters.tcp_fastopen_active += 1;
        } else {
            fast.fail = if self.retries > 0 { Fail::SynRepeated } else { Fail::NotAcked };
            cx.counters.tcp_fastopen_active_fail += 1;
            self.stats.total_retrans = self.stats.total_retrans.wrapping_add(1);
            self.stats.bytes_retrans += (sent - acked) as u64;
        }
        self.buf_seq += acked;
        self.sendbuf.ack(acked, cx.pool);
        self.stats.bytes_acked += acked as u64;
        self.stats.delivered = self.stats.delivered.wrapping_add(u32::from(acked > 0));
        // The rest is sent as if it were new: no record of the SYN's data is kept.
        self.snd_una = first + acked;
        self.snd_nxt = self.snd_una;
        self.snd_sml = self.snd_una;
        self.board = Scoreboard::new(self.snd_una);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux 6.18 answered 10.77.0.1 as a server on 10.77.0.2 with this key.
    #[test]
    fn cookies_are_those_of_linux() {
        let key: Vec<u8> = (0..16).collect();
        let made = cookie(&key, Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2));
        assert_eq!(made.map(|c| format!("{c:?}")), Some("bc5ae6279fdc51c7".into()));
    }

    #[test]
    fn the_cache_is_bounded_and_forgets_what_was_not_used() {
        let mut cache = Cache::new(super::super::isn::Secrets::new([1; 32]).table_hash());
        let news = News { cookie: FastOpen::new(&[1; 8]), mss: Some(1000), lost: false };
        let now = Instant::from_micros(1);
        let ip = |n: u32| Ipv4Addr::from(0x0a00_0000 + n);
        for n in 0..3000 {
            cache.learn(now, ip(n), &news);
            // The first is used all the time.
            assert!(matches!(cache.offer(now, ip(0), false), Offer::Data(Some(_), 1000)));
        }
        assert_eq!(cache.len(), MAX_PEERS);
        assert!(matches!(cache.offer(now, ip(1), false), Offer::Ask));
        assert!(matches!(cache.offer(now, ip(2999), false), Offer::Data(Some(_), 1000)));
    }
}
