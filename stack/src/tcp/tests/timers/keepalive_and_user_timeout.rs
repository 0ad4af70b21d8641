//! tcp(7): with SO_KEEPALIVE, TCP_USER_TIMEOUT "will override keepalive to determine when to close a connection due to keepalive
//! failure": at the first probe that is due after it, when one at least was sent.

use super::*;

#[test]
fn the_user_timeout_takes_the_place_of_the_count() {
    for (user, end) in [(7, 75), (62, 65), (73, 75), (200, 200)] {
        let mut b = Bench::connected_with(PLAIN, |b| {
            b.options(|o| {
                o.keepalive = true;
                o.keepidle = Duration::from_secs(60);
                o.keepintvl = Duration::from_secs(5);
                o.keepcnt = 3;
                o.user_timeout = Duration::from_secs(user);
            });
        });
        let start = b.now;
        let sent = b.advance(Duration::from_secs(1000));
        let last = sent.last().unwrap();
        // The first look after TCP_USER_TIMEOUT: every 5 s from 60 on; with 7 s one probe has to be sent before.
        let end = if user == 7 { 65 } else { end };
        assert_eq!((last.repr.flags, last.at.since(start).as_secs()), (RST | ACK, end), "{user}");
    }
}
