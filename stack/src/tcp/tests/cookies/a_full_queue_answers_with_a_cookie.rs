//! RFC 4987 section 3.6: nothing is kept of a SYN, and the ACK of its answer makes the connection all the same.

use super::*;

#[test]
fn a_full_queue_answers_with_a_cookie() {
    let mut b = flooded();
    let syn_ack = b.client_syn(MODERN);
    let o = syn_ack.repr.options;
    assert!(o.mss == Some(1460) && o.window_scale.is_some() && o.sack_permitted);
    assert_eq!((o.timestamps.map(|t| t.1), syn_ack.repr.ack.0), (Some(1000), b.irs + 1));
    assert_eq!((b.tcp.requests.len(), b.counters.tcp_syn_cookies_out), (3, 1));
    // It is not repeated: there is nothing to repeat it from.
    let port = b.remote;
    assert!(b.advance(ms(1500)).iter().all(|s| s.repr.dst_port != port));
    b.ts_peer += 1500;
    b.peer(ACK | PSH, 1, 1, b"hello");
    let (child, peer) = b.tcp.accept(b.id).unwrap();
    assert_eq!((peer.port(), b.counters.tcp_syn_cookies_in), (40_000, 1));
    b.id = child;
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.recv(10).unwrap(), b"hello");
    // What the SYN said came back in the timestamp; no round trip is known, and the window is the usual one.
    let i = b.info();
    assert_eq!(
        (i.snd_wscale, i.wscale, i.sack, i.timestamps, i.snd_mss, i.advmss),
        (7, true, true, true, 1448, 1460)
    );
    b.send(&[0; 30_000]);
    assert_eq!(b.sent().iter().map(|s| s.2).sum::<usize>(), 14_480);
}
