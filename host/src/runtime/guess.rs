//! Guesses from the recent past, for steps that pay only sometimes.
//!
//! Two system calls of a thread that is about to wait can be spared when their outcome is known beforehand: the read of the device
//! that says EAGAIN after a lone small frame, and the ppoll before a read that would have found a frame at once. Neither is
//! known, but a program in a loop of requests does the same thing again and again. A [`Guess`] counts hits and misses; while
//! it says no, every [`PROBE`]th time is tried all the same, so that it learns of a change.
//!
//! A [`Yield`] guards sched_yield(2) before a driver sleeps. Where both ends of a connection share a core, the peer runs at once, answers, and
//! the frame is there when the call returns: no sleep, no wake-up. And the peer then runs by itself as soon as it is woken, so that the
//! next look mostly finds its answer without a yield. Where a third program computes on that core, the call gives away a whole slice
//! (0.7 k round trips a second against 30.6 k), so one that took too long ends the attempts for a while.
//!
//! [`Pairs`] knows of programs that send a head and a body with two calls, one right behind the other, as web servers do. When that was so
//! many times in a row, the head is not sent by itself: it leaves with the body, or with whatever the program calls next, or when the
//! stack thread's nap is over, a millisecond at most. One frame instead of two also spares the peer a wake-up and an
//! acknowledgement (nginx with 64 connections: 56.7 k requests a second without). The kernel's autocorking has the same purpose.

use std::time::Duration;

use matnet_stack::Instant;

use super::file::FileId;

/// What a driver knows of the program's ways.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habits {
    /// Another frame follows a small one.
    pub(super) more: Guess,
    /// The device has a frame before the thread sleeps.
    pub(super) early: Guess,
    /// It has one after the processor was given away.
    pub(super) yields: Yield,
    /// A small send is followed by another.
    pub(super) pairs: Pairs,
}

/// Hits count twice, up to this score.
const MOST: u8 = 8;
/// How often an unlikely step is tried all the same.
const PROBE: u8 = 32;

/// Whether a step is likely to pay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guess {
    score: u8,
    refused: u8,
}

impl Guess {
    /// True when the step should be taken; then [`Guess::learn`] wants to know what came of it.
    pub(super) fn likely(&mut self) -> bool {
        if self.score > 0 {
            return true;
        }
        self.refused += 1;
        if self.refused < PROBE {
            return false;
        }
        self.refused = 0;
        true
    }

    /// What came of the step.
    pub(super) fn learn(&mut self, hit: bool) {
        self.score = if hit { (self.score + 2).min(MOST) } else { self.score.saturating_sub(1) };
    }
}

/// A yield that lasts longer has lost the processor to somebody who computes.
const LONG: Duration = Duration::from_micros(300);
/// Pause after the first such yield; doubled with each further one.
const PAUSE: Duration = Duration::from_millis(50);
/// Longest pause.
const PAUSE_MOST: Duration = Duration::from_secs(5);
/// Quick yields in a row after which the pause starts small again.
const TRUST: u32 = 10_000;

/// Whether giving the processor away pays and is harmless.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Yield {
    pays: Guess,
    missed: bool,
    not_before: Option<Instant>,
    pause: Duration,
    quick: u32,
}

impl Yield {
    /// True when it should be tried; then [`Yield::learn`] wants to know what came of it. Never right after a miss: that is the same
    /// wait as a rule.
    pub(super) fn likely(&mut self, now: Instant) -> bool {
        !std::mem::take(&mut self.missed) && self.not_before.is_none_or(|t| t <= now) && self.pays.likely()
    }

    /// A yield began and ended then, and there was a frame after it, or not.
    pub(super) fn learn(&mut self, began: Instant, ended: Instant, hit: bool) {
        self.missed = !hit;
        self.pays.learn(hit);
        if ended.since(began) < LONG {
            self.quick = self.quick.saturating_add(1);
            if self.quick == TRUST {
                self.pause = Duration::ZERO;
            }
            return;
        }
        self.quick = 0;
        self.pause = (self.pause * 2).clamp(PAUSE, PAUSE_MOST);
        self.not_before = Some(ended + self.pause);
    }
}

/// How soon the second send of a pair comes.
const SOON: Duration = Duration::from_micros(20);
/// Pairs in a row after which the first send waits.
const SURE: u8 = 16;
/// What a send that stayed alone costs.
const ALONE: u8 = 8;

/// Whether small sends come in pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pairs {
    score: u8,
    /// The last send that began a pair: on which file, under which lock, when.
    first: Option<(FileId, u64, Instant)>,
}

impl Pairs {
    /// True when the last send was on this file, nothing else was called since, and it is not long ago.
    fn is_second(&self, file: FileId, lock: u64, now: Instant) -> bool {
        self.first.is_some_and(|(f, l, t)| f == file && lock.wrapping_sub(l) <= 1 && now.since(t) < SOON)
    }

    /// A small send on `file` under lock number `lock`. True when it should wait for the next.
    pub(super) fn sent(&mut self, file: FileId, lock: u64, now: Instant) -> bool {
        let second = self.is_second(file, lock, now);
        if self.first.take().is_some() {
            self.score =
                if second { (self.score + 1).min(2 * SURE) } else { self.score.saturating_sub(ALONE) };
        }
        if second {
            return false;
        }
        self.first = Some((file, lock, now));
        self.score >= SURE
    }

    /// A call has begun that will send on `file` under another lock. True when what waits should go on waiting for that.
    pub(super) fn will_send(&mut self, file: FileId, lock: u64, now: Instant) -> bool {
        let second = self.is_second(file, lock, now);
        if let Some(first) = self.first.as_mut().filter(|_| second) {
            first.1 = lock;
        }
        second && self.score >= SURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_are_learnt_and_forgotten() {
        let mut guess = Guess::default();
        let tries = |guess: &mut Guess, n, hit| {
            (0..n)
                .filter(|_| {
                    let yes = guess.likely();
                    if yes {
                        guess.learn(hit);
                    }
                    yes
                })
                .count()
        };
        assert_eq!(tries(&mut guess, 320, false), 10);
        // One probe finds that it pays now.
        assert!(tries(&mut guess, 320, true) >= 320 - 32);
        assert!(tries(&mut guess, 320, false) <= 8 + 10);
    }

    #[test]
    fn a_processor_that_is_wanted_is_kept() {
        let mut y = Yield::default();
        let at = Instant::from_micros;
        y.learn(at(0), at(100), true);
        assert!(y.likely(at(100)));
        let mut now = 1000;
        let mut lost = 0;
        for _ in 0..100 {
            while !y.likely(at(now)) {
                now += 1000;
            }
            y.learn(at(now), at(now + 2800), true);
            now += 2800;
            lost += 2800;
        }
        assert!(lost * 1000 < now, "{lost} of {now}");
        for _ in 0..TRUST {
            y.learn(at(now), at(now + 5), true);
        }
        y.learn(at(now), at(now + 2800), true);
        assert!(y.likely(at(now + 2800 + 60_000)));
    }

    #[test]
    fn one_yield_a_wait() {
        let mut y = Yield::default();
        let at = Instant::from_micros;
        y.learn(at(0), at(5), true);
        y.learn(at(10), at(15), false);
        assert!(!y.likely(at(20)) && y.likely(at(30)));
    }

    #[test]
    fn heads_wait_for_bodies() {
        let (file, other) = (FileId(1), FileId(2));
        let mut pairs = Pairs::default();
        let (mut lock, mut now) = (0, 0);
        let mut next = |locks, time| {
            lock += locks;
            now += time;
            (lock, Instant::from_micros(now))
        };
        for round in 0..30 {
            let (l, t) = next(5, 100);
            assert_eq!(pairs.sent(file, l, t), round >= SURE, "{round}");
            let (l, t) = next(1, 5);
            assert_eq!(pairs.will_send(file, l, t), round >= SURE);
            let (l, t) = next(1, 5);
            assert!(!pairs.sent(file, l, t));
        }
        // A head that stays alone, twice: no more.
        for _ in 0..2 {
            let (l, t) = next(5, 100);
            assert!(pairs.sent(file, l, t));
        }
        let (l, t) = next(5, 100);
        assert!(!pairs.sent(file, l, t));
        // Another call between, another file, too late: no pairs.
        for (locks, time, whose) in [(2, 1, file), (1, 1, other), (1, 30, file)] {
            let mut pairs = Pairs::default();
            for _ in 0..100 {
                let (l, t) = next(5, 100);
                assert!(!pairs.sent(file, l, t));
                let (l, t) = next(locks, time);
                assert!(!pairs.will_send(whose, l, t) && !pairs.sent(whose, l, t));
            }
        }
    }
}
