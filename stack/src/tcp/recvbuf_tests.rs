//! The receive buffer against a map of bytes, and its limits.

use super::super::beyond::OVERHEAD;
use super::*;
use proptest::prelude::*;

/// More than this is never pinned: the limit twice, a frame read in part, a chunk that is not full.
fn bound(buf: &RecvBuf) -> usize {
    2 * buf.limit() + SLACK + (64 << 10) + COPY_MAX
}

#[test]
fn one_byte_does_not_pin_a_frame() {
    let mut buf = RecvBuf::new(None);
    let mut pool = ChunkPool::new();
    let frame = Buf::from_vec(vec![1; 65_000]);
    for _ in 0..100 {
        buf.push(frame.slice(0, 1), &mut pool);
    }
    assert_eq!((buf.queue.len(), buf.pinned), (1, MIN_CHUNK));
    assert_eq!(buf.push_beyond(5, frame.slice(7, 8), Strain::None), (Put::Kept, false));
    assert!(buf.beyond.as_ref().unwrap().charge() < 200);
    buf.push(frame.slice(0, 60_000), &mut pool);
    assert!(matches!(buf.queue.back(), Some(Chunk::Shared(_))));
}

/// A stream of one-byte segments behind a gap is a few pieces, whichever way round it comes.
#[test]
fn tiny_segments_beyond_a_gap_join() {
    let byte = Buf::from_vec(vec![1; 1000]).slice(0, 1);
    for backwards in [false, true] {
        let mut buf = RecvBuf::new(Some(64 << 10));
        for i in 0..10_000 {
            let at = if backwards { 10_000 - i } else { 1 + i };
            assert_eq!(buf.push_beyond(at, byte.clone(), Strain::None).0, Put::Kept);
        }
        let count = buf.beyond.as_ref().unwrap().count();
        assert!(count <= 3, "{count}");
        assert!(buf.memory() < 50_000, "{}", buf.memory());
        assert_eq!(buf.extent(), 10_001);
    }
}

/// Every other byte: nothing can be joined, and the far ones give way.
#[test]
fn scattered_bytes_are_bounded_and_the_near_ones_win() {
    let mut buf = RecvBuf::new(Some(64 << 10));
    let byte = Buf::from_vec(vec![1]);
    let mut pruned = 0;
    for i in (0..10_000).rev() {
        let (put, gave_up) = buf.push_beyond(1 + i * 2, byte.clone(), Strain::None);
        assert_eq!(put, Put::Kept, "it is nearer than all the others");
        pruned += u32::from(gave_up);
        assert!(buf.memory() <= bound(&buf));
    }
    assert!(pruned > 1000);
    assert!(buf.beyond.as_ref().unwrap().count() < (2 * (64 << 10) + SLACK) / OVERHEAD);
    assert_eq!(buf.push_beyond(1 << 20, byte, Strain::None), (Put::Refused, true));
}

#[test]
fn short_memory_leaves_little_and_then_nothing() {
    let mut buf = RecvBuf::new(None);
    let frame = Buf::from_vec(vec![1; 60_000]);
    assert_eq!(buf.push_beyond(1, frame.clone(), Strain::Pressed), (Put::Kept, false));
    assert_eq!(buf.push_beyond(70_000, frame.clone(), Strain::Pressed), (Put::Refused, true));
    assert_eq!(buf.push_beyond(70_000, frame.clone(), Strain::Full), (Put::Refused, true));
    assert_eq!((buf.extent(), buf.memory()), (0, 0));
    let limit = buf.limit();
    buf.tuning.start(Instant::ZERO, 60_000, limit, crate::time::Duration::ZERO);
    buf.push_beyond(200_000, frame, Strain::Pressed);
    assert_eq!(buf.limit(), limit, "no growth while memory is short");
}

#[test]
fn the_shift_is_just_enough() {
    let shift = |rcvbuf, window_clamp| {
        RecvBuf::window_shift(&TcpOptions { rcvbuf, window_clamp, ..TcpOptions::default() })
    };
    assert_eq!(shift(None, 0), 10);
    assert!(65_535 << shift(None, 0) >= MAX_LIMIT);
    assert_eq!(shift(Some(2304), 0), 0);
    assert_eq!(shift(Some(65_535), 0), 0);
    assert_eq!(shift(Some(65_536), 0), 1);
    assert_eq!(shift(Some(4 << 20), 0), 7);
    assert_eq!(shift(Some(1 << 31), 0), 14);
    assert_eq!(shift(None, 100_000), 1);
}

#[derive(Clone, Debug)]
enum Op {
    /// A segment at this distance from the next byte in order (negative: old), in a frame of this size.
    Segment(i32, usize, usize),
    Read(usize),
    Discard(usize),
    Prune(Strain),
    Limit(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (-300i32..9000, 1usize..3000, 1usize..4).prop_map(|(at, n, fill)| Op::Segment(at, n, fill)),
        3 => (-3i32..40, 1usize..4, 1usize..3).prop_map(|(at, n, fill)| Op::Segment(at, n, fill)),
        2 => (0i32..20_000, 2048usize..7000, 1usize..3).prop_map(|(at, n, fill)| Op::Segment(at, n, fill)),
        3 => (0usize..5000).prop_map(Op::Read),
        1 => (0usize..500).prop_map(Op::Discard),
        1 => prop_oneof![Just(Strain::None), Just(Strain::Pressed), Just(Strain::Full)].prop_map(Op::Prune),
        1 => (2304usize..200_000).prop_map(Op::Limit),
    ]
}

fn byte(at: u64) -> u8 {
    (at.wrapping_mul(0x9e37_79b9) >> 7) as u8
}

proptest! {
    /// Segments in any order, overlapping, repeated, pruned: the stream comes out as it was, no byte twice, what is said to be
    /// kept is there until it is said to be pruned, and the memory is within its bound at every step.
    #[test]
    fn behaves_as_a_map_of_bytes(ops in prop::collection::vec(op(), 1..120)) {
        let mut buf = RecvBuf::new(Some(20_000));
        let mut pool = ChunkPool::new();
        // Which offsets beyond `next` are here.
        let mut here = std::collections::BTreeSet::new();
        let (mut next, mut read) = (0u64, 0u64);
        for op in ops {
            match op {
                Op::Segment(at, len, fill) => {
                    // Only the window's part, as input.rs cuts it.
                    let start = next.saturating_add_signed(at.into());
                    let end = (start + len as u64).min(next + buf.free() as u64);
                    if end <= start || end <= next { continue; }
                    let mut data: Vec<u8> = (start..end).map(byte).collect();
                    data.resize(data.len() * fill, 0);
                    let mut payload = Buf::from_vec(data).slice(0, (end - start) as usize);
                    if start <= next {
                        payload.advance((next - start) as usize);
                        let grown = buf.push(payload, &mut pool) as u64;
                        here.extend(next..end);
                        let mut want = next;
                        while here.remove(&want) { want += 1; }
                        prop_assert_eq!(next + grown, want);
                        next = want;
                        if buf.prune(Strain::None) {
                            let keep = next + buf.extent() as u64;
                            here.retain(|o| *o < keep);
                        }
                    } else {
                        let (put, pruned) = buf.push_beyond((start - next) as u32, payload, Strain::None);
                        let new = (start..end).any(|o| !here.contains(&o));
                        prop_assert_eq!(put == Put::Known, !new);
                        here.extend(start..end);
                        if pruned {
                            let keep = next + buf.extent() as u64;
                            here.retain(|o| *o < keep);
                        }
                        prop_assert_eq!(put == Put::Refused, new && !here.contains(&start));
                    }
                }
                Op::Read(n) => {
                    let mut out = vec![0; n];
                    let peeked = buf.peek(0, &mut out);
                    let copy = out[..peeked].to_vec();
                    let mut slices: [&[u8]; 4] = [&[]; 4];
                    let count = buf.slices(n, &mut slices);
                    let seen = slices[..count].concat();
                    prop_assert_eq!(&seen[..], &copy[..seen.len()]);
                    prop_assert!(seen.len() == peeked || count == 4);
                    let got = buf.read(&mut out, &mut pool);
                    prop_assert_eq!(&copy[..], &out[..got]);
                    let want: Vec<u8> = (read..read + got as u64).map(byte).collect();
                    prop_assert_eq!(&out[..got], &want[..]);
                    prop_assert_eq!(got as u64, (n as u64).min(next - read));
                    read += got as u64;
                }
                Op::Discard(n) => read += buf.discard(n, &mut pool) as u64,
                Op::Prune(strain) => {
                    if buf.prune(strain) {
                        let keep = next + buf.extent() as u64;
                        here.retain(|o| *o < keep);
                    }
                    if strain == Strain::Full {
                        prop_assert!(here.is_empty() && buf.is_contiguous());
                    }
                }
                Op::Limit(n) => buf.set_limit(Some(n.max(buf.limit()))),
            }
            prop_assert_eq!(buf.len() as u64, next - read);
            prop_assert_eq!(buf.is_contiguous(), here.is_empty());
            prop_assert_eq!(buf.extent() as u64, here.last().map_or(0, |o| o + 1 - next));
            prop_assert!(buf.memory() <= bound(&buf), "{} > {}", buf.memory(), bound(&buf));
            let pinned: usize = buf.queue.iter().map(Chunk::charge).sum();
            prop_assert_eq!(buf.pinned, pinned);
        }
        let mut rest = vec![0; buf.len()];
        buf.read(&mut rest, &mut pool);
        let want: Vec<u8> = (read..next).map(byte).collect();
        prop_assert_eq!(rest, want);
        buf.drop_out_of_order();
        prop_assert_eq!(buf.memory(), 0);
    }
}
