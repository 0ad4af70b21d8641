//! A chunk that the caller filled becomes part of the send buffer, behind what was there; unused, it goes back.

use super::*;

#[test]
fn a_chunk_is_sent_without_a_copy_and_takes_its_turn() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_415);
    b.tcp.send(b.now, b.id, b"head", true).unwrap();
    let mut chunk = b.tcp.take_chunk(10_000);
    assert!(chunk.len() >= 10_000);
    chunk[..10_000].fill(9);
    let at = chunk.as_ptr();
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 10_000, false), Ok(10_000));
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(&sent[0].payload[..4], b"head");
    assert!(sent[0].payload.len() == 10_004 && sent[0].payload[4..].iter().all(|n| *n == 9));
    // Nothing read, and errors: the memory goes back.
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 0, false), Ok(0));
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 100, false), Err(Error::BrokenPipe));
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
}
