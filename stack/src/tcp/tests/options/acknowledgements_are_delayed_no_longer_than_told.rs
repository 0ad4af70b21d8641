//! net/ipv4/tcp.c, TCP_DELACK_MAX_US.

use super::*;

#[test]
fn acknowledgements_are_delayed_no_longer_than_told() {
    let delay = |max: Duration| {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.delack_max = max);
        // Answers make it interactive, so that acknowledgements wait.
        for i in 0..3 {
            b.peer(ACK | PSH, 1 + i, 1 + i, b"q");
            b.recv(1).unwrap();
            b.send(b"a");
            b.flush();
        }
        b.peer(ACK | PSH, 4, 4, b"q");
        let from = b.now.millis();
        b.advance(ms(200)).first().map(|s| s.at.millis() - from)
    };
    assert_eq!(delay(ms(200)), Some(40));
    assert_eq!(delay(ms(10)), Some(10));
}
