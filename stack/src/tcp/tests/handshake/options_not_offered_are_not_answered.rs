//! RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2: a SYN-ACK has the options of the SYN only.

use super::*;

#[test]
fn options_not_offered_are_not_answered() {
    let mut b = Bench::listening(5);
    let o = b.client_syn(PLAIN).repr.options;
    assert_eq!((o.window_scale, o.sack_permitted, o.timestamps), (None, false, None));
}
