//! tcp(7) TCP_CORK: no partial frames until it is taken off.

use super::*;

#[test]
fn cork_holds_until_uncorked() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(&[1; 1500]);
    assert_eq!(b.sent(), vec![(ACK, 1, 1000)]);
    b.peer(ACK, 1, 1001, &[]);
    b.silent();
    b.options(|o| o.cork = false);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1001, 500)]);
}
