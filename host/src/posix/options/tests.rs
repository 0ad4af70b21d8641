use super::*;
use matnet_stack::{Congestion, TcpInfo};

fn time(seconds: i64, micros: i64) -> Vec<u8> {
    [seconds.to_ne_bytes(), micros.to_ne_bytes()].concat()
}

#[test]
fn timeouts_as_sock_set_timeout() {
    assert_eq!(timeout(&time(0, 0)), Ok(None));
    assert_eq!(timeout(&time(1, 500_000)), Ok(Some(Duration::from_millis(1500))));
    assert_eq!(timeout(&time(-1, 0)), Ok(Some(Duration::ZERO)));
    assert_eq!(timeout(&time(0, 1_000_000)), Err(Errno::EDOM));
    assert_eq!(timeout(&time(0, -1)), Err(Errno::EDOM));
    assert_eq!(timeout(&time(0, 0)[..15]), Err(Errno::EINVAL));
    let back = timeval(Some(Duration::from_millis(1500)));
    assert_eq!(&back.bytes[..back.len], time(1, 500_000));
}

#[test]
fn buffers_double_and_stay_in_bounds() {
    assert_eq!(buffer(10_000, false, MIN_RCVBUF), 20_000);
    assert_eq!(buffer(0, false, MIN_RCVBUF), 2304);
    assert_eq!(buffer(1, false, MIN_SNDBUF), 4608);
    assert_eq!(buffer(i32::MAX, false, MIN_SNDBUF), 8 << 20);
    assert_eq!(buffer(-1, false, MIN_SNDBUF), 8 << 20);
    assert_eq!(buffer(-1, true, MIN_SNDBUF), 4608);
    assert_eq!(buffer(i32::MAX, true, MIN_SNDBUF), i32::MAX as usize - 1);
}

#[test]
fn ints_are_four_bytes_or_more() {
    assert_eq!(int(&[1, 0, 0]), Err(Errno::EINVAL));
    assert_eq!(int(&[1, 0, 0, 0, 9]), Ok(1));
}

#[test]
fn algorithms_by_name() {
    assert_eq!(tcp::congestion(b"cubic"), Ok(Congestion::Cubic));
    assert_eq!(tcp::congestion(b"reno\0junk"), Ok(Congestion::Reno));
    assert_eq!(tcp::congestion(b"bogus"), Err(Errno::ENOENT));
    assert_eq!(tcp::congestion(b""), Err(Errno::EINVAL));
}

#[test]
fn no_option_is_in_both_tables_or_twice() {
    for h in table::HELD {
        assert!(!h.why.is_empty());
        let (level, name) = h.key();
        assert!(table::fixed_row(level, name).is_none(), "{level} {name}");
    }
    for f in table::FIXED {
        let same = table::FIXED.iter().filter(|g| g.key() == f.key()).count();
        assert_eq!(same, 1, "{:?}", f.key());
    }
}

#[test]
fn forms() {
    assert_eq!(table::Form::Flag.check(-7), Ok(1));
    assert_eq!(table::Form::Range(-1, 255).check(256), Err(Errno::EINVAL));
    assert_eq!(table::Form::Range(-1, 255).check(-1), Ok(-1));
}

#[test]
fn figures_where_programs_look_for_them() {
    let i = TcpInfo {
        state: TcpState::Established,
        timestamps: true,
        wscale: true,
        snd_wscale: 7,
        rcv_wscale: 9,
        rto: Duration::from_millis(204),
        srtt: Duration::from_micros(150),
        rttvar: Duration::from_micros(40),
        snd_mss: 1448,
        cwnd: 14_480,
        ssthresh: u32::MAX,
        bytes_acked: 1 << 40,
        bytes_received: 5,
        total_retrans: 3,
        ..TcpInfo::default()
    };
    let bytes = tcp::info(&i);
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(&bytes[..7], &[1, 0, 0, 0, 0, 5, 0x97]);
    assert_eq!((word(8), word(16), word(68), word(72)), (204_000, 1448, 150, 40));
    assert_eq!((word(76), word(80), word(100)), (0x7fff_ffff, 10, 3));
    assert_eq!(u64::from_ne_bytes(bytes[120..128].try_into().unwrap()), 1 << 40);
    assert_eq!(bytes[128], 5);
    assert_eq!(bytes.len(), 248);
}
