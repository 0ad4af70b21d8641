//! RFC 3168 section 6.1.1: a SYN-ACK with both flags is no agreement: some hosts send back whatever reserved bits they got.

use super::*;

#[test]
fn both_flags_back_mean_no() {
    for flags in [SETUP, CWR] {
        let mut b = asking();
        answer(&mut b, PLAIN, flags);
        assert!(!b.info().ecn, "{flags:?}");
    }
}
