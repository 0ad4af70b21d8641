use super::*;

const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn reassembly() -> Reassembly {
    Reassembly::new(Keyed::derive(&[0; 32], "reassembly"))
}

fn repr(src: Ipv4Addr, ident: u16, start: usize, len: usize, more: bool) -> ipv4::Repr {
    ipv4::Repr {
        src,
        dst: Ipv4Addr::new(10, 0, 0, 2),
        protocol: 17,
        ttl: 64,
        tos: 4,
        ident,
        dont_fragment: false,
        more_fragments: more,
        fragment_offset: start as u16,
        payload_len: len,
    }
}

fn body(start: usize, len: usize) -> Vec<u8> {
    (start..start + len).map(|n| (n * 7 + n / 256) as u8).collect()
}

fn feed(r: &mut Reassembly, now: u64, repr: ipv4::Repr) -> Outcome {
    let mut packet = Vec::new();
    repr.emit(&mut packet);
    packet.extend(body(repr.fragment_offset.into(), repr.payload_len));
    r.insert(Instant::from_micros(now), &repr, 20, &Buf::from_vec(packet))
}

fn whole(outcome: Outcome) -> Buf {
    match outcome {
        Outcome::Complete(packet, _) => packet,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_order_gives_the_same_datagram() {
    let pieces = [(0, 800, true), (800, 8, true), (808, 1000, true), (1808, 3, false)];
    // All 24 orders.
    for code in 0..256usize {
        let order: Vec<usize> = (0..4).map(|n| code >> (2 * n) & 3).collect();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != 4 {
            continue;
        }
        let mut r = reassembly();
        let mut last = None;
        for (n, piece) in order.iter().enumerate() {
            let (start, len, more) = pieces[*piece];
            let outcome = feed(&mut r, 0, repr(SRC, 9, start, len, more));
            assert_eq!(matches!(outcome, Outcome::Complete(..)), n == 3);
            last = Some(outcome);
        }
        let packet = whole(last.unwrap());
        let (header, len) = ipv4::Repr::parse(&packet).unwrap();
        assert_eq!((header.payload_len, header.is_fragment(), header.tos), (1811, false, 4));
        assert_eq!(packet[len..], body(0, 1811));
        assert_eq!((r.memory, r.poll_timeout()), (0, None));
    }
}

#[test]
fn datagrams_do_not_mix() {
    let mut r = reassembly();
    feed(&mut r, 0, repr(SRC, 1, 0, 8, true));
    feed(&mut r, 0, repr(SRC, 2, 0, 8, true));
    feed(&mut r, 0, repr(Ipv4Addr::new(10, 0, 0, 3), 1, 0, 8, true));
    assert_eq!(r.partials.len(), 3);
    whole(feed(&mut r, 0, repr(SRC, 2, 8, 5, false)));
    assert_eq!(r.partials.len(), 2);
}

#[test]
fn repetitions_are_ignored_and_overlaps_drop_the_datagram() {
    let mut r = reassembly();
    feed(&mut r, 0, repr(SRC, 1, 0, 80, true));
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 0, 80, true)), Outcome::Duplicate));
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 16, 8, true)), Outcome::Duplicate));
    for (start, len) in [(72, 16), (40, 80)] {
        assert!(matches!(feed(&mut r, 0, repr(SRC, 1, start, len, true)), Outcome::Overlap));
        assert!(r.partials.is_empty());
        feed(&mut r, 0, repr(SRC, 1, 0, 80, true));
    }
    // Covering a later fragment from below.
    feed(&mut r, 0, repr(SRC, 1, 160, 16, true));
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 80, 160, true)), Outcome::Overlap));
    assert_eq!((r.memory, r.sources.len()), (0, 0));
}

#[test]
fn contradicting_lengths_drop_the_datagram() {
    let mut r = reassembly();
    feed(&mut r, 0, repr(SRC, 1, 80, 10, false));
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 88, 8, true)), Outcome::Overlap), "beyond the end");
    feed(&mut r, 0, repr(SRC, 1, 80, 16, true));
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 8, 8, false)), Outcome::Overlap), "ends too early");
}

#[test]
fn impossible_fragments_are_dropped() {
    let mut r = reassembly();
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 65_512, 8, false)), Outcome::Malformed), "ping of death");
    assert!(matches!(feed(&mut r, 0, repr(SRC, 1, 8, 7, true)), Outcome::Malformed), "nothing left");
    assert!(r.partials.is_empty());
    feed(&mut r, 0, repr(SRC, 1, 0, 13, true));
    whole(feed(&mut r, 0, repr(SRC, 1, 8, 1, false)));
}

#[test]
fn time_runs_from_the_first_fragment() {
    let mut r = reassembly();
    feed(&mut r, 5, repr(SRC, 1, 0, 8, true));
    feed(&mut r, 20_000_000, repr(SRC, 1, 16, 8, true));
    feed(&mut r, 7, repr(SRC, 2, 8, 8, true));
    let due = Instant::from_micros(30_000_005);
    assert_eq!(r.poll_timeout(), Some(due));
    assert!(r.on_timeout(Instant::from_micros(30_000_004)).is_none());
    let (header, quote) = r.on_timeout(due).unwrap().unwrap();
    assert_eq!((header.ident, quote.len()), (1, 28));
    assert!(r.on_timeout(due).is_none());
    assert!(r.on_timeout(due + Duration::from_secs(1)).unwrap().is_none(), "fragment 0 never came");
    assert_eq!((r.memory, r.poll_timeout()), (0, None));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let mut r = reassembly();
    for n in 0..200u16 {
        let src = Ipv4Addr::from(u32::from(SRC) + u32::from(n));
        feed(&mut r, n.into(), repr(src, n, 0, 60_000, true));
        assert!(r.memory <= MAX_MEMORY);
    }
    assert!(r.evicted > 100);
    assert!(r.partials.keys().all(|key| key.ident > 100));
}

#[test]
fn one_source_cannot_take_it_all() {
    let mut r = reassembly();
    feed(&mut r, 0, repr(Ipv4Addr::new(10, 0, 0, 9), 7, 0, 8, true));
    for n in 0..1000u16 {
        feed(&mut r, n.into(), repr(SRC, n, 0, 8, true));
    }
    assert_eq!(r.partials.len(), MAX_PER_SOURCE + 1);
    whole(feed(&mut r, 0, repr(Ipv4Addr::new(10, 0, 0, 9), 7, 8, 8, false)));
    whole(feed(&mut r, 0, repr(SRC, 999, 8, 8, false)));
}

#[test]
fn a_small_fragment_does_not_pin_its_frame() {
    let mut r = reassembly();
    let repr = repr(SRC, 1, 8, 8, true);
    let mut packet = Vec::with_capacity(65_536);
    repr.emit(&mut packet);
    packet.extend(body(8, 8));
    r.insert(Instant::ZERO, &repr, 20, &Buf::from_vec(packet));
    assert!(r.memory < 1000);
}

proptest::proptest! {
    /// However a datagram is cut, shuffled and repeated, it comes out whole, once, and nothing is left behind.
    #[test]
    fn any_cut_any_order_any_repetition(
        len in 9usize..4000,
        cuts in proptest::collection::btree_set(1usize..500, 1..12),
        order in proptest::collection::vec(proptest::num::u32::ANY, 24),
    ) {
        let mut edges: Vec<usize> = cuts.into_iter().map(|n| n * 8).filter(|n| *n < len).collect();
        edges.insert(0, 0);
        edges.push(len);
        let pieces: Vec<(usize, usize)> = edges.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect();
        // Each piece twice, shuffled.
        let mut script: Vec<(u32, usize)> =
            (0..pieces.len() * 2).map(|n| (order[n % order.len()].rotate_left(n as u32), n / 2)).collect();
        script.sort_unstable();
        let mut r = reassembly();
        let mut seen = std::collections::HashSet::new();
        for (_, n) in script {
            let (start, piece) = pieces[n];
            let outcome = feed(&mut r, 0, repr(SRC, 1, start, piece, start + piece < len));
            seen.insert(n);
            if seen.len() == pieces.len() {
                if pieces.len() > 1 {
                    let packet = whole(outcome);
                    proptest::prop_assert_eq!(&packet[20..], &body(0, len)[..]);
                    proptest::prop_assert!(r.partials.is_empty() && r.memory == 0);
                }
                break;
            }
            proptest::prop_assert!(matches!(outcome, Outcome::Waiting | Outcome::Duplicate));
        }
    }
}

/// RFC 3168 section 5.3, Linux `ip_frag_ecn_table`: not capable, ECT(1), ECT(0), marked.
#[test]
fn marks_of_congestion_are_joined() {
    for (first, second, joined) in [
        (0, 0, Some(0)),
        (2, 2, Some(2)),
        (1, 2, Some(1)),
        (2, 0, Some(2)),
        (2, 3, Some(3)),
        (3, 1, Some(3)),
        (3, 3, Some(3)),
        (0, 3, None),
        (3, 0, None),
    ] {
        let mut r = reassembly();
        let piece = |start, more, ecn: u8| ipv4::Repr { tos: 0xb8 | ecn, ..repr(SRC, 9, start, 8, more) };
        feed(&mut r, 0, piece(0, true, first));
        let tos = match feed(&mut r, 0, piece(8, false, second)) {
            Outcome::Complete(packet, _) => Some(packet[1]),
            _ => None,
        };
        assert_eq!(tos, joined.map(|ecn| 0xb8 | ecn), "{first} {second}");
        assert_eq!((r.memory, r.poll_timeout()), (0, None), "nothing is left behind");
    }
}
