//! RFC 7413 section 4.1.2: keys change; a cookie of the older of two is good, and the SYN-ACK brings the newer (TCP_FASTOPEN_KEY).

use super::*;

#[test]
fn a_key_of_two_accepts_the_older() {
    let mut b = server(5);
    b.options(|o| o.fast_open_key = Some([1u8; 16][..].into()));
    let old = cookie_of(&mut b);
    let both = [[2u8; 16], [1u8; 16]].concat();
    b.options(|o| o.fast_open_key = Some(both[..].into()));
    let new = cookie_of(&mut b);
    assert_ne!(old, new);
    assert_eq!(b.tcp.fast_open_keys(b.id).unwrap(), both);
    let answer = syn_with(&mut b, Some(old), b"data");
    assert_eq!((answer.repr.ack.0, answer.repr.options.fast_open), (b.irs + 5, Some(new)));
    let child = accept(&mut b);
    // The key is the listener's own.
    assert_eq!(b.tcp.fast_open_keys(child).unwrap().len(), 16);
    b.options(|o| o.fast_open_key = Some([3u8; 16][..].into()));
    b.remote += 1;
    assert_eq!(syn_with(&mut b, Some(old), b"data").repr.ack.0, b.irs + 1);
}
