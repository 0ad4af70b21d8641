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
fn each_option_has_one_row_for_a_kind_of_socket() {
    for (i, row) in ROWS.iter().enumerate() {
        let clash = |other: &&table::Row| {
            (other.level, other.name) == (row.level, row.name)
                && (other.on == row.on || other.on == table::On::Any || row.on == table::On::Any)
        };
        assert!(!ROWS[i + 1..].iter().any(|o| clash(&o)), "{}", row.id);
        // What has no effect says why.
        assert!(row.effect == table::Effect::Honoured || !row.note.is_empty(), "{}", row.id);
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

#[test]
fn what_is_held_or_refused_is_counted() {
    let (held, refused, unknown) = table::totals();
    table::count(libc::SOL_SOCKET, libc::SO_MARK, Kind::Tcp);
    table::count(libc::IPPROTO_TCP, libc::TCP_REPAIR, Kind::Tcp);
    table::count(libc::SOL_SOCKET, libc::SO_REUSEADDR, Kind::Tcp);
    table::count(libc::SOL_SOCKET, 9999, Kind::Udp);
    let (held2, refused2, unknown2) = table::totals();
    assert!(held2 > held && refused2 > refused && unknown2 > unknown);
    let named = |id| table::accounts().iter().any(|a| a.id == id);
    assert!(named("SO_MARK") && named("TCP_REPAIR") && !named("SO_REUSEADDR"));
}

#[test]
fn seconds_of_defer_accept_are_numbers_of_syn_acks() {
    // 1, 1 + 2, 1 + 2 + 4 seconds: what Linux answers for 0 to 8.
    let read: Vec<i32> =
        (0..9).map(|s| tcp::retransmits_to_seconds(tcp::seconds_to_retransmits(s))).collect();
    assert_eq!(read, [0, 1, 3, 3, 7, 7, 7, 7, 15]);
    assert_eq!(tcp::seconds_to_retransmits(-1), 0);
    assert_eq!(tcp::seconds_to_retransmits(i32::MAX), u8::MAX);
}
