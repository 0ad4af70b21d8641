//! tcp(7) TCP_LINGER2: "The lifetime of orphaned FIN_WAIT2 state sockets."

use super::*;

#[test]
fn linger2_ends_fin_wait2() {
    for (linger2, before, after) in [(Some(Duration::from_secs(5)), 4900, 200), (None, 0, 0)] {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.linger2 = linger2);
        b.tcp.close(b.now, b.id);
        assert_eq!(b.sent(), vec![(ACK | FIN, 1, 0)]);
        b.peer(ACK, 1, 2, &[]);
        if linger2.is_none() {
            // tcp_rcv_state_process: who does not wait for the peer's FIN tells him.
            assert_eq!(b.sent(), vec![(RST, 2, 0)]);
        } else {
            b.advance(ms(before));
            assert_eq!(b.tcp.socks.len(), 1, "too early");
            b.advance(ms(after));
        }
        assert_eq!(b.tcp.socks.len(), 0);
    }
}
