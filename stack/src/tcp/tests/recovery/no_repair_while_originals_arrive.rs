//! Linux's tcp_try_undo_partial: a partial acknowledgement of the original shows that the path reorders; while other repetitions are under
//! way, new data leaves, and no more is repeated.

use super::*;

#[test]
fn new_data_leaves_instead() {
    let mut b = in_flight(STAMPS);
    let echo = b.ts_seen;
    b.now = b.now + ms(1);
    b.ts_seen = echo;
    b.sack(1, &[(3001, 6001)]);
    let mut sent = starts(&mut b);
    b.now = b.now + ms(1);
    b.ts_seen = echo;
    b.sack(1, &[(3001, 7001)]);
    sent.extend(starts(&mut b));
    assert_eq!(sent, [1, 1001]);
    b.now = b.now + ms(1);
    b.ts_seen = echo;
    b.sack(1001, &[(3001, 7001)]);
    let sent = starts(&mut b);
    assert!(!sent.is_empty() && sent.iter().all(|s| *s > 10_000), "{sent:?}");
    // The next acknowledgement decides anew.
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 2001, &[]);
    assert!(starts(&mut b).contains(&2001));
}
