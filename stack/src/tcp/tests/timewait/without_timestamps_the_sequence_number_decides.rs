//! RFC 6191 section 2, RFC 9293 MAY-2: without timestamps a SYN is new when its sequence number is beyond what was received.

use super::*;

fn syn_at(offset: u32) -> (Flags, usize) {
    let (mut b, listener) = Bench::accepted(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK | FIN, 1, 2, &[]);
    b.flush();
    b.id = listener;
    let before = b.iss + 2;
    let mut syn = b.segment(SYN, offset, 0, &[]);
    syn.repr.ack = SeqNumber(0);
    b.rx(syn);
    let answer = b.flush()[0].repr;
    if answer.flags == SYN | ACK {
        // Beyond all that the old connection can have used.
        assert_eq!(answer.seq.0, before + 65_537);
    }
    (answer.flags, b.tcp.timewaits.len())
}

#[test]
fn without_timestamps_the_sequence_number_decides() {
    assert_eq!(syn_at(3), (SYN | ACK, 0));
    assert_eq!(syn_at(1 << 30), (SYN | ACK, 0));
    assert_eq!(syn_at(2), (ACK, 1));
    assert_eq!(syn_at(0), (ACK, 1));
    assert_eq!(syn_at(0u32.wrapping_sub(1000)), (ACK, 1));
}
