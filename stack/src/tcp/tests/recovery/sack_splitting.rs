//! A peer that SACKs single bytes: the scoreboard's memory is bounded, and the connection goes on.

use super::*;

#[test]
fn records_are_bounded() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    let mut acked = 1;
    for _ in 0..4 {
        b.send(&[1; 100_000]);
        b.flush();
        b.now = b.now + ms(10);
        acked += b.info().bytes_in_flight;
        b.peer(ACK, 1, acked, &[]);
    }
    b.send(&[1; 100_000]);
    b.flush();
    let flying = b.info().bytes_in_flight;
    assert!(flying > 40_000);
    b.now = b.now + ms(10);
    for n in 1..flying / 2 {
        b.sack(acked, &[(acked + 2 * n, acked + 2 * n + 1)]);
    }
    let sock = b.tcp.socks.get_mut(b.id.index).unwrap();
    let crate::tcp::socket::Body::Conn(conn) = &mut sock.body else { panic!() };
    assert!(conn.board.len() <= 16 << 10);
    conn.board.check();
    b.flush();
    let end = acked + b.info().bytes_in_flight;
    b.peer(ACK, 1, end, &[]);
    assert_eq!(b.info().sacked, 0);
}
