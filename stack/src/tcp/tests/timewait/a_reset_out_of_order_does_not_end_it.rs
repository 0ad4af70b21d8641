//! RFC 1337 section 3, RFC 5961 section 3.2: a RST ends TIME-WAIT in order only, and not with an old timestamp.

use super::*;

#[test]
fn a_reset_out_of_order_does_not_end_it() {
    let mut b = in_time_wait();
    for seq in [0, 1, 3, 1000, 0u32.wrapping_sub(5)] {
        b.peer(RST, seq, 0, &[]);
        b.silent();
        assert_eq!(b.tcp.timewaits.len(), 1);
    }
    b.ts_peer -= 5;
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.ts_peer += 5;
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.tcp.timewaits.len(), 0);
}
