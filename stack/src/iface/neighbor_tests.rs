use super::*;

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

fn at(ms: u64) -> Instant {
    Instant::from_micros(ms * 1000)
}

fn cache() -> Neighbors {
    Neighbors::new(Keyed::derive(&[0; 32], "neighbors"))
}

fn frame(size: usize) -> HeldFrame {
    HeldFrame { bytes: vec![0; size], meta: TxMeta::default() }
}

fn reply(mac: MacAddr) -> Claim {
    Claim { addr: PEER, mac, confirmed: true, asks_us: false, announcement: false }
}

fn talk(mac: MacAddr) -> Claim {
    Claim { confirmed: false, ..reply(mac) }
}

fn resolved(now: Instant) -> Neighbors {
    let mut cache = cache();
    assert_eq!(cache.resolve(now, PEER), None);
    assert!(cache.learn(now, reply(MAC)));
    cache.requests.clear();
    cache
}

#[test]
fn three_requests_one_second_apart_then_the_held_frames_come_back() {
    let mut cache = cache();
    assert_eq!(cache.resolve(at(0), PEER), None);
    cache.hold(PEER, frame(100));
    for second in 1..3 {
        assert_eq!(cache.poll_timeout(), Some(at(second * 1000)));
        assert!(cache.on_timeout(at(second * 1000)).is_none());
    }
    assert_eq!(cache.requests.len(), 3);
    assert!(cache.requests.iter().all(|r| *r == Request { target: PEER, to: MacAddr::BROADCAST }));
    let (addr, frames) = cache.on_timeout(at(3000)).expect("given up");
    assert_eq!((addr, frames.len()), (PEER, 1));
    assert_eq!((cache.poll_timeout(), cache.held_total), (None, 0));
    // The next packet starts afresh.
    assert_eq!(cache.resolve(at(3001), PEER), None);
    assert_eq!(cache.requests.len(), 4);
}

#[test]
fn a_reply_releases_the_held_frames_with_their_address() {
    let mut cache = cache();
    cache.resolve(at(0), PEER);
    cache.hold(PEER, frame(60));
    cache.hold(PEER, frame(61));
    cache.learn(at(1), reply(MAC));
    assert_eq!(cache.released.len(), 2);
    assert!(cache.released.iter().all(|f| f.bytes[..6] == MAC.0));
    assert_eq!(cache.resolve(at(2), PEER), Some(MAC));
    assert_eq!(cache.poll_timeout(), None);
}

#[test]
fn the_oldest_held_frame_is_dropped_first() {
    let mut cache = cache();
    cache.resolve(at(0), PEER);
    for size in 0..MAX_HELD_FRAMES + 10 {
        cache.hold(PEER, frame(14 + size));
    }
    assert_eq!(cache.dropped, 10);
    cache.learn(at(1), reply(MAC));
    assert_eq!(cache.released.front().map(|f| f.bytes.len()), Some(24));
}

#[test]
fn held_bytes_are_bounded_but_one_large_frame_fits() {
    let mut cache = cache();
    cache.resolve(at(0), PEER);
    for _ in 0..10 {
        cache.hold(PEER, frame(65_000));
    }
    assert_eq!(cache.held_total, 4 * 65_000);
    assert_eq!(cache.dropped, 6);
}

#[test]
fn a_used_stale_entry_is_probed_by_unicast_and_then_given_up() {
    let mut cache = resolved(at(0));
    assert_eq!(cache.resolve(at(29_999), PEER), Some(MAC));
    assert_eq!(cache.resolve(at(30_000), PEER), Some(MAC));
    assert!(cache.requests.is_empty() && cache.poll_timeout().is_none(), "delay");
    assert_eq!(cache.resolve(at(34_999), PEER), Some(MAC));
    assert!(cache.requests.is_empty());
    assert_eq!(cache.resolve(at(35_000), PEER), Some(MAC), "still used while probed");
    assert_eq!(cache.requests.pop_front(), Some(Request { target: PEER, to: MAC }));
    assert!(cache.on_timeout(at(36_000)).is_none() && cache.on_timeout(at(37_000)).is_none());
    assert_eq!(cache.requests.len(), 2);
    assert!(cache.on_timeout(at(38_000)).is_some());
    assert_eq!(cache.resolve(at(38_001), PEER), None);
}

#[test]
fn a_reply_to_a_probe_makes_the_entry_reachable_again() {
    let mut cache = resolved(at(0));
    for ms in [30_000, 35_000] {
        cache.resolve(at(ms), PEER);
    }
    cache.learn(at(35_010), reply(MAC));
    assert_eq!(cache.poll_timeout(), None);
    cache.requests.clear();
    cache.resolve(at(60_000), PEER);
    assert!(cache.requests.is_empty());
}

#[test]
fn what_upper_layers_know_makes_an_entry_reachable() {
    let mut cache = resolved(at(0));
    // Reachable, stale, being delayed and being probed.
    for (ms, asked) in [(20_000, 0), (50_000, 0), (80_000, 0), (120_000, 1)] {
        cache.resolve(at(ms), PEER);
        cache.resolve(at(ms + 5_000), PEER);
        assert_eq!(cache.requests.len(), asked, "{ms}");
        cache.requests.clear();
        cache.confirm(at(ms + 5_001), PEER);
        assert_eq!(cache.poll_timeout(), None);
        cache.resolve(at(ms + 34_999), PEER);
        assert_eq!(cache.list(at(ms + 34_999))[0].state, NeighborState::Reachable);
    }
}

#[test]
fn nobody_else_is_confirmed() {
    let mut cache = cache();
    cache.confirm(at(0), PEER);
    assert!(cache.list(at(0)).is_empty());
    cache.resolve(at(0), PEER);
    cache.confirm(at(1), PEER);
    assert_eq!(cache.list(at(1))[0].state, NeighborState::Incomplete, "there is no address yet");
    assert!(cache.poll_timeout().is_some());
}

#[test]
fn strangers_are_learnt_only_when_they_ask_for_us() {
    let mut cache = cache();
    assert!(!cache.learn(at(0), talk(MAC)));
    assert!(!cache.learn(at(0), reply(MAC)), "unsolicited reply");
    assert!(cache.table.is_empty());
    assert!(cache.learn(at(0), Claim { asks_us: true, ..talk(MAC) }));
    assert_eq!(cache.resolve(at(1), PEER), Some(MAC));
}

#[test]
fn the_first_of_two_answers_counts() {
    let mut cache = resolved(at(0));
    assert!(!cache.learn(at(999), reply(OTHER)));
    assert_eq!(cache.resolve(at(999), PEER), Some(MAC));
    assert!(cache.learn(at(1000), talk(OTHER)), "a moved host, later");
    assert_eq!(cache.resolve(at(1000), PEER), Some(OTHER));
    assert!(cache.learn(at(1001), Claim { announcement: true, ..talk(MAC) }));
    assert_eq!(cache.resolve(at(1002), PEER), Some(MAC));
}

#[test]
fn the_least_recently_used_entry_is_evicted() {
    let mut cache = resolved(at(0));
    for n in 0..MAX_ENTRIES as u32 * 2 {
        cache.learn(at(1), Claim { addr: Ipv4Addr::from(n), asks_us: true, ..talk(OTHER) });
        cache.resolve(at(1), PEER);
    }
    assert_eq!(cache.table.len(), MAX_ENTRIES);
    assert_eq!(cache.evicted as usize, MAX_ENTRIES + 1);
    assert_eq!(cache.resolve(at(1), PEER), Some(MAC), "in use, so kept");
}

#[test]
fn the_list_ages_as_the_states_do() {
    let mut cache = cache();
    cache.resolve(at(0), PEER);
    let states = |cache: &Neighbors, ms| {
        cache.list(at(ms)).iter().map(|n| (n.addr, n.mac, n.state)).collect::<Vec<_>>()
    };
    assert_eq!(states(&cache, 0), [(PEER, None, NeighborState::Incomplete)]);
    cache.learn(at(1), reply(MAC));
    assert_eq!(states(&cache, 30_000), [(PEER, Some(MAC), NeighborState::Reachable)]);
    assert_eq!(states(&cache, 30_001), [(PEER, Some(MAC), NeighborState::Stale)]);
    assert_eq!(cache.resolve(at(40_000), PEER), Some(MAC));
    assert_eq!(states(&cache, 40_000), [(PEER, Some(MAC), NeighborState::Delay)]);
    assert_eq!(cache.resolve(at(45_001), PEER), Some(MAC));
    assert_eq!(states(&cache, 45_001), [(PEER, Some(MAC), NeighborState::Probe)]);
}
