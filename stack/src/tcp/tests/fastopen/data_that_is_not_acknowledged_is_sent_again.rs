//! RFC 7413 section 4.2.2: what the SYN-ACK does not acknowledge of the SYN's data is sent again at once.

use super::*;

#[test]
fn data_that_is_not_acknowledged_is_sent_again() {
    for (acked, rest) in [(0u32, &b"hello"[..]), (2, b"llo")] {
        let mut b = client();
        send_to(&mut b, b"hello").unwrap();
        syn(&mut b);
        b.advance(ms(10));
        syn_ack(&mut b, acked, None);
        let sent = b.flush();
        assert_eq!(sent.len(), 1, "one segment acknowledges and repeats: {sent:?}");
        assert_eq!((sent[0].repr.flags, &sent[0].payload[..]), (ACK | PSH, rest));
        assert_eq!(sent[0].repr.seq.0, b.iss + 1 + acked);
        let i = b.info();
        assert_eq!((i.syn_data, i.fast_open_fail, i.total_retrans), (false, 2, 1));
        b.peer(ACK, 1, 6, &[]);
        assert_eq!(b.info().bytes_acked, 5);
        assert_eq!(b.counters.tcp_fastopen_active_fail, 1);
        b.silent();
    }
}
