//! How often, and how long, a SYN or a SYN-ACK of ours is repeated.
//!
//! RFC 6298 doubles the interval from 1 s on. As Linux since 6.5 (tcp_syn_linear_timeouts = 4) an attempt to connect waits a
//! second five times before it begins to double: 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s after the first SYN, and the
//! end is at 131 s, which RFC 1122 section 4.2.3.5 wants to be 3 minutes at least: Linux's choice, and its users'
//! expectation, prevail. TCP_SYNCNT stands for the number of repetitions that double: the four come in addition.
//! TCP_USER_TIMEOUT ends the attempt at its time, once a SYN was repeated (retransmits_timed_out).
//!
//! A SYN-ACK of a connection (simultaneous open, Fast Open) is repeated at doubling intervals; that of a request is
//! `listener.rs`'s.

use super::Cx;
use super::rtt::RTO_INITIAL;
use super::socket::Conn;
use crate::time::Duration;
use crate::types::{TcpOptions, TcpState};

/// Linux's tcp_syn_linear_timeouts.
const LINEAR: u8 = 4;
/// Linux's tcp_synack_retries.
pub(super) const SYN_ACK_RETRIES: u8 = 5;

/// Linux's `tcp_model_timeout` for the first interval of 1 s: the time that `retries` repetitions with doubling take.
fn patience(retries: u8) -> Duration {
    // 1 s doubles six times before it exceeds 120 s.
    const DOUBLINGS: u8 = 6;
    let doubled = RTO_INITIAL * ((2 << retries.min(DOUBLINGS)) - 1);
    doubled + super::rtt::RTO_MAX * u32::from(retries.saturating_sub(DOUBLINGS))
}

impl Conn {
    /// No answer to SYN or SYN-ACK.
    pub(super) fn syn_timeout(&mut self, cx: &mut Cx<'_>) {
        let active = self.state == TcpState::SynSent;
        let since = *self.trouble_since.get_or_insert(cx.now);
        let waited = cx.now.since(since);
        let expired = if self.is_early_child() {
            // tcp_fastopen_synack_timer: one more, and by number alone.
            self.retries >= syn_ack_limit(cx.opts, 1)
        } else {
            let limit = cx.opts.syncnt;
            let most = if active { limit.saturating_add(LINEAR) } else { limit };
            let user = cx.opts.user_timeout;
            let patience = if user.is_zero() { patience(limit) } else { user };
            self.retries >= most || (self.retries > 0 && waited >= patience)
        };
        if expired {
            self.give_up(cx, false);
            return;
        }
        self.retries = self.retries.saturating_add(1);
        self.stats.total_rto = self.stats.total_rto.saturating_add(1);
        if !active || self.retries > LINEAR {
            self.backoff = self.backoff.saturating_add(1);
        }
        // Karn: no measurement from a SYN sent twice.
        self.syn_sent_at = None;
        self.syn_due = true;
        self.output_wanted = true;
        cx.counters.tcp_syn_retransmits += 1;
        self.stats.total_retrans = self.stats.total_retrans.wrapping_add(1);
        self.retransmit_at = Some(cx.now + self.syn_interval(cx.opts, waited));
    }

    /// Until the SYN is repeated: no longer than TCP_USER_TIMEOUT has left (tcp_clamp_rto_to_user_timeout).
    fn syn_interval(&self, opts: &TcpOptions, waited: Duration) -> Duration {
        let interval = (RTO_INITIAL * (1 << self.backoff.min(7))).min(self.rtt.most());
        if opts.user_timeout.is_zero() {
            return interval;
        }
        interval.min(opts.user_timeout.saturating_sub(waited).max(Duration::from_millis(1)))
    }
}

/// How often a SYN-ACK is repeated. TCP_SYNCNT of a listener counts for these too; its default is not a setting
/// (inet_csk_listen_start).
pub(super) fn syn_ack_limit(opts: &TcpOptions, more: u8) -> u8 {
    if opts.syncnt == TcpOptions::default().syncnt {
        SYN_ACK_RETRIES.saturating_add(more)
    } else {
        opts.syncnt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_that_of_linux() {
        assert_eq!(patience(6), Duration::from_secs(127));
        assert_eq!(patience(7), Duration::from_secs(247));
        assert_eq!(patience(1), Duration::from_secs(3));
    }
}
