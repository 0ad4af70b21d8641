//! Options of level IPPROTO_TCP (tcp(7); ranges from net/ipv4/tcp.c).

use std::time::Duration;

use libc::c_int;
use matnet_stack::{Congestion, SocketId, TcpInfo, TcpState};

use super::{Answer, change, get_listed, int, set_listed};
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::{Shared, sys};

/// TCP_CA_NAME_MAX
const NAME_MAX: usize = 16;
/// MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL, seconds.
const MAX_KEEP: i32 = 32_767;
/// TCP_MIN_MSS and MAX_TCP_WINDOW
const MSS: std::ops::RangeInclusive<i32> = 88..=32_767;
/// net.ipv4.tcp_fin_timeout and TCP_FIN_TIMEOUT_MAX, seconds.
const FIN_TIMEOUT: i32 = 60;
const FIN_TIMEOUT_MAX: i32 = 120;
/// Half of SOCK_MIN_RCVBUF.
const WINDOW_CLAMP_MIN: i32 = 1152;
/// <linux/tcp.h>
const TCP_FASTOPEN_KEY: c_int = 33;
const TCP_FASTOPEN_NO_COOKIE: c_int = 34;
const TCP_RTO_MAX_MS: c_int = 44;
const TCP_RTO_MIN_US: c_int = 45;
const TCP_DELACK_MAX_US: c_int = 46;
/// TCP_FASTOPEN_KEY_LENGTH
const FASTOPEN_KEY: usize = 16;
/// net.core.somaxconn
const SOMAXCONN: u32 = 4096;
/// What a socket without a connection reports (TCP_MSS_DEFAULT).
const MSS_DEFAULT: i32 = 536;

/// Reads one.
pub(super) fn get(shared: &mut Shared, id: FileId, name: c_int, room: usize) -> Result<Answer, Errno> {
    if name == libc::TCP_SAVED_SYN {
        let socket = shared.file(id)?.socket;
        let saved = shared.stack.saved_syn(socket, room)?;
        return saved.map(|syn| Answer::new(&syn)).map_err(|_| Errno::EINVAL);
    }
    let f = shared.file(id)?;
    let socket = f.socket;
    let o = shared.stack.tcp_options(socket)?;
    Ok(match name {
        libc::TCP_NODELAY => Answer::flag(o.nodelay),
        libc::TCP_CORK => Answer::flag(o.cork),
        libc::TCP_MAXSEG => match shared.stack.tcp_state(socket) {
            TcpState::Closed | TcpState::Listen => Answer::int(o.maxseg.map_or(MSS_DEFAULT, i32::from)),
            _ => Answer::int(cut(shared.stack.tcp_info(sys::now(), socket)?.snd_mss)),
        },
        libc::TCP_KEEPIDLE => Answer::int(seconds(o.keepidle)),
        libc::TCP_KEEPINTVL => Answer::int(seconds(o.keepintvl)),
        libc::TCP_KEEPCNT => Answer::int(cut(o.keepcnt)),
        libc::TCP_SYNCNT => Answer::int(i32::from(o.syncnt)),
        libc::TCP_USER_TIMEOUT => Answer::int(i32::try_from(o.user_timeout.as_millis()).unwrap_or(i32::MAX)),
        libc::TCP_QUICKACK => {
            // A fresh socket acknowledges at once until the program starts to answer: Linux says 1 then.
            let fresh = matches!(shared.stack.tcp_state(socket), TcpState::Closed | TcpState::Listen);
            let kept = super::host_option(f, libc::IPPROTO_TCP, name).filter(|_| fresh);
            Answer::int(kept.unwrap_or_else(|| i32::from(shared.stack.tcp_quickack(socket))))
        }
        libc::TCP_CONGESTION => {
            let mut padded = [0; NAME_MAX];
            super::copy(&mut padded, o.congestion.name().as_bytes());
            Answer::new(&padded)
        }
        libc::TCP_LINGER2 => Answer::int(o.linger2.map_or(-1, seconds)),
        libc::TCP_DEFER_ACCEPT => Answer::int(retransmits_to_seconds(o.defer_accept)),
        libc::TCP_WINDOW_CLAMP => Answer::int(cut(o.window_clamp)),
        libc::TCP_THIN_LINEAR_TIMEOUTS => Answer::flag(o.thin_linear),
        libc::TCP_THIN_DUPACK => Answer::int(0),
        libc::TCP_NOTSENT_LOWAT => Answer::new(&o.notsent_lowat.to_ne_bytes()),
        libc::TCP_SAVE_SYN => Answer::flag(o.save_syn),
        TCP_RTO_MAX_MS => Answer::int(i32::try_from(o.rto_max.as_millis()).unwrap_or(i32::MAX)),
        TCP_RTO_MIN_US => Answer::int(i32::try_from(o.rto_min.as_micros()).unwrap_or(i32::MAX)),
        TCP_DELACK_MAX_US => Answer::int(i32::try_from(o.delack_max.as_micros()).unwrap_or(i32::MAX)),
        libc::TCP_TIMESTAMP => {
            Answer::new(&shared.stack.tcp_info(sys::now(), socket)?.timestamp.to_ne_bytes())
        }
        libc::TCP_CC_INFO if o.congestion == Congestion::Bbr => {
            Answer::new(&bbr_info(&shared.stack.tcp_info(sys::now(), socket)?))
        }
        libc::TCP_FASTOPEN => Answer::int(cut(o.fast_open)),
        libc::TCP_FASTOPEN_CONNECT => Answer::flag(o.fast_open_connect),
        TCP_FASTOPEN_NO_COOKIE => Answer::flag(o.fast_open_no_cookie),
        // The stack's own is nobody's business.
        TCP_FASTOPEN_KEY => Answer::new(o.fast_open_key.as_deref().unwrap_or(&[])),
        // cubic and reno have no figures of their own, and there is no upper layer.
        libc::TCP_CC_INFO | libc::TCP_ULP => Answer::new(&[]),
        libc::TCP_INFO => Answer::new(&info(&shared.stack.tcp_info(sys::now(), socket)?)),
        _ => return get_listed(shared, id, libc::IPPROTO_TCP, name),
    })
}

/// Changes one.
pub(super) fn set(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if name == libc::TCP_CONGESTION {
        let chosen = congestion(value)?;
        return change(shared, id, |o| o.congestion = chosen, |_| ());
    }
    if name == libc::TCP_ULP {
        return Err(if value.is_empty() { Errno::EINVAL } else { Errno::ENOENT });
    }
    if name == TCP_FASTOPEN_KEY {
        if value.len() != FASTOPEN_KEY && value.len() != 2 * FASTOPEN_KEY {
            return Err(Errno::EINVAL);
        }
        return change(shared, id, |o| o.fast_open_key = Some(value.into()), |_| ());
    }
    let number = int(value)?;
    let on = number != 0;
    let state = shared.stack.tcp_state(shared.file(id)?.socket);
    match name {
        libc::TCP_NODELAY => change(shared, id, |o| o.nodelay = on, |_| ()),
        libc::TCP_CORK => change(shared, id, |o| o.cork = on, |_| ()),
        libc::TCP_MAXSEG => {
            if on && !MSS.contains(&number) {
                return Err(Errno::EINVAL);
            }
            change(shared, id, |o| o.maxseg = u16::try_from(number).ok().filter(|n| *n > 0), |_| ())
        }
        libc::TCP_KEEPIDLE => {
            let n = ranged(number, MAX_KEEP)?;
            change(shared, id, |o| o.keepidle = Duration::from_secs(n.into()), |_| ())
        }
        libc::TCP_KEEPINTVL => {
            let n = ranged(number, MAX_KEEP)?;
            change(shared, id, |o| o.keepintvl = Duration::from_secs(n.into()), |_| ())
        }
        libc::TCP_KEEPCNT => {
            let n = ranged(number, 127)?;
            change(shared, id, |o| o.keepcnt = n, |_| ())
        }
        libc::TCP_SYNCNT => {
            let n = ranged(number, 127)?;
            change(shared, id, |o| o.syncnt = n as u8, |_| ())
        }
        libc::TCP_USER_TIMEOUT => {
            let ms = u64::try_from(number).map_err(|_| Errno::EINVAL)?;
            change(shared, id, |o| o.user_timeout = Duration::from_millis(ms), |_| ())
        }
        libc::TCP_QUICKACK => {
            super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_TCP, name, i32::from(on));
            let socket = shared.file(id)?.socket;
            // An even number: at once this time, and not from then on (__tcp_sock_set_quickack).
            Ok(shared.stack.set_tcp_quickack(sys::now(), socket, on, number & 1 == 0)?)
        }
        libc::TCP_LINGER2 => {
            let time = match number {
                i32::MIN..0 => None,
                0 => Some(FIN_TIMEOUT),
                n => Some(n.min(FIN_TIMEOUT_MAX)),
            };
            change(shared, id, |o| o.linger2 = time.map(|n| Duration::from_secs(n as u64)), |_| ())
        }
        libc::TCP_DEFER_ACCEPT => {
            change(shared, id, |o| o.defer_accept = seconds_to_retransmits(number), |_| ())
        }
        libc::TCP_WINDOW_CLAMP if number == 0 && state != TcpState::Closed => Err(Errno::EINVAL),
        libc::TCP_WINDOW_CLAMP => {
            let clamp = if on { number.max(WINDOW_CLAMP_MIN) as u32 } else { 0 };
            change(shared, id, |o| o.window_clamp = clamp, |_| ())
        }
        libc::TCP_THIN_LINEAR_TIMEOUTS | libc::TCP_THIN_DUPACK | libc::TCP_SAVE_SYN
            if !(0..=1).contains(&number) =>
        {
            Err(Errno::EINVAL)
        }
        libc::TCP_THIN_LINEAR_TIMEOUTS => change(shared, id, |o| o.thin_linear = on, |_| ()),
        libc::TCP_THIN_DUPACK => Ok(()),
        libc::TCP_SAVE_SYN => change(shared, id, |o| o.save_syn = on, |_| ()),
        libc::TCP_NOTSENT_LOWAT => change(shared, id, |o| o.notsent_lowat = number as u32, |_| ()),
        TCP_RTO_MAX_MS => {
            let ms = within(number, 1000, 120_000)?;
            change(shared, id, |o| o.rto_max = Duration::from_millis(ms), |_| ())
        }
        TCP_RTO_MIN_US => {
            let us = within(number, 2000, 200_000)?;
            change(shared, id, |o| o.rto_min = Duration::from_micros(us), |_| ())
        }
        TCP_DELACK_MAX_US => {
            let us = within(number, 2000, 200_000)?;
            change(shared, id, |o| o.delack_max = Duration::from_micros(us), |_| ())
        }
        libc::TCP_FASTOPEN_CONNECT if !(0..=1).contains(&number) => Err(Errno::EINVAL),
        libc::TCP_TIMESTAMP => Err(Errno::EPERM),
        libc::TCP_FASTOPEN_CONNECT if state != TcpState::Closed => Err(Errno::EINVAL),
        libc::TCP_FASTOPEN_CONNECT => {
            shared.file_mut(id)?.fast_open = on;
            change(shared, id, |o| o.fast_open_connect = on, |_| ())
        }
        TCP_FASTOPEN_NO_COOKIE if !(0..=1).contains(&number) => Err(Errno::EINVAL),
        libc::TCP_FASTOPEN | TCP_FASTOPEN_NO_COOKIE
            if !matches!(state, TcpState::Closed | TcpState::Listen) =>
        {
            Err(Errno::EINVAL)
        }
        TCP_FASTOPEN_NO_COOKIE => change(shared, id, |o| o.fast_open_no_cookie = on, |_| ()),
        libc::TCP_FASTOPEN => {
            // fastopen_queue_tune
            let most = u32::try_from(number).map_err(|_| Errno::EINVAL)?.min(SOMAXCONN);
            change(shared, id, |o| o.fast_open = most, |_| ())
        }
        _ => set_listed(shared, id, libc::IPPROTO_TCP, name, number),
    }
}

/// Bytes in the send buffer, unacknowledged ones included.
pub(super) fn send_queued(shared: &Shared, socket: SocketId) -> usize {
    shared.stack.send_queued(socket)
}

fn within(number: i32, least: i32, most: i32) -> Result<u64, Errno> {
    if (least..=most).contains(&number) { Ok(number as u64) } else { Err(Errno::EINVAL) }
}

/// How many SYN-ACKs take so long, at intervals that double from 1 s to 120 s (secs_to_retrans in net/ipv4/tcp.c).
pub(super) fn seconds_to_retransmits(seconds: i32) -> u8 {
    let (mut count, mut interval, mut period) = (0u8, 1, 1);
    if seconds > 0 {
        count = 1;
    }
    while seconds > period && count < u8::MAX {
        count += 1;
        interval = (interval * 2).min(120);
        period += interval;
    }
    count
}

/// The opposite (retrans_to_secs).
pub(super) fn retransmits_to_seconds(count: u8) -> i32 {
    let (mut interval, mut period) = (1, i32::from(count > 0));
    for _ in 1..count {
        interval = (interval * 2).min(120);
        period += interval;
    }
    period
}

fn ranged(number: i32, most: i32) -> Result<u32, Errno> {
    if (1..=most).contains(&number) { Ok(number as u32) } else { Err(Errno::EINVAL) }
}

fn cut(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn seconds(d: Duration) -> i32 {
    i32::try_from(d.as_secs()).unwrap_or(i32::MAX)
}

/// The algorithm that TCP_CONGESTION names; ENOENT for one that there is not.
pub(super) fn congestion(value: &[u8]) -> Result<Congestion, Errno> {
    if value.is_empty() {
        return Err(Errno::EINVAL);
    }
    let cut = value.get(..NAME_MAX - 1).unwrap_or(value);
    let name = cut.split(|b| *b == 0).next().unwrap_or(&[]);
    let found = Congestion::ALL.iter().find(|(n, _)| n.as_bytes() == name);
    found.map(|(_, c)| *c).ok_or(Errno::ENOENT)
}

/// sizeof(struct tcp_info) of Linux 6.7 (<linux/tcp.h>); callers with an older one get its start.
const INFO: usize = 248;

/// State numbers of include/net/tcp_states.h.
fn state(s: TcpState) -> u8 {
    match s {
        TcpState::Established => 1,
        TcpState::SynSent => 2,
        TcpState::SynReceived => 3,
        TcpState::FinWait1 => 4,
        TcpState::FinWait2 => 5,
        TcpState::TimeWait => 6,
        TcpState::Closed => 7,
        TcpState::CloseWait => 8,
        TcpState::LastAck => 9,
        TcpState::Listen => 10,
        TcpState::Closing => 11,
    }
}

/// struct tcp_bbr_info (<linux/inet_diag.h>): bandwidth, low half first, least round trip, gains.
pub(super) fn bbr_info(i: &TcpInfo) -> [u8; 20] {
    let mut out = [0; 20];
    // Zeros before there is a connection.
    let Some(bbr) = i.bbr else { return out };
    let rtt = bbr.min_rtt.map_or(u32::MAX, |d| u32::try_from(d.as_micros()).unwrap_or(u32::MAX));
    let words = [bbr.bandwidth as u32, (bbr.bandwidth >> 32) as u32, rtt, bbr.pacing_gain, bbr.cwnd_gain];
    for (to, word) in out.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    out
}

/// struct tcp_info: times in microseconds, `last_*` in milliseconds, windows of congestion in segments.
pub(super) fn info(i: &TcpInfo) -> [u8; INFO] {
    /// TCP_INFINITE_SSTHRESH
    const INFINITE: u32 = 0x7fff_ffff;
    let mss = i.snd_mss.max(1);
    let segments = |bytes: u32| bytes.div_ceil(mss);
    let micros = |d: Duration| u32::try_from(d.as_micros()).unwrap_or(u32::MAX);
    let millis = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
    let mut out = [0u8; INFO];
    let mut put = |offset: usize, bytes: &[u8]| {
        if let Some(to) = out.get_mut(offset..) {
            super::copy(to, bytes);
        }
    };
    let options = u8::from(i.timestamps)
        | u8::from(i.sack) << 1
        | u8::from(i.wscale) << 2
        | u8::from(i.ecn) << 3
        | u8::from(i.ecn_seen) << 4
        | u8::from(i.syn_data) << 5;
    put(0, &[state(i.state), i.recovery, i.retransmits, i.probes, i.backoff, options]);
    put(6, &[i.snd_wscale & 0xf | i.rcv_wscale << 4]);
    put(7, &[u8::from(i.delivery_rate_app_limited) | i.fast_open_fail << 1]);
    let ssthresh = if i.ssthresh == u32::MAX { INFINITE } else { (i.ssthresh / mss).max(2) };
    let min_rtt = if i.min_rtt.is_zero() { u32::MAX } else { micros(i.min_rtt) };
    let words: [(usize, u32); 37] = [
        (8, micros(i.rto)),
        (12, micros(i.ato)),
        (28, segments(i.sacked)),
        (32, segments(i.lost)),
        (152, i.data_segs_in),
        (192, i.delivered),
        (216, i.dsack_dups),
        (224, i.out_of_order_in),
        (240, u32::from(i.rto_recoveries) << 16 | u32::from(i.total_rto)),
        (244, millis(i.rto_time)),
        (196, i.delivered_ce),
        (220, i.reord_seen),
        (16, i.snd_mss),
        (20, i.rcv_mss),
        (24, segments(i.bytes_in_flight)),
        (36, segments(i.retrans)),
        (44, millis(i.last_data_sent)),
        (52, millis(i.last_data_recv)),
        (56, millis(i.last_ack_recv)),
        (60, i.pmtu),
        (64, i.rcv_wnd),
        (68, micros(i.srtt)),
        (72, micros(i.rttvar)),
        (76, ssthresh),
        (80, (i.cwnd / mss).max(1)),
        // Without what timestamps take from each segment (tcp_rcv_synsent_state_process).
        (84, i.advmss.saturating_sub(if i.timestamps { 12 } else { 0 })),
        // Before there is a connection, tcp_reordering.
        (88, i.reordering.max(3)),
        (92, micros(i.rcv_rtt)),
        (96, i.rcv_space),
        (100, i.total_retrans),
        (136, i.segs_out),
        (140, i.segs_in),
        (144, i.notsent),
        (148, min_rtt),
        (156, i.data_segs_out),
        (228, i.snd_wnd),
        (232, i.rcv_wnd),
    ];
    for (offset, word) in words {
        put(offset, &word.to_ne_bytes());
    }
    let long = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
    let longs = [
        (104, i.pacing_rate),
        (112, i.max_pacing_rate),
        (160, i.delivery_rate),
        (168, long(i.busy_time)),
        (176, long(i.rwnd_limited)),
        (184, long(i.sndbuf_limited)),
        (120, i.bytes_acked),
        (128, i.bytes_received),
        (200, i.bytes_sent),
        (208, i.bytes_retrans),
    ];
    for (offset, long) in longs {
        put(offset, &long.to_ne_bytes());
    }
    out
}
