//! A closed window takes a probe's ACK and FIN-less data nothing.

use super::*;

#[test]
fn a_zero_window_of_ours_still_takes_acks() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(4000)));
    let mut seq = 1;
    while b.info().rcv_wnd > 0 {
        let n = b.info().rcv_wnd.min(1000);
        b.peer(ACK, seq, 1, &vec![1; n as usize]);
        seq += n;
        b.advance(ms(50));
    }
    b.send(b"hello");
    b.flush();
    b.peer(ACK, seq, 6, b"x");
    assert_eq!(b.tcp.send_queued(b.id), 0);
    assert_eq!(b.tcp.recv_queued(b.id) as u32, seq - 1);
}
