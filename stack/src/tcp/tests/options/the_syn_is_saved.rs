//! tcp(7) TCP_SAVE_SYN and TCP_SAVED_SYN: told once, and only where there is room.

use super::*;

#[test]
fn the_syn_is_saved() {
    let mut b = Bench::listening(5);
    b.options(|o| o.save_syn = true);
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.seq = SeqNumber(b.irs);
    syn.repr.ack = SeqNumber(0);
    syn.head = Buf::copy_from(&[0x45, 1, 2, 3]);
    b.rx(syn);
    b.iss = b.flush()[0].repr.seq.0;
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    assert_eq!(b.tcp.saved_syn(child, 3), Ok(Err(4)));
    assert_eq!(b.tcp.saved_syn(child, 100), Ok(Ok(vec![0x45, 1, 2, 3])));
    assert_eq!(b.tcp.saved_syn(child, 100), Ok(Ok(vec![])));
}
