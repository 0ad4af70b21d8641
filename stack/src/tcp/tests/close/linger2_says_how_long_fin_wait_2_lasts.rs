//! TCP_LINGER2 (tcp(7)): how long an orphan waits in FIN-WAIT-2; not at all when negative.

use super::*;

fn closed_with(linger2: Option<Duration>) -> Bench {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.linger2 = linger2);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK, 1, 2, &[]);
    b
}

#[test]
fn linger2_says_how_long_fin_wait_2_lasts() {
    let mut b = closed_with(Some(Duration::from_secs(5)));
    b.advance(Duration::from_millis(4900));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(ms(200));
    assert_eq!((b.tcp.socks.len(), b.tcp.poll_timeout()), (0, None));
    assert_eq!(b.counters.tcp_fin_wait2_timeouts, 1);
    // The peer's late FIN is of no connection.
    b.peer(ACK | FIN, 1, 2, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST);
    let mut b = closed_with(None);
    assert_eq!(b.flush()[0].repr.flags, RST);
    assert_eq!(b.tcp.socks.len(), 0);
}
