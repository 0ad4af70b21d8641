//! RFC 9293 section 3.10.7.4, tcp_check_req: a half-open request measures segments by the window that its SYN-ACK announced. What
//! lies beyond makes no connection, which nobody would count while it waits for its handshake.

use super::*;

#[test]
fn a_segment_beyond_the_first_window_opens_nothing() {
    let small: [fn(&mut TcpOptions); 2] = [|o| o.rcvbuf = Some(2304), |o| o.window_clamp = 2304];
    for small in small {
        let mut b = Bench::listening(1);
        b.options(small);
        for n in 0..50 {
            b.remote = 40_000 + n;
            assert_eq!(b.client_syn(PLAIN).repr.window, 2304);
            for beyond in [2305, 10_000, 65_535] {
                b.peer(ACK, 1 + beyond, 1, b"x");
            }
            b.flush();
        }
        assert_eq!((b.tcp.socks.len(), b.tcp.requests.len()), (1, 1));
        // What fits is taken.
        b.remote = 40_000;
        b.peer(RST, 1, 1, &[]);
        b.client_syn(PLAIN);
        b.peer(ACK, 1, 1, &[]);
        assert!(b.tcp.accept(b.id).is_ok());
    }
}
