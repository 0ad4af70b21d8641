//! RFC 5961 section 7: so many and no more.

use super::*;

#[test]
fn challenges_are_rate_limited() {
    let mut b = Bench::connected(PLAIN);
    let mut answered = 0;
    for _ in 0..100 {
        b.peer(SYN, 1, 0, &[]);
        answered += b.flush().len();
        b.advance(ms(10));
    }
    assert_eq!(answered, 2);
}
