//! tcp(7) TCP_USER_TIMEOUT: unacknowledged data ends the connection after that time.

use super::*;

#[test]
fn user_timeout() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.user_timeout = Duration::from_secs(3));
    b.send(b"hello");
    b.flush();
    b.advance(Duration::from_secs(10));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}
