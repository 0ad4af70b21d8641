//! What must be true of every connection at any time, asked by tests and fuzzers ([`crate::Stack::audit`]).
//!
//! Nothing in the library calls it. It looks at everything and changes nothing.

use std::net::SocketAddrV4;

use super::Tcp;
use super::socket::{Body, Conn, Owner, Socket};
use crate::types::TcpState;

/// A frame that is pinned beside what the limits count.
const FRAME: usize = 64 << 10;
/// Records of a scoreboard: its limit, and those of the frames in flight.
const MAX_RECORDS: usize = 20 << 10;

/// One connection, as it is.
#[derive(Clone, Copy, Debug)]
pub struct AuditConn {
    /// Our end.
    pub local: SocketAddrV4,
    /// The peer's.
    pub remote: SocketAddrV4,
    /// Its state.
    pub state: TcpState,
    /// Our first sequence number.
    pub iss: u32,
    /// SND.UNA
    pub snd_una: u32,
    /// SND.NXT
    pub snd_nxt: u32,
    /// The peer's first sequence number.
    pub irs: u32,
    /// RCV.NXT
    pub rcv_nxt: u32,
    /// Right edge of the window that we announced.
    pub rcv_adv: u32,
    /// Right edge of the highest block beyond a gap.
    pub sack_edge: Option<u32>,
    /// TS.Recent, where timestamps are in use.
    pub ts_recent: Option<u32>,
    /// Shift of the windows that we announce.
    pub rcv_wscale: u8,
    /// Bytes of memory that its buffers pin.
    pub memory: usize,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Connections that are not closed.
    pub conns: Vec<AuditConn>,
    /// What is wrong, a line each.
    pub broken: Vec<String>,
    /// Bytes of memory that buffers pin, those of closed connections included.
    pub memory: usize,
    /// Half-open requests of listeners.
    pub requests: usize,
}

impl Tcp {
    /// See the module.
    pub(crate) fn audit(&self) -> Audit {
        let mut audit = Audit { requests: self.requests.len(), ..Audit::default() };
        for (_, _, socket) in self.socks.iter() {
            let Body::Conn(conn) = &socket.body else { continue };
            let memory = conn.recvbuf.memory().saturating_add(conn.sendbuf.len());
            audit.memory = audit.memory.saturating_add(memory);
            if conn.state == TcpState::Closed {
                continue;
            }
            let mut wrong = conn.contradictions();
            if conn.outstanding() > 0 && conn.retransmit_at.is_none() && !socket.queued {
                wrong.push("something is not acknowledged, and there is no timer");
            }
            audit.broken.extend(wrong.into_iter().map(|what| {
                format!(
                    "{} > {} {:?}: {what}; una {} nxt {} buf {}+{} rcv_nxt {} adv {} board {} sacked {} lost {} memory {} limit {}",
                    conn.tuple.local,
                    conn.tuple.remote,
                    conn.state,
                    conn.snd_una,
                    conn.snd_nxt,
                    conn.buf_seq,
                    conn.sendbuf.len(),
                    conn.rcv_nxt,
                    conn.rcv_adv,
                    conn.board.len(),
                    conn.board.sacked(),
                    conn.board.lost(),
                    conn.recvbuf.memory(),
                    conn.recvbuf.limit(),
                )
            }));
            audit.conns.push(AuditConn {
                local: conn.tuple.local,
                remote: conn.tuple.remote,
                state: conn.state,
                iss: conn.iss.0,
                snd_una: conn.snd_una.0,
                snd_nxt: conn.snd_nxt.0,
                irs: conn.irs.0,
                rcv_nxt: conn.rcv_nxt.0,
                rcv_adv: conn.rcv_adv.0,
                sack_edge: conn.blocks.highest().map(|edge| edge.0),
                ts_recent: conn.ts.on.then_some(conn.ts.recent),
                rcv_wscale: if conn.wscale_ok { conn.rcv_wscale } else { 0 },
                memory,
            });
        }
        audit.broken.extend(self.miscounted(audit.memory));
        audit
    }

    /// Which of the set's counts are not those of what is there. `memory`: bytes that all connections pin.
    fn miscounted(&self, memory: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut must = |what: &str, counted: usize, there: usize| {
            if counted != there {
                wrong.push(format!("{what}: counted {counted}, there are {there}"));
            }
        };
        let count = |is: &dyn Fn(&Socket) -> bool| self.socks.iter().filter(|(_, _, sock)| is(sock)).count();
        let orphan = |sock: &Socket| sock.owner == Owner::Orphan && matches!(sock.body, Body::Conn(_));
        must("orphans", self.orphans, count(&orphan));
        let pending = |sock: &Socket| matches!(&sock.body, Body::Conn(conn) if conn.has_pending_output());
        must("connections with something to send", self.pending, count(&pending));
        must("memory of all buffers", self.memory.held(), memory);
        // Who has completed the handshake is counted by the queue for accept(2), who has not by the requests.
        let embryo = |sock: &Socket| matches!(sock.owner, Owner::Embryo(..));
        must("connections that nobody counts", 0, count(&embryo));
        for (index, generation, sock) in self.socks.iter() {
            let Body::Listen(listener) = &sock.body else { continue };
            let (requests, young) = self.requests_of((index, generation));
            must("requests of a listener", listener.requests, requests);
            must("young requests of a listener", listener.young, young);
            let early = listener.early.as_ref().map_or(0, |early| early.pending());
            must("early children of a listener", early as usize, self.early_of((index, generation)));
        }
        wrong
    }
}

impl Conn {
    /// What is wrong with it by itself.
    fn contradictions(&self) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        let mut must = |holds: bool, what| {
            if !holds {
                wrong.push(what);
            }
        };
        let flight = self.snd_nxt - self.snd_una;
        must(flight >= 0, "SND.NXT is below SND.UNA");
        must(self.data_end() + 1 - self.snd_nxt >= 0, "SND.NXT is beyond what there is to send");
        must(self.snd_una - self.iss >= 0, "SND.UNA is below the first number");
        let outstanding = u64::from(self.outstanding());
        must(
            u64::from(self.board.sacked()) + u64::from(self.board.lost()) <= outstanding,
            "more is delivered and lost than was sent",
        );
        must(self.board.len() <= MAX_RECORDS, "too many records");
        must(self.rcv_nxt - self.rcv_wup >= 0, "RCV.NXT went back");
        if self.is_synchronized() {
            // A FIN may lie at the edge.
            must(self.rcv_adv + 1 - self.rcv_nxt >= 0, "the window was left of RCV.NXT");
            must(self.win.cwnd > 0, "a congestion window of nothing");
            let behind = self.buf_seq - self.snd_una;
            must((-1..=1).contains(&behind), "the send buffer begins elsewhere than SND.UNA");
        }
        // SO_RCVBUF may have been larger when what is there came.
        let held = self.recvbuf.len().saturating_add(self.recvbuf.extent());
        let bound = self.recvbuf.limit().max(held).saturating_mul(2).saturating_add(4 * FRAME);
        must(self.recvbuf.memory() <= bound, "the receive queue pins too much");
        wrong
    }
}
