//! RFC 9293 section 3.7.1, MUST-65: the MSS option goes with SYN and with nothing else.

use super::*;

#[test]
fn no_segment_but_a_syn_names_an_mss() {
    let mut b = Bench::new();
    let syn = b.connect();
    assert!(syn.repr.options.mss.is_some());
    b.advance(ms(10));
    b.syn_ack(MODERN);
    let mut sent = b.flush();
    b.send(&[1; 3000]);
    sent.extend(b.flush());
    b.peer(ACK, 1001, 1, &[2; 100]);
    sent.extend(b.flush());
    // A time-out, a FIN and its end.
    sent.extend(b.advance(ms(3000)));
    b.tcp.close(b.now, b.id);
    sent.extend(b.flush());
    assert!(sent.len() > 5, "{}", sent.len());
    for segment in sent {
        assert_eq!(segment.repr.options.mss, None, "{segment:?}");
    }
}
