//! tcp_max_tw_buckets: beyond the limit connections are closed without TIME-WAIT, their last FIN acknowledged all the same.

use super::*;

#[test]
fn the_table_is_bounded() {
    let mut b = Bench::listening(10);
    let (listener, mut done) = (b.id, 0u32);
    while b.tcp.timewait_overflow + b.counters.tcp_timewait_overflow < 100 {
        b.id = listener;
        b.local = 8000;
        b.remote = 1024 + (done % 60_000) as u16;
        b.irs = 5000 + done;
        b.client_syn(PLAIN);
        b.client_ack();
        b.id = b.tcp.accept(listener).unwrap().0;
        b.tcp.close(b.now, b.id);
        b.flush();
        b.peer(ACK | FIN, 1, 2, &[]);
        let sent = b.flush();
        assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 2));
        done += 1;
        assert!(done < 40_000);
    }
    assert_eq!((b.tcp.timewaits.len(), done), (32 << 10, (32 << 10) + 100));
    b.advance(Duration::from_secs(61));
    assert_eq!((b.tcp.timewaits.len(), b.tcp.poll_timeout()), (0, None));
}
