//! How large a segment may be: the peer's MSS, the path's MTU, and what ICMP says of it (RFC 1191, RFC 5927).
//!
//! A message that a packet was too big is believed when it quotes a sequence number that is in flight: what was
//! acknowledged got through whatever a stranger says (RFC 5927 section 7.2), and he has to guess. It names a size below that of
//! the packet quoted, or it is not believed either (`iface/icmp.rs`). The IP layer remembers the path for ten minutes and
//! never goes below 552 bytes; from there on fragments are kinder (`iface/pmtu.rs`). Segments follow the path with the next
//! transmission, also when it grows again. What is in flight was too big: it is sent again at once, in smaller pieces, and
//! the congestion window stays, since the network was not full (RFC 1191 section 6.5).
//!
//! Where no message comes, [`super::mtu_probe`] finds the size.

use super::recovery::Phase;
use super::socket::{Conn, HEADERS, MIN_MSS, Rexmit, TIMESTAMP_LEN};
use crate::time::Instant;
use crate::types::{MtuDiscover, TcpOptions};

impl Conn {
    /// A router says that a packet of ours was larger than `mtu`; the quoted sequence number has been found in flight.
    pub(super) fn on_path_mtu(&mut self, now: Instant, mtu: u16, opts: &TcpOptions) {
        // tcp_v4_mtu_reduced: a path that the socket does not follow is no reason to send anything again.
        let follows = matches!(opts.mtu_discover, MtuDiscover::Want | MtuDiscover::Do);
        if !follows || !self.is_synchronized() || mtu >= self.pmtu {
            return;
        }
        let before = self.mss;
        self.update_mss(mtu, opts.maxseg);
        let probed = self.probe_too_big(mtu);
        if self.mss < before || probed {
            self.send_smaller(now);
        }
    }

    /// What is in flight was too big for the network, but for segments that fit: it is sent again, at the current window (Linux:
    /// `tcp_simple_retransmit`).
    pub(super) fn send_smaller(&mut self, now: Instant) {
        self.board.mark_larger_lost(self.mss.into());
        if self.board.lost() > 0 {
            self.repair(now);
        }
    }

    /// What is marked lost is sent again, for no fault of the network's.
    pub(super) fn repair(&mut self, now: Instant) {
        self.force_retransmit = true;
        if let Some(mend) = &mut self.mend {
            // F-RTO has nothing to find out: what was lost, and why, is known.
            mend.frto = false;
            mend.frto_hold = false;
            mend.late_hold = false;
        }
        if self.phase != Phase::Loss {
            // Nothing to undo: the window was not reduced.
            if let Some(mend) = &mut self.mend {
                mend.undo_marker = None;
                mend.prior_ssthresh = 0;
            }
            self.set_phase(Phase::Loss);
            self.high_seq = self.snd_nxt;
        }
        self.output_wanted = true;
        if self.retransmit_at.is_some() {
            self.rexmit = Rexmit::Rto;
            self.retransmit_at = Some(now + self.rtt.rto());
        }
    }

    /// Takes what the path allows into account. `user`: TCP_MAXSEG.
    pub(super) fn update_mss(&mut self, mtu: u16, user: Option<u16>) {
        self.pmtu = mtu;
        let mtu = match &self.mtu_probe {
            Some(probe) => mtu.min(probe.known_good()),
            None => mtu,
        };
        let mut mss = self.payload_for(mtu);
        if let Some(user) = user {
            mss = mss.min(user.saturating_sub(if self.ts.on { TIMESTAMP_LEN } else { 0 }));
        }
        // Linux's `tcp_bound_to_half_wnd`: two segments must fit the largest window, or SWS avoidance waits.
        let half = if self.max_window > 536 { self.max_window / 2 } else { self.max_window };
        if half > 0 {
            mss = mss.min(u16::try_from(half).unwrap_or(u16::MAX));
        }
        self.mss = mss.max(MIN_MSS - TIMESTAMP_LEN);
    }

    /// Payload of a segment in an IP packet of `mtu` bytes, as far as the peer takes it.
    pub(super) fn payload_for(&self, mtu: u16) -> u16 {
        let mss = Conn::mss_for_mtu(mtu).min(self.peer_mss);
        mss.saturating_sub(if self.ts.on { TIMESTAMP_LEN } else { 0 })
    }

    /// The opposite: bytes of the IP packet that a segment with `payload` bytes is.
    pub(super) fn packet_for(&self, payload: u16) -> u16 {
        payload.saturating_add(HEADERS).saturating_add(if self.ts.on { TIMESTAMP_LEN } else { 0 })
    }

    /// The largest packet that the peer's MSS, the user's (TCP_MAXSEG) and the path's MTU, as far as it is known, allow.
    pub(super) fn largest_packet(&self, user: Option<u16>) -> u16 {
        let mss = self.peer_mss.min(user.unwrap_or(u16::MAX));
        self.pmtu.min(mss.saturating_add(HEADERS))
    }
}
