//! tcp_retransmit_timer does nothing while no SYN has left: a stranger's ACK is reset, and the SYN still waits for the first write.

use super::*;

#[test]
fn a_stray_segment_does_not_wake_a_deferred_connect() {
    let mut b = client();
    b.options(|o| o.fast_open_connect = true);
    b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500).unwrap();
    b.local = b.tcp.local_addr(b.id).unwrap().port();
    for flags in [ACK, SYN | ACK] {
        b.peer(flags, 0, 77, &[]);
        let sent = b.flush();
        assert_eq!((sent.len(), sent[0].repr.flags), (1, RST));
    }
    b.peer(RST | ACK, 0, 77, &[]);
    let sent = b.advance(Duration::from_secs(10));
    assert!(sent.is_empty(), "{sent:?}");
    assert_eq!(b.tcp.poll_timeout(), None);
    assert_eq!(b.send(b"hello"), 5);
    assert_eq!(&syn(&mut b).payload[..], b"hello");
}
