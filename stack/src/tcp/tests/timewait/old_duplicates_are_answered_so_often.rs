//! RFC 9293 section 3.10.7.4, RFC 5961 section 7, tcp_invalid_ratelimit: old segments in TIME-WAIT are acknowledged, those without data
//! twice a second at most.

use super::*;

#[test]
fn old_duplicates_are_answered_so_often() {
    let mut b = in_time_wait();
    let answers = |b: &mut Bench, flags: Flags, data: &[u8]| {
        let mut count = 0;
        for _ in 0..100 {
            b.peer(flags, 0, 2, data);
            count += b.flush().len();
            b.advance(ms(10));
        }
        count
    };
    assert_eq!(answers(&mut b, ACK, b""), 2);
    b.ts_peer -= 100;
    assert_eq!(answers(&mut b, SYN, b""), 2);
    assert_eq!(answers(&mut b, ACK, b"old data"), 100);
    assert_eq!(answers(&mut b, RST, b""), 0);
    assert_eq!(b.tcp.timewaits.len(), 1);
}
