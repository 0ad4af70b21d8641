//! RFC 7323 section 5.4: the timestamp clock ticks once a millisecond, so it comes round after 49 days and its sign after 24.

use super::*;

#[test]
fn a_tick_is_a_millisecond() {
    let mut b = Bench::connected(MODERN);
    let first = b.ts_seen;
    b.advance(ms(12_345));
    b.send(b"x");
    let val = b.flush()[0].repr.options.timestamps.unwrap().0;
    assert_eq!(val.wrapping_sub(first), 12_345);
}
