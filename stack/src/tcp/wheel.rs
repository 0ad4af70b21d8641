//! Timers of a set: a hierarchical wheel (Varghese and Lauck, 1987), so that setting, moving and stopping one costs the same
//! with ten timers and with a hundred thousand.
//!
//! A timer has the index of its slot in a slab. Time is cut into ticks of 64 us; a level has 64 lists of timers. Level 0
//! holds those whose tick differs from the wheel's in the last six bits only, level 1 those that differ in the six before,
//! and so on: 7 levels reach 8 years. When the wheel turns to a list of a higher level, its timers are dealt out to the levels
//! below, so each is moved 6 times at most in its life. A bit for each list that is not empty finds the next one.
//!
//! Every timer keeps its exact time and none is handed out early. Each list remembers the earliest time that it ever held:
//! [`Wheel::peek`] answers that, which is exact unless that very timer was moved or stopped meanwhile. Then the host looks once in
//! vain, and the list is put right.

use crate::time::Instant;

/// Microseconds of a tick, as a power of two.
const TICK_BITS: u32 = 6;
/// Lists of a level, as a power of two.
const LIST_BITS: u32 = 6;
const LISTS: u64 = 1 << LIST_BITS;
const LEVELS: u32 = 7;
/// No timer.
const NONE: u32 = u32::MAX;
/// The `list` of a timer that is not set.
const UNSET: u16 = u16::MAX;

#[derive(Clone, Copy)]
struct Timer {
    at: Instant,
    /// Neighbours in the list.
    next: u32,
    before: u32,
    /// Level and list.
    list: u16,
}

#[derive(Clone, Copy)]
struct List {
    first: u32,
    /// Nothing in the list is due before.
    earliest: Instant,
}

/// See the module.
pub(super) struct Wheel {
    /// By index of the slab.
    timers: Vec<Timer>,
    /// Level by level; empty until the first timer is set.
    lists: Vec<List>,
    /// Which lists of a level hold something.
    occupied: [u64; LEVELS as usize],
    /// The tick that the wheel has come to: every timer's is this or later, but for those set in the past.
    tick: u64,
    /// Timers looked at or moved so far: what the work is measured by.
    #[cfg(test)]
    pub(super) steps: u64,
}

impl Wheel {
    pub(super) const fn new() -> Wheel {
        Wheel {
            timers: Vec::new(),
            lists: Vec::new(),
            occupied: [0; LEVELS as usize],
            tick: 0,
            #[cfg(test)]
            steps: 0,
        }
    }

    fn step(&mut self) {
        #[cfg(test)]
        {
            self.steps += 1;
        }
    }

    /// The list that comes next: the lists of a level all come before those of the next one.
    fn next_list(&self) -> Option<(u32, u32)> {
        let level = self.occupied.iter().position(|bits| *bits != 0)?;
        Some((level as u32, self.occupied.get(level)?.trailing_zeros()))
    }

    /// Nothing is due before this; `None` when no timer is set.
    pub(super) fn peek(&self) -> Option<Instant> {
        let (level, list) = self.next_list()?;
        self.lists.get(place(level, list)).map(|l| l.earliest)
    }

    /// Sets or moves the timer of `index`.
    pub(super) fn set(&mut self, index: u32, at: Instant) {
        let i = index as usize;
        if i >= self.timers.len() {
            let unset = Timer { at: Instant::ZERO, next: NONE, before: NONE, list: UNSET };
            self.timers.resize(i + 1, unset);
        }
        if self.timers.get(i).is_some_and(|t| t.list != UNSET && t.at == at) {
            return;
        }
        self.unlink(index);
        self.link(index, at);
    }

    /// Stops the timer of `index`.
    pub(super) fn cancel(&mut self, index: u32) {
        self.unlink(index);
    }

    fn link(&mut self, index: u32, at: Instant) {
        self.step();
        // What is past belongs to the present tick, what is beyond the wheel to its end.
        let reach = (1 << (LIST_BITS * LEVELS)) - 1;
        let tick = (at.micros() >> TICK_BITS).clamp(self.tick, self.tick | reach);
        let level = (u64::BITS - 1 - ((tick ^ self.tick) | 1).leading_zeros()) / LIST_BITS;
        let list = (tick >> (LIST_BITS * level)) & (LISTS - 1);
        if self.lists.is_empty() {
            self.lists =
                vec![List { first: NONE, earliest: Instant::ZERO }; (LISTS * u64::from(LEVELS)) as usize];
        }
        let place = place(level, list as u32);
        let Some(entry) = self.lists.get_mut(place) else { return };
        let next = entry.first;
        entry.first = index;
        entry.earliest = if next == NONE { at } else { entry.earliest.min(at) };
        if let Some(bits) = self.occupied.get_mut(level as usize) {
            *bits |= 1 << list;
        }
        if let Some(timer) = self.timers.get_mut(next as usize) {
            timer.before = index;
        }
        if let Some(timer) = self.timers.get_mut(index as usize) {
            *timer = Timer { at, next, before: NONE, list: place as u16 };
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(timer) = self.timers.get_mut(index as usize) else { return };
        let Timer { next, before, list, .. } = *timer;
        if list == UNSET {
            return;
        }
        timer.list = UNSET;
        self.step();
        if let Some(after) = self.timers.get_mut(next as usize) {
            after.before = before;
        }
        if let Some(previous) = self.timers.get_mut(before as usize) {
            previous.next = next;
            return;
        }
        if let Some(entry) = self.lists.get_mut(usize::from(list)) {
            entry.first = next;
        }
        if next == NONE {
            let (level, list) = (usize::from(list) / LISTS as usize, usize::from(list) % LISTS as usize);
            if let Some(bits) = self.occupied.get_mut(level) {
                *bits &= !(1 << list);
            }
        }
    }

    /// Takes out a timer that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        while let Some((level, list)) = self.next_list() {
            let entry = *self.lists.get(place(level, list))?;
            if entry.earliest > now {
                return None;
            }
            // The wheel turns to this list: what is before it is empty.
            let below = (1u64 << (LIST_BITS * level)) - 1;
            let digit = (LISTS - 1) << (LIST_BITS * level);
            self.tick = (self.tick & !(digit | below)) | u64::from(list) << (LIST_BITS * level);
            if level == 0 {
                match self.find_due(place(level, list), now) {
                    None => return None,
                    due => return due,
                }
            }
            let mut index = entry.first;
            while let Some(timer) = self.timers.get(index as usize).copied() {
                self.unlink(index);
                self.link(index, timer.at);
                index = timer.next;
            }
        }
        None
    }

    /// A timer of this list of level 0 that is due. When there is none the list learns what its earliest is.
    fn find_due(&mut self, place: usize, now: Instant) -> Option<u32> {
        let mut index = self.lists.get(place)?.first;
        let mut earliest = None;
        while let Some(timer) = self.timers.get(index as usize).copied() {
            self.step();
            if timer.at <= now {
                self.unlink(index);
                return Some(index);
            }
            earliest = Some(earliest.map_or(timer.at, |e: Instant| e.min(timer.at)));
            index = timer.next;
        }
        if let (Some(entry), Some(earliest)) = (self.lists.get_mut(place), earliest) {
            entry.earliest = earliest;
        }
        None
    }
}

fn place(level: u32, list: u32) -> usize {
    (level << LIST_BITS | list) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    /// Sleeps as a host does until `end`; answers what fired and how often it woke in vain.
    fn run(wheel: &mut Wheel, model: &mut BTreeMap<u32, u64>, now: &mut u64, end: u64) -> usize {
        let mut vain = 0;
        while let Some(next) = wheel.peek().map(|t| t.micros()).filter(|t| *t <= end) {
            *now = (*now).max(next);
            let mut fired = 0;
            while let Some(index) = wheel.pop_due(at(*now)) {
                let due = model.remove(&index).expect("a timer that is set");
                assert!(due <= *now);
                fired += 1;
            }
            assert!(model.values().all(|t| *t > *now), "{now}: {model:?}");
            vain += usize::from(fired == 0);
        }
        *now = end;
        assert_eq!(wheel.peek().is_some(), !model.is_empty());
        assert!(wheel.peek().is_none_or(|t| model.values().all(|m| t.micros() <= *m)));
        vain
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(
            begin in prop_oneof![Just(0u64), 0u64..1 << 40],
            ops in prop::collection::vec((0u32..20, prop::option::of(prop_oneof![
                0u64..200, 0u64..50_000, 0u64..300_000_000, 0u64..1 << 50
            ]), prop_oneof![0u64..100, 0u64..1_000_000, 0u64..200_000_000_000]), 1..60),
        ) {
            let mut wheel = Wheel::new();
            let mut model = BTreeMap::new();
            let mut now = begin;
            for (index, after, sleep) in ops {
                match after {
                    // Some are set in the past.
                    Some(after) => {
                        let due = (now + after).saturating_sub(100);
                        wheel.set(index, at(due));
                        model.insert(index, due);
                    }
                    None => {
                        wheel.cancel(index);
                        model.remove(&index);
                    }
                }
                let end = now + sleep;
                run(&mut wheel, &mut model, &mut now, end);
            }
            run(&mut wheel, &mut model, &mut now, u64::MAX >> 1);
            prop_assert!(model.is_empty());
        }
    }

    /// Work per operation: request and response on one connection while `n` others keep their timers.
    fn steps_of_request_response(n: u32) -> u64 {
        let mut wheel = Wheel::new();
        let mut model = BTreeMap::new();
        let mut now = 5_000_000_000;
        for i in 0..n {
            // Keepalive of two hours.
            wheel.set(i, at(now + u64::from(i) + 7_200_000_000));
        }
        let before = wheel.steps;
        for round in 0..10_000u64 {
            wheel.set(n, at(now + 201_000 + round % 7));
            now += 20;
            wheel.cancel(n);
            assert!(wheel.pop_due(at(now)).is_none());
        }
        let steps = wheel.steps - before;
        for i in 0..n {
            wheel.cancel(i);
        }
        assert_eq!(run(&mut wheel, &mut model, &mut now, u64::MAX >> 1), 0);
        steps
    }

    #[test]
    fn work_does_not_grow_with_the_timers() {
        let few = steps_of_request_response(10);
        let many = steps_of_request_response(100_000);
        assert!(few <= 25_000 && many <= few + 10, "{few} {many}");
    }

    #[test]
    fn a_hundred_thousand_timers_cost_a_few_steps_each() {
        let mut wheel = Wheel::new();
        let mut model = BTreeMap::new();
        let mut now = 77;
        for i in 0..100_000 {
            let due = now + u64::from(i) * 13 % 70_000_000 + 40_000;
            wheel.set(i, at(due));
            model.insert(i, due);
        }
        // A BTreeMap as the model of so many is slow to compare with: here only the count matters.
        let mut fired = 0;
        let mut woken = 0;
        while let Some(next) = wheel.peek() {
            now = next.micros();
            woken += 1;
            while let Some(index) = wheel.pop_due(next) {
                assert!(model.remove(&index).expect("set") <= now);
                fired += 1;
            }
        }
        assert_eq!((fired, model.len()), (100_000, 0));
        assert!(wheel.steps <= 1_200_000, "{} steps", wheel.steps);
        // Each time at which something is due once, and no more.
        assert!(woken <= 100_000, "{woken}");
    }

    #[test]
    fn what_was_stopped_wakes_at_most_once_for_a_list() {
        let mut wheel = Wheel::new();
        let mut model = BTreeMap::new();
        let mut now = 1_000_000;
        // One stays; a thousand that were earlier are stopped.
        wheel.set(0, at(now + 250_000));
        model.insert(0, now + 250_000);
        for i in 1..1000 {
            wheel.set(i, at(now + 200_000 + u64::from(i)));
        }
        for i in 1..1000 {
            wheel.cancel(i);
        }
        let end = now + 1_000_000;
        let vain = run(&mut wheel, &mut model, &mut now, end);
        assert!(model.is_empty() && vain <= 2, "{vain}");
    }
}
