//! net/ipv4/tcp.c, tcp_stream_memory_free: TCP_NOTSENT_LOWAT bounds what waits to be sent, whatever is under way.

use super::*;

#[test]
fn notsent_lowat_bounds_what_waits() {
    let mut b = Bench::connected(Peer { window: 4000, ..PLAIN });
    b.options(|o| o.notsent_lowat = 5000);
    b.events();
    // 4000 leave at once; of what follows, 5000 and a segment are taken.
    assert_eq!(b.send(&[1; 4000]), 4000);
    b.flush();
    let taken = b.send(&[1; 60_000]);
    assert!((5000..=6000).contains(&taken), "{taken}");
    assert_eq!(b.tcp.send(b.now, b.id, &[1], false), Err(Error::WouldBlock));
    assert!(!b.ready().contains(Readiness::OUT));
    // sendfile(2) asks first.
    assert_eq!(b.tcp.send_space(b.id), Ok(0));
    // An acknowledgement lets 4000 leave: less than half of the mark waits, and the user hears of it.
    b.events();
    b.peer(ACK, 1, 4001, &[]);
    b.flush();
    assert!(b.ready().contains(Readiness::OUT));
    assert!(b.events().iter().any(|(_, e)| e.contains(Readiness::OUT)));
}
