//! A connection that meets no trouble keeps no memory of any, and its frames stay whole on the scoreboard.

use super::*;
use crate::tcp::socket::Body;

fn with_conn<T>(b: &mut Bench, f: impl FnOnce(&mut crate::tcp::socket::Conn) -> T) -> T {
    let sock = b.tcp.socks.get_mut(b.id.index).unwrap();
    let Body::Conn(conn) = &mut sock.body else { panic!() };
    f(conn)
}

#[test]
fn no_box_and_one_record_a_frame() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    let mut acked = 1;
    for _ in 0..20 {
        b.send(&[1; 60_000]);
        let frames = b.flush().len();
        assert!(frames > 0);
        b.now = b.now + ms(10);
        let flying = b.info().bytes_in_flight;
        assert!(with_conn(&mut b, |c| c.board.len()) <= frames);
        acked += flying;
        b.peer(ACK, 1, acked, &[]);
    }
    assert!(with_conn(&mut b, |c| c.mend.is_none()));
}
