//! RFC 7323 section 3.2: once both SYNs had the option, every segment of ours has it, the RST too; without it none has. A segment of
//! the peer without it SHOULD be dropped, says the text; Linux takes it, and so do we (`RFC7323.md`).

use super::*;

#[test]
fn once_agreed() {
    let mut b = Bench::connected(MODERN);
    b.send(b"data");
    b.peer(ACK, 1, 1, b"data");
    let mut sent = b.flush();
    b.peer(SYN, 5, 0, &[]);
    sent.extend(b.flush());
    sent.extend(b.advance(Duration::from_secs(2)));
    b.recv(10).unwrap();
    b.tcp.abort(b.now, b.id);
    sent.extend(b.flush());
    assert!(sent.len() >= 4);
    assert!(sent.iter().any(|s| s.repr.flags.contains(RST)));
    let now = b.now;
    for s in sent {
        let (val, ecr) = s.repr.options.timestamps.expect("each has it");
        assert_eq!(ecr, 1000, "{s:?}");
        assert!(b.ts_seen.wrapping_sub(val) <= now.since(s.at).as_millis() as u32 + 1);
    }
}

#[test]
fn not_unless_both_offer() {
    let mut b = Bench::connected(SACK);
    b.send(b"data");
    assert!(b.flush().iter().all(|s| s.repr.options.timestamps.is_none()));
    // An option that was not agreed on says nothing.
    let mut seg = b.segment(ACK, 1, 5, b"x");
    seg.repr.options.timestamps = Some((77, 88));
    b.rx(seg);
    assert!(b.flush().iter().all(|s| s.repr.options.timestamps.is_none()));
    assert_eq!(b.recv(10).unwrap(), b"x");
}

#[test]
fn a_segment_without_is_taken() {
    let mut b = Bench::connected(MODERN);
    let mut seg = b.segment(ACK, 1, 1, b"bare");
    seg.repr.options.timestamps = None;
    b.rx(seg);
    assert_eq!(b.recv(10).unwrap(), b"bare");
}
