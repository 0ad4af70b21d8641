//! RFC 9293 section 3.6.1 and 3.10.7.4: TIME-WAIT lasts its time (60 s, TCP_TIMEWAIT_LEN); a FIN that comes again is acknowledged and
//! restarts it.

use super::*;

#[test]
fn it_lasts_a_minute_and_begins_anew_with_the_fin() {
    let mut b = in_time_wait();
    b.advance(Duration::from_secs(59));
    b.peer(ACK | FIN, 1, 2, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0, sent[0].repr.seq.0), (ACK, b.irs + 2, b.iss + 2));
    b.advance(Duration::from_secs(59));
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.tcp.timewaits.len(), 0);
    // What comes now is of no connection.
    b.peer(ACK | FIN, 1, 2, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST);
}
