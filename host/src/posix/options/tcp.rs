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
/// What a socket without a connection reports (TCP_MSS_DEFAULT).
const MSS_DEFAULT: i32 = 536;

/// Reads one.
pub(super) fn get(shared: &Shared, id: FileId, name: c_int) -> Result<Answer, Errno> {
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
            Answer::int(super::host_option(f, libc::IPPROTO_TCP, name).unwrap_or(1))
        }
        libc::TCP_CONGESTION => {
            let mut padded = [0; NAME_MAX];
            super::copy(&mut padded, o.congestion.name().as_bytes());
            Answer::new(&padded)
        }
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
    let number = int(value)?;
    let on = number != 0;
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
            change(shared, id, |o| o.quickack = on, |_| ())
        }
        // As Linux answers where net.ipv4.tcp_fastopen has the client bit off.
        libc::TCP_FASTOPEN_CONNECT if on => Err(Errno::EOPNOTSUPP),
        _ => set_listed(shared, id, libc::IPPROTO_TCP, name, number),
    }
}

/// Bytes in the send buffer, unacknowledged ones included.
pub(super) fn send_queued(shared: &Shared, socket: SocketId) -> usize {
    shared.stack.send_queued(socket)
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
    let options = u8::from(i.timestamps) | u8::from(i.sack) << 1 | u8::from(i.wscale) << 2;
    put(0, &[state(i.state), 0, i.retransmits, i.probes, i.retransmits, options]);
    put(6, &[i.snd_wscale & 0xf | i.rcv_wscale << 4]);
    let retrans_out = if i.retransmits > 0 { 1 } else { 0 };
    let ssthresh = if i.ssthresh == u32::MAX { INFINITE } else { (i.ssthresh / mss).max(2) };
    let min_rtt = if i.min_rtt.is_zero() { u32::MAX } else { micros(i.min_rtt) };
    let words: [(usize, u32); 25] = [
        (8, micros(i.rto)),
        (16, i.snd_mss),
        (20, i.rcv_mss),
        (24, segments(i.bytes_in_flight)),
        (36, retrans_out),
        (44, millis(i.last_data_sent)),
        (52, millis(i.last_data_recv)),
        (56, millis(i.last_ack_recv)),
        (60, i.pmtu),
        (64, i.rcv_wnd),
        (68, micros(i.srtt)),
        (72, micros(i.rttvar)),
        (76, ssthresh),
        (80, (i.cwnd / mss).max(1)),
        (84, i.advmss),
        (88, 3),
        (96, i.rcv_wnd),
        (100, i.total_retrans),
        (136, i.segs_out),
        (140, i.segs_in),
        (144, i.notsent),
        (148, min_rtt),
        (156, u32::try_from(i.bytes_sent.div_ceil(u64::from(mss))).unwrap_or(u32::MAX)),
        (228, i.snd_wnd),
        (232, i.rcv_wnd),
    ];
    for (offset, word) in words {
        put(offset, &word.to_ne_bytes());
    }
    // max_pacing_rate: no limit.
    let longs = [
        (112, u64::MAX),
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
