//! net/ipv4/syncookies.c: the MSS is told by the number, the other options by the timestamp; without one there are none.

use super::*;

fn connect(b: &mut Bench, peer: Peer) -> (Sent, TcpInfo) {
    let (listener, port) = (b.id, b.remote);
    let syn_ack = b.client_syn(peer);
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    b.send(b"x");
    b.flush();
    let info = b.info();
    b.tcp.abort(b.now, child);
    b.flush();
    (b.id, b.remote) = (listener, port + 1);
    (syn_ack, info)
}

#[test]
fn the_mss_and_the_options_come_back() {
    let mut b = flooded();
    for (mss, told) in
        [(Some(1460), 1448), (Some(9000), 1448), (Some(1000), 524), (Some(100), 36), (None, 524)]
    {
        let i = connect(&mut b, Peer { mss, ..MODERN }).1;
        assert_eq!(i.snd_mss, told, "{mss:?}");
    }
    for (wscale, sack) in [(None, false), (Some(0), false), (Some(14), true), (None, true)] {
        let (answer, i) = connect(&mut b, Peer { wscale, sack, ..MODERN });
        assert_eq!((i.wscale, i.snd_wscale, i.sack), (wscale.is_some(), wscale.unwrap_or(0), sack));
        assert_eq!(answer.repr.options.window_scale.is_some(), wscale.is_some());
    }
    let (answer, i) = connect(&mut b, Peer { timestamps: false, ..MODERN });
    let o = answer.repr.options;
    assert_eq!((o.window_scale, o.sack_permitted, o.timestamps), (None, false, None));
    assert_eq!((i.wscale, i.sack, i.timestamps, i.snd_mss), (false, false, false, 1460));
    assert_eq!(b.counters.tcp_syn_cookies_in, 10);
}
