//! The congestion window after an acknowledgement: growth, or reduction (Linux: `tcp_cong_control`).

use super::Cx;
use super::congestion::{self, AckEvent, Sample};
use super::recovery::{AckNews, REORDERING};
use super::socket::Conn;
use crate::time::Instant;

impl Conn {
    /// Runs once for each acknowledgement, when phase and scoreboard are up to date.
    pub(super) fn cong_control(&mut self, cx: &mut Cx<'_>, news: &AckNews) {
        // Rates from before the peer dropped what it had reported would be too high (`tcp_rate_gen`).
        let reneged = self.mend.as_ref().is_some_and(|m| m.reneged);
        let newest = news.newest.filter(|_| !reneged);
        let measured = self.board.rate.sample(cx.now, newest, news.delivered, self.rtt.min_rtt());
        if self.cc.controls_window() {
            let sample = Sample {
                measured,
                acked: news.delivered,
                losses: news.lost,
                rtt: news.rtt,
                delayed: self.outstanding() == 0 && news.delivered < u32::from(self.mss),
                prior_in_flight: news.prior_pipe,
            };
            self.with_control(cx.now, cx.opts.max_pacing_rate, |cc, c| cc.control(c, &sample));
        } else if self.in_reduction() {
            self.reduce_for(news);
        } else if news.advanced > 0 || (news.sacked && self.reordering() > REORDERING) {
            // On a path that reorders much, what arrives out of order counts too (`tcp_may_raise_cwnd`).
            self.grow(cx, news);
        }
    }

    /// A timer found `lost` bytes lost, and a recovery began.
    pub(super) fn cwnd_at_timeout(&mut self, lost: u32) {
        if !self.cc.controls_window() {
            self.cwnd_reduction(1, lost, false);
        }
    }

    fn grow(&mut self, cx: &mut Cx<'_>, news: &AckNews) {
        let acked = news.delivered;
        if acked == 0 {
            return;
        }
        let limited = self.is_cwnd_limited();
        self.cc.on_ack(
            &mut self.win,
            &AckEvent {
                now: cx.now,
                acked,
                mss: self.mss,
                srtt: self.rtt.srtt(),
                min_rtt: self.rtt.min_rtt(),
                rtt: news.rtt,
                una: self.snd_una,
                nxt: self.snd_nxt,
                limited,
            },
        );
    }

    /// The window after the handshake (RFC 6928), or less after a lost SYN (RFC 5681 section 3.1).
    pub(super) fn start_window(&mut self, syn_lost: bool) {
        let mss = self.mss;
        self.win.cwnd = if syn_lost { u32::from(mss) } else { congestion::initial_window(mss) };
    }

    /// RFC 5681 section 4.1 as Linux does it: each RTO without anything in flight halves the window, down to
    /// the initial one.
    pub(super) fn restart_after_idle(&mut self, now: Instant) {
        let idle = now.since(self.stats.last_data_sent);
        let rto = self.rtt.rto();
        if self.outstanding() > 0 || idle <= rto || self.win.cwnd == 0 || self.cc.controls_window() {
            return;
        }
        let restart = congestion::initial_window(self.mss).min(self.win.cwnd);
        self.win.ssthresh = self.win.ssthresh.max(self.win.cwnd / 4 * 3);
        let mut left = idle;
        while left > rto && self.win.cwnd > restart {
            left -= rto;
            self.win.cwnd /= 2;
        }
        self.win.cwnd = self.win.cwnd.max(restart);
        self.usage.restart(now);
    }
}
