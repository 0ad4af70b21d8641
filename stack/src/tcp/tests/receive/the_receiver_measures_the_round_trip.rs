//! RFC 7323 section 4 for one who only receives: by the echo in full segments with timestamps, else by the time that a window takes
//! (Linux: `tcp_rcv_rtt_measure_ts`, `tcp_rcv_rtt_measure`).

use super::*;

#[test]
fn by_timestamps() {
    let mut b = Bench::connected(MODERN);
    let mut seq = 1;
    for _ in 0..40 {
        // Two, so that they are acknowledged at once.
        b.peer(ACK, seq, 1, &[7; 1448]);
        b.peer(ACK, seq + 1448, 1, &[7; 1448]);
        seq += 2896;
        b.recv(5000).unwrap();
        b.flush();
        b.advance(ms(80));
    }
    let rtt = b.info().rcv_rtt;
    assert!((ms(78)..=ms(82)).contains(&rtt), "{rtt:?}");
}

#[test]
fn by_windows() {
    let mut b = Bench::new();
    b.options(|o| o.rcvbuf = Some(10_000));
    b.connect();
    // The handshake took longer than what comes.
    b.advance(ms(150));
    b.syn_ack(PLAIN);
    b.flush();
    assert_eq!(b.info().rcv_rtt, ms(150));
    let mut seq = 1;
    for _ in 0..40 {
        // A window, and the next when its acknowledgement came back after 30 ms.
        let mut left = b.info().rcv_wnd;
        while left >= 1000 {
            b.peer(ACK, seq, 1, &[7; 1000]);
            seq += 1000;
            left -= 1000;
        }
        b.recv(20_000).unwrap();
        b.flush();
        b.advance(ms(30));
    }
    let rtt = b.info().rcv_rtt;
    assert!((ms(25)..=ms(61)).contains(&rtt), "{rtt:?}");
}
