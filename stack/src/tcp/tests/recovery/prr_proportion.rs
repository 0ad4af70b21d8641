//! RFC 9937: above the threshold, what leaves is in proportion to what arrives; at the end cwnd is the threshold.

use super::*;

#[test]
fn half_of_what_arrives_leaves() {
    let mut b = Bench::connected(Peer { wscale: Some(7), ..SACK });
    // A larger window.
    let mut acked = 1;
    for _ in 0..4 {
        b.send(&[1; 60_000]);
        b.flush();
        b.now = b.now + ms(10);
        acked += b.info().bytes_in_flight;
        b.peer(ACK, 1, acked, &[]);
    }
    b.send(&[1; 200_000]);
    b.flush();
    b.now = b.now + ms(10);
    let flying = b.info().bytes_in_flight;
    assert!(flying >= 40_000, "{flying}");
    let mut sent = 0;
    let mut n = 2000;
    while n + 1000 <= flying
        && (b.info().recovery < 3 || b.info().bytes_in_flight - b.info().sacked > b.info().ssthresh)
    {
        n += 1000;
        b.now = b.now + Duration::from_micros(100);
        b.sack(acked, &[(acked + 1000, acked + n)]);
        sent += b.flush().iter().map(|s| s.payload.len() as u32).sum::<u32>();
        if b.info().recovery < 3 {
            sent = 0;
        }
    }
    let info = b.info();
    assert_eq!(info.recovery, 3);
    let share = n as f64 * f64::from(info.ssthresh) / f64::from(flying);
    assert!((f64::from(sent) - share).abs() <= 4000.0, "{sent} of {share}");
    let end = acked + info.bytes_in_flight;
    b.peer(ACK, 1, end, &[]);
    // The same acknowledgement grows it by a segment.
    assert!((info.ssthresh..=info.ssthresh + 1000).contains(&b.info().cwnd));
}
