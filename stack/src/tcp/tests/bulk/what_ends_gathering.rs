//! What ends the gathering of small writes: TCP_NODELAY, a far peer, the end of a blocking call, the end of the stream.

use super::*;

#[test]
fn what_ends_gathering() {
    // TCP_NODELAY, a path that is not near, one large write, a blocking call's end, the end of the stream.
    let all_under_way = |b: &mut Bench| {
        b.send(&[1; 200_000]);
        let sent = b.flush();
        assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 200_000, "{:?}", sizes(&sent));
    };
    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.options(|o| o.nodelay = true);
    b.send(&[1; 100]);
    assert_eq!(sizes(&b.flush()), [100]);

    let (mut b, _) = warm(ms(5));
    all_under_way(&mut b);
    b.send(&[1; 1448]);
    assert_eq!(sizes(&b.flush()), [1448]);

    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.send(&[1; 1448]);
    b.silent();
    b.tcp.end_send(b.now, b.id);
    assert_eq!(sizes(&b.flush()), [1448]);

    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.send(&[1; 100]);
    b.silent();
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    let sent = b.flush();
    assert_eq!(sizes(&sent), [100]);
    assert!(sent[0].repr.flags.contains(FIN));
}
