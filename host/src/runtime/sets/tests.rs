use super::*;

fn entry(fd: RawFd, events: u32) -> Entry {
    Entry {
        file: FileId(0),
        fd,
        events: events | ALWAYS,
        data: fd as u64,
        next: Link::NONE,
        before: NONE,
        after: NONE,
        queued: false,
        used: true,
    }
}

fn queued(set: &Set) -> Vec<u32> {
    let mut all = Vec::new();
    let (mut index, mut before) = (set.head, NONE);
    while let Some(e) = set.entries.get(index as usize) {
        assert!(e.queued);
        assert_eq!(e.before, before);
        all.push(index);
        (before, index) = (index, e.after);
    }
    assert_eq!(set.tail, before);
    all
}

/// Sets whose registrations are all of one file, in this order; the first link.
fn chained(sets: &mut Sets, masks: &[u32]) -> Link {
    let mut first = Link::NONE;
    for (index, &events) in masks.iter().enumerate().rev() {
        while sets.list.len() <= index {
            sets.list.push(Some(Box::new(Set::new(0, vec![1], false))));
        }
        let mut e = entry(3, events);
        e.next = first;
        let slot = sets.at(index as u32).map(|s| s.insert(e)).unwrap();
        first = Link { set: index as u32, entry: slot };
    }
    first
}

fn ready(sets: &mut Sets) -> Vec<bool> {
    (0..sets.list.len() as u32).map(|i| sets.at(i).is_some_and(|s| s.has_ready())).collect()
}

fn edges(sets: &mut Sets, first: Link, edges: Readiness) {
    sets.on_edges(first, edges, &mut Waiters::default(), &mut Vec::new());
}

#[test]
fn the_queue_keeps_its_order() {
    let mut set = Set::new(0, vec![1], false);
    for fd in 0..5 {
        assert_eq!(set.insert(entry(fd, IN)), fd as u32);
    }
    for index in [3, 1, 4, 0, 3] {
        set.queue(index);
    }
    assert_eq!(queued(&set), [3, 1, 4, 0]);
    for (gone, left) in [(4, &[3, 1, 0][..]), (4, &[3, 1, 0]), (3, &[1, 0]), (0, &[1]), (1, &[])] {
        set.unqueue(gone);
        assert_eq!(queued(&set), left);
    }
    set.queue(2);
    set.queue(0);
    // A registration that goes leaves the queue; its place is the next one's.
    set.remove(2);
    assert_eq!(queued(&set), [0]);
    assert_eq!(set.insert(entry(9, IN)), 2);
    assert_eq!(queued(&set), [0]);
}

#[test]
fn an_edge_queues_what_asked_for_it() {
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[IN, OUT, EDGE, ONESHOT | IN]);
    edges(&mut sets, first, Readiness::IN);
    assert_eq!(ready(&mut sets), [true, false, false, true]);
    edges(&mut sets, first, Readiness::OUT);
    assert_eq!(ready(&mut sets), [true, true, false, true]);
    // ERR comes whether asked for or not; a change of state comes to all.
    edges(&mut sets, first, Readiness::ERR);
    assert_eq!(ready(&mut sets), [true; 4]);
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[OUT, IN]);
    edges(&mut sets, first, Readiness::RDHUP | Readiness::IN);
    assert_eq!(ready(&mut sets), [true; 2]);
    // A oneshot that has fired hears of nothing.
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[IN | ONESHOT]);
    sets.entry_mut(first).unwrap().events &= PRIVATE;
    edges(&mut sets, first, Readiness::IN | Readiness::HUP | Readiness::ERR);
    assert_eq!(ready(&mut sets), [false]);
}

#[test]
fn an_exclusive_edge_ends_with_the_first_sleeper() {
    let x = IN | EXCLUSIVE;
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[IN, x, x, x]);
    sets.at(2).unwrap().sleepers.push_back(7);
    edges(&mut sets, first, Readiness::IN);
    assert_eq!(ready(&mut sets), [true, true, true, false]);
    assert!(sets.at(2).unwrap().sleepers.is_empty());
    // Nobody sleeps any more: it goes to the end.
    edges(&mut sets, first, Readiness::IN);
    assert_eq!(ready(&mut sets), [true; 4]);
    // One that asked for something else does not stop it, a thread that attends does.
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[OUT | EXCLUSIVE, x, x]);
    sets.at(0).unwrap().sleepers.push_back(7);
    sets.attending = Some(SetId { index: 1, serial: 0 });
    edges(&mut sets, first, Readiness::IN);
    assert_eq!(ready(&mut sets), [false, true, false]);
    assert_eq!(sets.at(0).unwrap().sleepers.len(), 1);
}

#[test]
fn sleepers_are_woken_in_turn() {
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[IN | EDGE]);
    let set = sets.at(0).unwrap();
    set.sleepers.extend([5, 6]);
    for left in [&[6][..], &[], &[]] {
        edges(&mut sets, first, Readiness::IN);
        assert_eq!(sets.at(0).unwrap().sleepers, left);
    }
    assert_eq!(queued(sets.at(0).unwrap()), [0]);
}

#[test]
fn requests_are_checked_as_the_kernel_does() {
    let (add, change) = (libc::EPOLL_CTL_ADD, libc::EPOLL_CTL_MOD);
    assert_eq!(checked(add, IN), Ok(IN | ALWAYS));
    assert_eq!(checked(add, 0), Ok(ALWAYS));
    assert_eq!(checked(change, IN | EDGE | WAKEUP), Ok(IN | EDGE | ALWAYS));
    assert_eq!(checked(add, IN | EXCLUSIVE | EDGE), Ok(IN | EXCLUSIVE | EDGE | ALWAYS));
    assert_eq!(checked(add, IN | EXCLUSIVE | ONESHOT), Err(Errno::EINVAL));
    assert_eq!(checked(add, libc::EPOLLRDHUP as u32 | EXCLUSIVE), Err(Errno::EINVAL));
    assert_eq!(checked(change, IN | EXCLUSIVE), Err(Errno::EINVAL));
}

#[test]
fn a_registration_is_a_file_and_a_number() {
    let mut sets = Sets::default();
    let first = chained(&mut sets, &[IN, IN]);
    let id = |index| SetId { index, serial: 0 };
    assert_eq!(sets.registered(first, id(0), 3), Some(first));
    assert!(sets.registered(first, id(1), 3).is_some_and(|l| l.set == 1));
    assert_eq!(sets.registered(first, id(1), 4), None);
    assert_eq!(sets.registered(Link::NONE, id(0), 3), None);
    // Whoever held the number of a set that is gone does not find the next one in its place.
    assert!(sets.get_mut(id(0)).is_some());
    assert!(sets.get_mut(SetId { index: 0, serial: 1 }).is_none());
}
