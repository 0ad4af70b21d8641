//! Explicit congestion notification: RFC 3168 section 6.1, as Linux does it.

use super::*;
use crate::wire::ipv4;

mod agreed_when_asked;
mod an_undone_reduction_is_not_told;
mod asked_for;
mod counted;
mod cwr_in_a_frame;
mod cwr_once;
mod data_is_marked;
mod echoed_until_cwr;
mod echoes_without_agreement;
mod loss_is_told;
mod marks_end_delays;
mod marks_on_what_is_here;
mod not_asked_by_default;
mod one_reduction_a_window;
mod reflected;
mod simultaneous_open;
mod switched_off;
mod syn_again_asks_no_more;
mod syn_marked;
mod whole_transfers;

const ECE: Flags = Flags::ECE;
const CWR: Flags = Flags::CWR;
const SETUP: Flags = Flags::ECE.union(Flags::CWR);
const ECT0: u8 = 2;
const CE: u8 = 3;

/// A stack that asks; its SYN has left.
fn asking() -> Bench {
    let mut b = Bench::new();
    b.options(|o| o.ecn = EcnMode::On);
    assert_eq!(b.connect().repr.flags, SYN | SETUP);
    b.advance(ms(10));
    b
}

/// The peer's SYN-ACK with these flags beside.
fn answer(b: &mut Bench, peer: Peer, flags: Flags) {
    b.timestamps = peer.timestamps;
    b.peer_window = peer.window;
    let mut seg = b.segment(SYN | ACK | flags, 0, 1, &[]);
    b.offer(&mut seg, peer);
    b.rx(seg);
    assert_eq!(b.sent(), [(ACK, 1, 0)]);
    assert_eq!(b.state(), TcpState::Established);
}

/// An active open with ECN agreed on.
fn connected(peer: Peer) -> Bench {
    let mut b = asking();
    answer(&mut b, peer, ECE);
    assert!(b.info().ecn);
    b
}

/// A client's SYN with these flags beside and this TOS byte; the flags of the SYN-ACK.
fn client_asks(b: &mut Bench, flags: Flags, tos: u8) -> Flags {
    let mut syn = b.segment(SYN | flags, 0, 0, &[]);
    syn.repr.ack = SeqNumber(0);
    syn.tos = tos;
    b.offer(&mut syn, PLAIN);
    b.rx(syn);
    let sent = b.flush();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].tos & 3, 0, "a SYN-ACK is not marked");
    b.iss = sent[0].repr.seq.0;
    b.peer_window = PLAIN.window;
    sent[0].repr.flags
}

/// The connection of a client that has asked.
fn accept(b: &mut Bench) {
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
}

/// A data segment of the peer with these flags beside and this TOS byte.
fn data(b: &mut Bench, flags: Flags, seq: u32, len: usize, tos: u8) {
    let mut seg = b.segment(ACK | flags, seq, 1, &vec![7; len]);
    seg.tos = tos;
    b.rx(seg);
}

/// (flags, bytes, code point) of what is sent now.
fn marks(b: &mut Bench) -> Vec<(Flags, usize, u8)> {
    b.flush()
        .into_iter()
        .map(|s| (s.repr.flags.without(PSH), s.payload.len(), s.tos & ipv4::Ecn::MASK))
        .collect()
}
