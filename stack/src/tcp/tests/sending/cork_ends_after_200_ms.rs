//! tcp(7) TCP_CORK: "There is a 200 millisecond ceiling on the time for which output is corked".

use super::*;

#[test]
fn cork_ends_after_200_ms() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(b"header");
    assert!(b.advance(ms(199)).is_empty());
    let sent = b.advance(ms(30));
    assert_eq!(sent[0].payload, b"header");
}
