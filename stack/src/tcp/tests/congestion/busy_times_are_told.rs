//! tcpi_busy_time, tcpi_rwnd_limited and tcpi_sndbuf_limited.

use super::*;

#[test]
fn idle_time_is_not_busy() {
    let mut b = Bench::connected(SACK);
    assert_eq!(b.info().busy_time, Duration::ZERO);
    b.send(&[1; 100]);
    b.flush();
    b.advance(ms(30));
    b.peer(ACK, 1, 101, &[]);
    b.flush();
    b.advance(ms(1000));
    let info = b.info();
    assert_eq!(
        (info.busy_time, info.rwnd_limited, info.sndbuf_limited),
        (ms(30), Duration::ZERO, Duration::ZERO)
    );
}

#[test]
fn a_closed_window_counts_as_the_peers() {
    let mut b = Bench::connected(Peer { window: 3000, ..SACK });
    b.send(&[1; 10_000]);
    assert_eq!(b.sent().iter().map(|s| s.2).sum::<usize>(), 3000);
    b.advance(ms(50));
    let info = b.info();
    assert_eq!((info.busy_time, info.rwnd_limited), (ms(50), ms(50)));
    b.peer_window = 60_000;
    b.peer(ACK, 1, 3001, &[]);
    b.flush();
    b.advance(ms(20));
    let info = b.info();
    assert_eq!((info.busy_time, info.rwnd_limited), (ms(70), ms(50)));
}

#[test]
fn a_full_send_buffer_in_flight_counts_as_the_buffers() {
    let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.sndbuf = Some(4000)));
    assert!(b.send(&[1; 4000]) == 4000);
    assert_eq!(b.tcp.send(b.now, b.id, &[1; 4000], false), Err(Error::WouldBlock));
    b.flush();
    b.advance(ms(40));
    assert_eq!(b.info().sndbuf_limited, ms(40));
}
