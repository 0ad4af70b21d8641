//! RFC 9293 section 3.10.7.4: an old duplicate is answered by an acknowledgement, and TIME-WAIT stays.

use super::*;

#[test]
fn an_old_syn_in_time_wait_is_acknowledged() {
    let mut b = in_time_wait();
    b.ts_peer -= 5;
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.seq = SeqNumber(b.irs.wrapping_sub(100));
    b.rx(syn);
    assert_eq!(b.flush()[0].repr.flags, ACK);
    assert_eq!(b.tcp.timewaits.len(), 1);
}
