//! RFC 3168 section 6.1.2: "the sending TCP [...] sets the CWR flag in the TCP header of the first new data packet sent after the
//! window reduction".

use super::*;

#[test]
fn the_first_new_data_after_a_reduction_tells_of_it() {
    let mut b = connected(SACK);
    b.send(&[1; 5_000]);
    b.flush();
    b.peer(ACK | ECE, 1, 5001, &[]);
    b.silent();
    // An acknowledgement is not new data.
    b.peer(ACK, 1, 5001, &[1; 3000]);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
    b.send(&[1; 2000]);
    assert_eq!(marks(&mut b), [(ACK | CWR, 1000, ECT0), (ACK, 1000, ECT0)]);
}

#[test]
fn a_device_that_takes_nothing_leaves_it_due() {
    let mut b = connected(SACK);
    b.send(&[1; 1_000]);
    b.flush();
    b.peer(ACK | ECE, 1, 1001, &[]);
    b.send(&[1; 1000]);
    b.below.room = 0;
    b.silent();
    b.below.room = usize::MAX;
    assert_eq!(marks(&mut b), [(ACK | CWR, 1000, ECT0)]);
}
