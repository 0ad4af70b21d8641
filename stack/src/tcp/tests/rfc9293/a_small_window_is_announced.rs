//! RFC 9293 section 3.8.6: what the receiver can take is announced, be it less than a unit of its scale or less than a
//! segment; rounded down it would be nothing for ever (Linux: `__tcp_select_window` rounds up, and bounds the segment size
//! by the whole space).

use super::*;

#[test]
fn less_than_a_unit_of_the_scale() {
    let mut b = Bench::connected(MODERN);
    let shift = b.info().rcv_wscale;
    assert!(shift > 9, "{shift}");
    b.options(|o| o.window_clamp = 500);
    // What was announced before is used up.
    let mut seq = 1;
    while b.info().rcv_wnd > 0 && seq < 1_000_000 {
        let len = b.info().rcv_wnd.min(1400) as usize;
        b.peer(ACK, seq, 1, &vec![1; len]);
        seq += len as u32;
        while b.recv(2000).is_ok() {}
        if b.flush().last().is_some_and(|ack| ack.repr.window == 1) {
            return;
        }
    }
    panic!("a window of {} bytes was never one unit", b.info().rcv_wnd);
}

#[test]
fn less_than_a_segment_of_the_peer() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(3000)));
    for n in 0..3 {
        b.peer(ACK, 1 + n * 1000, 1, &[1; 1000]);
    }
    assert_eq!(b.flush().pop().unwrap().repr.window, 0);
    b.options(|o| o.window_clamp = 600);
    assert_eq!(b.recv(5000).unwrap().len(), 3000);
    b.advance(ms(1));
    // A probe, if reading alone has not told already.
    b.peer(ACK, 3000, 1, &[]);
    b.flush();
    assert!(b.info().rcv_wnd > 0, "the window stays shut with an empty queue");
}
