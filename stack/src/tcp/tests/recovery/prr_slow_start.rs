//! RFC 9937, the reduction bounds: when so much was lost that less than the threshold is in flight, sending goes on at the pace of what
//! arrives, a segment more for each acknowledgement that goes on and finds no new loss.

use super::*;

#[test]
fn what_arrives_and_one_more() {
    let mut b = in_flight(SACK);
    // Seven of ten are lost.
    b.sack(1, &[(7001, 10_001)]);
    assert_eq!(starts(&mut b).len(), 3, "as much as arrived");
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 1001, &[]);
    // Conservative: RACK found another loss or not, one segment arrived; safe: one more.
    let sent = starts(&mut b);
    assert_eq!(sent, [3001 + 1000, 3001 + 2000].map(|s| s - 1000));
}
