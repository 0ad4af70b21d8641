//! Urgent data (RFC 9293 section 3.8.5, RFC 6093), as Linux has it (net/ipv4/tcp_input.c: tcp_check_urg, tcp_urg;
//! net/ipv4/tcp.c: tcp_recv_urg; net.ipv4.tcp_stdurg = 0).
//!
//! The sender names one byte of its stream. It is read with MSG_OOB, once, and ordinary reads stop before it and then step over
//! it, unless the user wants it in line (SO_OOBINLINE). The urgent pointer names the byte behind it, as all of today's systems
//! understand RFC 793, so the byte is at SEG.SEQ + SEG.UP - 1. A newer pointer replaces an older one, whose byte then belongs to
//! the stream.
//!
//! Rare: a connection has a box for it from its first urgent byte on, and everything else asks for that box first.
//!
//! Limits: the byte must come with, or after, the pointer: one that waits beyond a gap when the pointer arrives is found only
//! if it is sent again (Linux has the same).

use super::chunks::ChunkPool;
use super::socket::{Body, Conn, Socket};
use super::{SegmentIn, Tcp};
use crate::error::{Error, Result};
use crate::types::{Readiness, SocketId, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Repr};

/// What became of the peer's urgent byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Byte {
    /// Announced, not here.
    Awaited,
    Here(u8),
    /// Read with MSG_OOB; it still stands in the stream as the mark.
    Read,
}

/// A connection's urgent data in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Urgent {
    /// The peer's urgent byte and where it stands; none once the user has read past it.
    mark: Option<(Byte, SeqNumber)>,
    /// One past our last urgent byte (SND.UP); none when the peer has it.
    up: Option<SeqNumber>,
}

impl Conn {
    /// The next byte for the user.
    fn copied(&self) -> SeqNumber {
        self.rcv_nxt - (self.recvbuf.len() + usize::from(self.fin_taken))
    }

    /// Urgent part of a segment that was found acceptable; called when it has URG or something is awaited.
    pub(super) fn take_urgent(&mut self, seg: &SegmentIn, inline: bool, pool: &mut ChunkPool) {
        if seg.repr.flags.contains(Flags::URG) {
            self.take_pointer(&seg.repr, inline, pool);
        }
        let Some(Urgent { mark: Some((byte @ Byte::Awaited, at)), .. }) = self.urgent.as_deref_mut() else {
            return;
        };
        let Ok(offset) = usize::try_from(*at - seg.repr.seq) else { return };
        let Some(found) = seg.payload.as_slice().get(offset) else { return };
        *byte = Byte::Here(*found);
        self.raise(Readiness::IN | Readiness::PRI);
    }

    /// A new urgent pointer, unless it is an old one.
    fn take_pointer(&mut self, repr: &Repr, inline: bool, pool: &mut ChunkPool) {
        // Zero stands for itself there (tcp_check_urg).
        let at = repr.seq + usize::from(repr.urgent.saturating_sub(1));
        let copied = self.copied();
        let old = self.urgent.as_ref().and_then(|u| u.mark);
        if copied.gt(at) || at.lt(self.rcv_nxt) || old.is_some_and(|(_, before)| at.le(before)) {
            return;
        }
        self.raise(Readiness::MARK);
        if old.is_some_and(|(_, before)| before == copied) && !inline && copied != self.rcv_nxt {
            // The byte of the old pointer is next in the stream: it would be read as data now.
            self.recvbuf.discard(1, pool);
        }
        self.urgent.get_or_insert_default().mark = Some((Byte::Awaited, at));
    }

    /// Bytes between the next one for the user and the mark.
    fn to_mark(&self) -> Option<usize> {
        let (_, at) = self.urgent.as_ref()?.mark?;
        usize::try_from(at - self.copied()).ok()
    }

    /// The user has read up to here.
    fn passed(&mut self) {
        let copied = self.copied();
        if let Some(urgent) = self.urgent.as_deref_mut() {
            urgent.mark = urgent.mark.filter(|(_, at)| copied.le(*at));
        }
    }

    /// How much a read of `want` bytes gets: up to the mark. At the mark it steps over the urgent byte first, if that is not in line.
    pub(super) fn read_room(&mut self, want: usize, inline: bool, pool: &mut ChunkPool) -> usize {
        match self.to_mark() {
            Some(0) => {
                if !inline && want > 0 && !self.recvbuf.is_empty() {
                    self.recvbuf.discard(1, pool);
                    self.passed();
                }
                want
            }
            Some(n) => want.min(n),
            None => want,
        }
    }

    /// After a read.
    #[inline]
    pub(super) fn read_done(&mut self) {
        if self.urgent.is_some() {
            self.passed();
        }
    }

    /// Where a peek of `want` bytes from `offset` on reads: the true offset and how much.
    pub(super) fn peek_room(&self, offset: usize, want: usize, inline: bool) -> (usize, usize) {
        match self.to_mark() {
            Some(0) if !inline => (offset + 1, want),
            Some(n) if n > offset => (offset, want.min(n - offset)),
            _ => (offset, want),
        }
    }

    /// Bytes of the stream before the mark, if it is among those that are here; SIOCINQ.
    pub(super) fn readable_to_mark(&self, inline: bool) -> Option<usize> {
        self.to_mark().filter(|n| !inline && *n < self.recvbuf.len())
    }

    /// For poll: one byte more must be here to be readable when the next is the urgent one, and whether that can be read.
    pub(super) fn urgent_readiness(&self, inline: bool) -> (usize, bool) {
        let here = matches!(self.urgent.as_deref(), Some(Urgent { mark: Some((Byte::Here(_), _)), .. }));
        (usize::from(!inline && self.to_mark() == Some(0)), here)
    }

    /// SND.UP, as long as the peer has not acknowledged the urgent byte (urgent mode).
    pub(super) fn urgent_up(&self) -> Option<SeqNumber> {
        self.urgent.as_ref()?.up.filter(|up| up.gt(self.snd_una))
    }

    /// SND.UNA has moved.
    pub(super) fn urgent_acked(&mut self) {
        let una = self.snd_una;
        if let Some(urgent) = self.urgent.as_deref_mut() {
            urgent.up = urgent.up.filter(|up| up.gt(una));
        }
    }

    /// The urgent pointer in the header of a segment (__tcp_transmit_skb).
    pub(super) fn point_to_urgent(&self, repr: &mut Repr) {
        let Some(up) = self.urgent_up().filter(|up| repr.seq.lt(*up)) else { return };
        match u16::try_from(up - repr.seq) {
            Ok(distance) => repr.urgent = distance,
            Err(_) if (repr.seq + 0xffff).gt(self.snd_nxt) => repr.urgent = u16::MAX,
            Err(_) => return,
        }
        repr.flags |= Flags::URG;
    }
}

impl Tcp {
    /// send(2) with MSG_OOB: the last byte that was queued is the urgent one.
    pub(crate) fn mark_urgent(&mut self, id: SocketId) {
        let Some(Socket { body: Body::Conn(conn), .. }) = self.socks.get_gen_mut(id.index, id.generation)
        else {
            return;
        };
        let up = conn.data_end();
        conn.urgent.get_or_insert_default().up = Some(up);
    }

    /// recv(2) with MSG_OOB (tcp_recv_urg): the urgent byte; None at the end of the stream. Never waits, even if the byte is on
    /// its way.
    pub(crate) fn recv_urgent(&mut self, id: SocketId, peek: bool) -> Result<Option<u8>> {
        let sock = self.socks.get_gen_mut(id.index, id.generation).ok_or(Error::BadSocket)?;
        let inline = sock.opts.oobinline;
        let conn = match &mut sock.body {
            Body::Conn(conn) => conn,
            Body::Listen(_) => return Err(Error::NotConnected),
            Body::Closed => return Err(Error::InvalidArgument),
        };
        let (closed, done, shut) = (conn.state == TcpState::Closed, conn.fin_taken, conn.shut_rd);
        let mark = conn.urgent.as_deref_mut().and_then(|u| u.mark.as_mut());
        match mark {
            Some((byte, _)) if !inline && *byte != Byte::Read => match *byte {
                _ if closed && !done => Err(Error::NotConnected),
                Byte::Here(found) => {
                    if !peek {
                        *byte = Byte::Read;
                    }
                    Ok(Some(found))
                }
                _ if closed || shut => Ok(None),
                _ => Err(Error::WouldBlock),
            },
            _ => Err(Error::InvalidArgument),
        }
    }

    /// SIOCATMARK: the next byte for the user is the urgent one.
    pub(crate) fn at_mark(&self, id: SocketId) -> bool {
        self.mark_is_at(id, 0)
    }

    /// True when a read that has got `n` bytes by looking alone, so that they are still queued, has come to the mark.
    pub(crate) fn mark_is_at(&self, id: SocketId, n: usize) -> bool {
        match self.socks.get_gen(id.index, id.generation).map(|s| &s.body) {
            Some(Body::Conn(conn)) => conn.urgent.is_some() && conn.to_mark() == Some(n),
            _ => false,
        }
    }
}
