//! Tests in virtual time, in the manner of packetdrill: segments in, segments out, at a given moment. One RFC
//! behaviour per function; what the peer sends is written out.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{IpOutput, SegmentIn, Tcp, TcpOut};
use crate::buf::Buf;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::time::{Duration, Instant};
use crate::types::*;
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Options, Repr, SackBlocks};

mod bulk;
mod close;
mod congestion;
mod cookies;
mod defence;
mod ecn;
mod fastopen;
mod handshake;
mod loss;
mod mtu;
mod options;
mod pair;
mod receive;
mod recovery;
mod resets;
mod rfc9293;
mod sending;
mod set;
mod speed;
mod timers;
mod timewait;
mod urgent;
mod urgent_pair;

pub(super) const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(super) const FIN: Flags = Flags::FIN;
pub(super) const SYN: Flags = Flags::SYN;
pub(super) const RST: Flags = Flags::RST;
pub(super) const PSH: Flags = Flags::PSH;
pub(super) const ACK: Flags = Flags::ACK;

pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A segment that the stack sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub at: Instant,
    pub src: Ipv4Addr,
    pub dst: Ipv4Addr,
    pub repr: Repr,
    pub payload: Vec<u8>,
    pub gso: Option<u16>,
    pub tos: u8,
}

/// The layer below: keeps what is sent.
pub(super) struct Below {
    pub sent: Vec<Sent>,
    pub mtu: u16,
    pub tso: usize,
    pub room: usize,
}

impl Below {
    pub(super) fn new() -> Below {
        Below { sent: Vec::new(), mtu: 1500, tso: 0, room: usize::MAX }
    }
}

impl IpOutput for Below {
    fn send_tcp(&mut self, now: Instant, tx: &TcpOut<'_>) -> std::result::Result<(), Full> {
        if self.room == 0 {
            return Err(Full);
        }
        self.room -= 1;
        let payload = tx.payload.concat();
        assert!(payload.len() + tx.repr.header_len() + 20 <= 65_535);
        match tx.gso_size {
            None => assert!(payload.len() + tx.repr.header_len() + 20 <= usize::from(self.mtu)),
            Some(size) => {
                assert!(usize::from(size) + tx.repr.header_len() + 20 <= usize::from(self.mtu));
                assert!(payload.len() > usize::from(size) && payload.len() <= self.tso);
            }
        }
        self.sent.push(Sent {
            at: now,
            src: tx.src,
            dst: tx.dst,
            repr: *tx.repr,
            payload,
            gso: tx.gso_size,
            tos: tx.tos,
        });
        Ok(())
    }

    fn path_mtu(&self, _dst: Ipv4Addr) -> u16 {
        self.mtu
    }

    fn link_mtu(&self, _dst: Ipv4Addr) -> u16 {
        self.mtu
    }

    fn tso_max(&self, _dst: Ipv4Addr) -> usize {
        self.tso
    }
}

/// One stack, and a peer that is the test.
pub(super) struct Bench {
    pub tcp: Tcp,
    pub below: Below,
    pub now: Instant,
    pub counters: Counters,
    pub id: SocketId,
    pub local: u16,
    pub remote: u16,
    /// The stack's first sequence number, and the peer's.
    pub iss: u32,
    pub irs: u32,
    /// What the peer says of itself.
    pub peer_window: u16,
    pub timestamps: bool,
    /// The last TSval of the stack.
    pub ts_seen: u32,
    pub ts_peer: u32,
}

/// Options of the peer's SYN.
#[derive(Clone, Copy)]
pub(super) struct Peer {
    pub mss: Option<u16>,
    pub wscale: Option<u8>,
    pub sack: bool,
    pub timestamps: bool,
    pub window: u16,
}

/// A peer without options but MSS 1000.
pub(super) const PLAIN: Peer =
    Peer { mss: Some(1000), wscale: None, sack: false, timestamps: false, window: 60_000 };
/// A peer with SACK.
pub(super) const SACK: Peer = Peer { sack: true, ..PLAIN };
/// A modern peer.
pub(super) const MODERN: Peer =
    Peer { mss: Some(1460), wscale: Some(7), sack: true, timestamps: true, window: 65_535 };

impl Bench {
    pub(super) fn new() -> Bench {
        let mut tcp = Tcp::new(
            TcpOptions { congestion: Congestion::Reno, pacing: false, ..TcpOptions::default() },
            [7; 32],
        );
        let id = tcp.open();
        Bench {
            tcp,
            below: Below::new(),
            now: Instant::from_micros(1_000_000_000),
            counters: Counters::default(),
            id,
            local: 0,
            remote: 80,
            iss: 0,
            irs: 5000,
            peer_window: 60_000,
            timestamps: false,
            ts_seen: 0,
            ts_peer: 1000,
        }
    }

    /// An active open that succeeded, `rtt` later. The stack has sent its SYN and the ACK.
    pub(super) fn connected(peer: Peer) -> Bench {
        Bench::connected_with(peer, |_| {})
    }

    pub(super) fn connected_with(peer: Peer, setup: impl FnOnce(&mut Bench)) -> Bench {
        let mut b = Bench::new();
        setup(&mut b);
        b.connect();
        b.advance(ms(10));
        b.syn_ack(peer);
        let sent = b.flush();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].repr.flags, ACK);
        assert_eq!(b.state(), TcpState::Established);
        assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Ok(()));
        b
    }

    /// A passive open that succeeded and was accepted.
    pub(super) fn accepted(peer: Peer) -> (Bench, SocketId) {
        let mut b = Bench::listening(5);
        b.client_syn(peer);
        b.client_ack();
        let listener = b.id;
        let (child, remote) = b.tcp.accept(listener).unwrap();
        assert_eq!(remote, b.peer_addr());
        b.id = child;
        (b, listener)
    }

    pub(super) fn listening(backlog: u32) -> Bench {
        let mut b = Bench::new();
        b.local = 8000;
        b.remote = 40_000;
        b.tcp.bind(b.id, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000)).unwrap();
        b.tcp.listen(b.id, backlog).unwrap();
        b
    }

    /// The peer's SYN to a listener; takes the SYN-ACK.
    pub(super) fn client_syn(&mut self, peer: Peer) -> Sent {
        self.timestamps = peer.timestamps;
        let mut syn = self.segment(SYN, 0, 0, &[]);
        syn.repr.seq = SeqNumber(self.irs);
        syn.repr.ack = SeqNumber(0);
        self.offer(&mut syn, peer);
        self.rx(syn);
        let sent = self.flush();
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert_eq!(sent[0].repr.flags, SYN | ACK);
        self.iss = sent[0].repr.seq.0;
        self.peer_window = peer.window;
        sent[0].clone()
    }

    pub(super) fn client_ack(&mut self) {
        self.peer(ACK, 1, 1, &[]);
    }

    pub(super) fn peer_addr(&self) -> SocketAddrV4 {
        SocketAddrV4::new(PEER, self.remote)
    }

    pub(super) fn connect(&mut self) -> Sent {
        let remote = self.peer_addr();
        assert_eq!(self.tcp.connect(self.now, self.id, remote, US, 1500), Err(Error::InProgress));
        let sent = self.flush();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].repr.flags.without(Flags::ECE | Flags::CWR), SYN);
        self.iss = sent[0].repr.seq.0;
        self.local = sent[0].repr.src_port;
        sent[0].clone()
    }

    fn offer(&mut self, seg: &mut SegmentIn, peer: Peer) {
        seg.repr.window = peer.window;
        seg.repr.options.mss = peer.mss;
        seg.repr.options.window_scale = peer.wscale;
        seg.repr.options.sack_permitted = peer.sack;
        if peer.timestamps {
            let ecr = if seg.repr.flags.contains(ACK) { self.ts_seen } else { 0 };
            seg.repr.options.timestamps = Some((self.ts_peer, ecr));
        }
    }

    pub(super) fn syn_ack(&mut self, peer: Peer) {
        self.timestamps = peer.timestamps;
        self.peer_window = peer.window;
        let mut seg = self.segment(SYN | ACK, 0, 1, &[]);
        self.offer(&mut seg, peer);
        self.rx(seg);
    }

    /// A segment of the peer; `seq` and `ack` count from the SYNs (which are 0).
    pub(super) fn segment(&self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> SegmentIn {
        SegmentIn {
            src: PEER,
            dst: US,
            tos: 0,
            ttl: 64,
            head: Buf::default(),
            repr: Repr {
                src_port: self.remote,
                dst_port: self.local,
                seq: SeqNumber(self.irs.wrapping_add(seq)),
                ack: SeqNumber(self.iss.wrapping_add(ack)),
                flags,
                window: self.peer_window,
                urgent: 0,
                options: Options {
                    timestamps: self.timestamps.then_some((self.ts_peer, self.ts_seen)),
                    ..Options::default()
                },
            },
            payload: Buf::copy_from(payload),
            gso_size: 0,
        }
    }

    pub(super) fn rx(&mut self, seg: SegmentIn) {
        self.tcp.on_segment(self.now, seg, &mut self.counters);
    }

    pub(super) fn peer(&mut self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) {
        let seg = self.segment(flags, seq, ack, payload);
        self.rx(seg);
    }

    /// An ACK with SACK blocks.
    pub(super) fn sack(&mut self, ack: u32, blocks: &[(u32, u32)]) {
        let mut seg = self.segment(ACK, 1, ack, &[]);
        let at = |n: u32| SeqNumber(self.iss.wrapping_add(n));
        seg.repr.options.sack_blocks = blocks.iter().map(|(s, e)| (at(*s), at(*e))).collect::<SackBlocks>();
        self.rx(seg);
    }

    /// What the stack sends now.
    pub(super) fn flush(&mut self) -> Vec<Sent> {
        let _ = self.tcp.poll_transmit(self.now, &mut self.below, &mut self.counters);
        let sent = std::mem::take(&mut self.below.sent);
        for s in &sent {
            if let Some((val, _)) = s.repr.options.timestamps {
                self.ts_seen = val;
            }
        }
        sent
    }

    pub(super) fn silent(&mut self) {
        let sent = self.flush();
        assert!(sent.is_empty(), "{sent:?}");
    }

    /// (flags, seq, len) of what is sent now, numbers counted from the SYN.
    pub(super) fn sent(&mut self) -> Vec<(Flags, u32, usize)> {
        let iss = self.iss;
        self.flush()
            .into_iter()
            .map(|s| (s.repr.flags, s.repr.seq.0.wrapping_sub(iss), s.payload.len()))
            .collect()
    }

    /// Lets `d` pass, timers included; answers what was sent meanwhile.
    pub(super) fn advance(&mut self, d: Duration) -> Vec<Sent> {
        let end = self.now + d;
        let mut all = self.flush();
        while let Some(at) = self.tcp.poll_timeout() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.tcp.on_timeout(self.now, &mut self.counters);
            all.extend(self.flush());
        }
        self.now = end;
        all
    }

    pub(super) fn state(&self) -> TcpState {
        self.tcp.state(self.id)
    }

    pub(super) fn send(&mut self, data: &[u8]) -> usize {
        self.tcp.send(self.now, self.id, data, false).unwrap()
    }

    pub(super) fn recv(&mut self, max: usize) -> Result<Vec<u8>> {
        let mut buf = vec![0; max];
        let n = self.tcp.recv(self.now, self.id, &mut buf)?;
        buf.truncate(n);
        Ok(buf)
    }

    pub(super) fn options(&mut self, change: impl FnOnce(&mut TcpOptions)) {
        let mut opts = self.tcp.options(self.id).unwrap().clone();
        change(&mut opts);
        self.tcp.set_options(self.now, self.id, opts).unwrap();
    }

    pub(super) fn events(&mut self) -> Vec<(SocketId, Readiness)> {
        std::iter::from_fn(|| self.tcp.poll_event()).map(|e| (e.socket, e.edges)).collect()
    }

    pub(super) fn ready(&self) -> Readiness {
        self.tcp.readiness(self.id)
    }

    pub(super) fn info(&self) -> TcpInfo {
        self.tcp.info(self.now, self.id).unwrap()
    }
}
