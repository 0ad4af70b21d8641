//! TCP_CORK and MSG_MORE (tcp(7), send(2)): partial segments wait, full ones do not; uncorking, TCP_NODELAY, closing or some 200 ms
//! with nothing under way send what waits.

use super::*;

fn corked() -> Bench {
    Bench::connected_with(PLAIN, |b| b.options(|o| o.cork = true))
}

#[test]
fn full_segments_go() {
    let mut b = corked();
    b.send(&[1; 2500]);
    assert_eq!(b.sent().iter().map(|s| s.2).collect::<Vec<_>>(), vec![1000, 1000]);
    b.send(&[1; 500]);
    assert_eq!(b.sent().iter().map(|s| s.2).collect::<Vec<_>>(), vec![1000]);
}

#[test]
fn uncorking_sends_the_rest() {
    let mut b = corked();
    b.send(b"part");
    b.silent();
    b.options(|o| o.cork = false);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 4)]);
}

/// net/ipv4/tcp.c, `__tcp_sock_set_nodelay`: "TCP_NODELAY is weaker than TCP_CORK, so that this option on corked socket is remembered,
/// but it is not activated until cork is cleared. However, when TCP_NODELAY is set we make an explicit push, which overrides
/// even TCP_CORK for currently queued segments."
#[test]
fn nodelay_pushes_what_is_there_and_no_more() {
    let mut b = corked();
    b.send(b"part");
    b.options(|o| o.nodelay = true);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 4)]);
    b.send(b"more");
    b.silent();
}

#[test]
fn after_200_ms_it_goes_all_the_same() {
    let mut b = corked();
    b.send(b"part");
    let start = b.now;
    let sent = b.advance(ms(400));
    assert_eq!(sent.len(), 1);
    let waited = sent[0].at.since(start);
    assert!((ms(200)..ms(300)).contains(&waited), "{waited:?}");
}

#[test]
fn closing_sends_it_with_the_fin() {
    let mut b = corked();
    b.send(b"part");
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 4)]);
}

#[test]
fn more_is_for_one_call() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.send(b.now, b.id, b"head", true).unwrap();
    b.silent();
    b.tcp.send(b.now, b.id, b"body", false).unwrap();
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 8)]);
}
