//! Every order of lock sections, sleeps, signals and packets: an exhaustive check of driving.
//!
//! A [`World`] is a stack thread and some application threads, each with a socket of its own, around the real [`Watch`]. Everything
//! that happens under the runtime lock is one step, and so is each signal sent after the unlock, each wake-up, and what
//! comes from outside: packets, the clock, calls, handlers, cancellation, the end of the device. Steps that the library takes
//! by itself are *internal*. All reachable worlds are visited and must have this:
//!
//! - no lost wake-up: when no internal step is left, the device is empty, no timer is due, and no thread sleeps on a ready socket;
//!   so whatever comes next is noticed by somebody, or the check fails in that next world;
//! - no busy loop, and no wake-ups in an idle program: internal steps always come to an end (their graph has no cycle);
//! - at most one thread drives, and the stack thread is parked only while one sleeps on the device.
//!
//! That a thread may compute for ever, be stopped in a handler for ever, or be gone needs no step of its own: nothing is asked of it.
//! Limits: waits nested in a handler are the waits of another thread here; the stack's budget of frames is without bound.
//!
//! Not loom: the only words shared without the lock are the eventfds and INTERRUPTED, which is written before one eventfd and read
//! after it; the system calls order them. The steps between the two are in the model.
//!
//! In a *shared* world all threads wait to take from one socket: news wakes one of them, and whoever leaves passes on what is left
//! (`Shared::pass_on_file`).
//!
//! [`Fault`] breaks the protocol on purpose; each fault must be found.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::watch::{Kick, NEVER, Turn, Watch};

/// Times are relative to this; what is due earlier is due now.
const NOW: u64 = 10;
/// More than a test may visit: the model has grown too large.
const BOUND: usize = 30_000_000;

/// A mistake that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A driver that leaves does not wake the parked stack thread.
    LeavesSilently,
    /// What the stack thread knows of the timers is taken for what the driver knew.
    ForgetsTimers,
    /// An earlier timer is not announced.
    KeepsTimers,
    /// The trampoline does not say that it interrupts a driver.
    HandlerIsSilent,
    /// The trampoline's word is taken for whoever drives now.
    HandlerOfAnother,
    /// The stack thread naps for ever while one thread drives.
    NeverParks,
    /// Events wake nobody.
    EventsAreLost,
    /// Whoever takes one thing of several keeps quiet about the others.
    TakesAndGoes,
    /// A cancelled thread keeps the news that it was woken for.
    CancelledWithNews,
    /// A thread in a handler stays first in line.
    HandlerInLine,
}

/// What may come from outside.
#[derive(Clone, Copy, Debug)]
struct Scope {
    threads: usize,
    timers: bool,
    handlers: bool,
    cancels: bool,
    vanishes: bool,
    /// One socket for all.
    shared: bool,
    fault: Fault,
}

/// Most things to take that a shared socket has.
const SEVERAL: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// Outside the library.
    Out,
    /// In ppoll, or about to enter it.
    Asleep,
    /// ppoll has returned.
    Awake,
    /// A handler runs on top of the wait; false: the trampoline has not yet signalled.
    Handler(bool),
    /// Between the two: it has signalled, and steps aside next.
    Trampoline,
}

/// What an unlock leaves to be signalled: waiters (bits), and the stack thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Signals {
    waiters: u8,
    stack: bool,
}

impl Signals {
    fn any(self) -> bool {
        self.stack || self.waiters != 0
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thread {
    /// Where it is once `signals` are sent.
    at: At,
    signals: Signals,
    /// Its event descriptor while it is registered on its socket.
    waiter: Option<u8>,
    /// Of the present wait, which then holds the device; 0: none.
    lease: u64,
    /// The thread-local of `inside`: a handler has a driver to announce.
    driving: bool,
    until: u64,
    /// ppoll has seen the event descriptor.
    saw_event: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rest {
    Look,
    Own { until: u64, device: bool },
    Nap,
    Park,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    watch: Watch,
    interrupted: u64,
    seen: u64,
    rest: Rest,
    rest_signals: Signals,
    /// The stack thread's event descriptor has a count.
    wake: bool,
    threads: Vec<Thread>,
    /// Event descriptors of the pool, by bits: a count is there; a sleeper has it; it is marked asleep.
    counts: u8,
    taken: u8,
    asleep: u8,
    /// Frames in the device for a thread's socket, and one that is an acknowledgement.
    frames: u8,
    acknowledgement: bool,
    /// Sockets with data (or an error), and those whose watchers are still to be told. Of a shared one, how many things.
    ready: u8,
    events: u8,
    /// The threads that are registered on the shared socket, in their order.
    order: Vec<u8>,
    /// To be signalled after the unlock.
    wakes: u8,
    timer: Option<u64>,
    vanished: bool,
    gone: bool,
}

const fn bit(i: usize) -> u8 {
    1 << i
}

impl World {
    fn new(scope: Scope) -> World {
        let thread = Thread {
            at: At::Out,
            signals: Signals::default(),
            waiter: None,
            lease: 0,
            driving: false,
            until: NEVER,
            saw_event: false,
        };
        World {
            watch: Watch::default(),
            interrupted: 0,
            seen: 0,
            rest: Rest::Look,
            rest_signals: Signals::default(),
            wake: false,
            threads: vec![thread; scope.threads],
            counts: 0,
            taken: 0,
            asleep: 0,
            frames: 0,
            acknowledgement: false,
            ready: 0,
            events: 0,
            order: Vec::new(),
            wakes: 0,
            timer: None,
            vanished: false,
            gone: false,
        }
    }

    // --- what `Shared` and `Waiters` do, under the lock ---------------------------------------------------------

    fn wake_waiter(&mut self, waiter: u8) {
        if self.asleep & bit(waiter.into()) != 0 {
            self.asleep &= !bit(waiter.into());
            self.wakes |= bit(waiter.into());
        }
    }

    fn settle(&mut self, scope: Scope) {
        let events = std::mem::take(&mut self.events);
        if scope.shared {
            if events != 0 && self.ready != 0 && scope.fault != Fault::EventsAreLost {
                self.wake_first();
            }
            return;
        }
        for i in 0..self.threads.len() {
            if events & bit(i) != 0 {
                if let Some(waiter) = self.threads[i].waiter.filter(|_| scope.fault != Fault::EventsAreLost) {
                    self.wake_waiter(waiter);
                }
            }
        }
    }

    /// The first that is registered on the shared socket; it may be awake already.
    fn wake_first(&mut self) {
        let first = self.order.first().and_then(|&i| self.threads[usize::from(i)].waiter);
        if let Some(waiter) = first {
            self.wake_waiter(waiter);
        }
    }

    /// `Shared::pass_on_file`
    fn pass_on(&mut self, scope: Scope) {
        if scope.shared && self.ready != 0 {
            self.wake_first();
        }
    }

    fn attend(&mut self, scope: Scope) {
        if scope.shared {
            self.events |= self.frames;
            self.ready += std::mem::take(&mut self.frames);
            return;
        }
        let all = bit(self.threads.len()) - 1;
        let news = if self.vanished && !self.gone { all } else { self.frames };
        self.gone = self.vanished;
        self.frames = 0;
        self.events |= news;
        self.ready |= news;
        if std::mem::take(&mut self.acknowledgement) || self.timer.is_some_and(|t| t <= NOW) {
            self.timer = None;
        }
    }

    /// `Locked::drop`
    fn unlock(&mut self, scope: Scope) -> Signals {
        self.settle(scope);
        let before = self.watch.clone();
        let unlock = self.watch.unlock(self.timer);
        if unlock.promote && self.asleep != 0 {
            self.wake_waiter(self.asleep.trailing_zeros() as u8);
        }
        let mut signals = Signals { waiters: std::mem::take(&mut self.wakes), stack: false };
        match unlock.kick {
            Kick::Nobody => {}
            Kick::Driver(waiter) => signals.waiters |= bit(waiter as usize),
            Kick::StackThread => signals.stack = true,
        }
        match scope.fault {
            Fault::LeavesSilently if before.parked && unlock.promote => signals.stack = false,
            Fault::ForgetsTimers if unlock.promote => self.watch.looks_at = before.looks_at,
            Fault::KeepsTimers => {
                signals = Signals {
                    waiters: signals.waiters & !before.driver.map_or(0, |d| bit(d as usize)),
                    ..signals
                };
            }
            _ => {}
        }
        signals
    }

    /// `Registered::undo`
    fn undo(&mut self, i: usize, scope: Scope) {
        let Thread { waiter, lease, saw_event, .. } = self.threads[i];
        let Some(waiter) = waiter else { return };
        self.threads[i].waiter = None;
        self.order.retain(|&n| usize::from(n) != i);
        self.watch.end(waiter.into());
        if lease != 0 {
            self.attend(scope);
        }
        let mask = bit(waiter.into());
        if self.asleep & mask == 0 || saw_event {
            self.counts &= !mask;
        }
        self.asleep &= !mask;
        self.taken &= !mask;
        let thread = &mut self.threads[i];
        (thread.lease, thread.driving, thread.until, thread.saw_event) = (0, false, NEVER, false);
    }

    /// The rest of a blocking call under the lock: it takes its data, or sleeps.
    fn take_or_sleep(&mut self, i: usize, scope: Scope) {
        let mut at = At::Out;
        if scope.shared && self.ready > 0 {
            self.ready -= 1;
            if scope.fault != Fault::TakesAndGoes {
                self.pass_on(scope);
            }
        } else if !scope.shared && self.ready & bit(i) != 0 {
            // An error stays.
            if !self.gone {
                self.ready &= !bit(i);
            }
        } else {
            let waiter = self.taken.trailing_ones() as u8;
            self.taken |= bit(waiter.into());
            self.asleep |= bit(waiter.into());
            self.threads[i].waiter = Some(waiter);
            if scope.shared {
                self.order.push(i as u8);
            }
            if self.watch.is_free() && !self.gone {
                self.settle(scope);
                let lease = self.watch.begin(waiter.into(), self.timer);
                let thread = &mut self.threads[i];
                (thread.lease, thread.driving) = (lease, true);
                thread.until = self.timer.unwrap_or(NEVER);
            }
            at = At::Asleep;
        }
        self.leave(i, at, scope);
    }

    fn leave(&mut self, i: usize, at: At, scope: Scope) {
        let signals = self.unlock(scope);
        self.threads[i].signals = signals;
        self.threads[i].at = at;
    }

    /// `Runtime::attend_or_rest`
    fn look(&mut self, scope: Scope) {
        let mut interrupted = std::mem::take(&mut self.interrupted);
        if scope.fault == Fault::HandlerOfAnother && interrupted != 0 {
            interrupted = self.watch.drives;
        }
        self.rest = match self.watch.look(&mut self.seen, interrupted) {
            Turn::Nap => Rest::Nap,
            Turn::Park if scope.fault == Fault::NeverParks => Rest::Nap,
            Turn::Park => Rest::Park,
            Turn::Attend { driven } => {
                self.attend(scope);
                if driven {
                    self.watch.nap();
                    Rest::Nap
                } else {
                    self.settle(scope);
                    self.watch.own(self.timer);
                    Rest::Own { until: self.timer.unwrap_or(NEVER), device: !self.gone }
                }
            }
        };
        self.rest_signals = self.unlock(scope);
    }

    // --- steps --------------------------------------------------------------------------------------------------

    fn in_device(&self) -> bool {
        self.frames != 0 || self.acknowledgement || self.vanished
    }

    /// One signal of those that are to be sent, and what is left of them.
    fn send(&mut self, mut signals: Signals) -> Signals {
        if signals.waiters != 0 {
            let lowest = signals.waiters & signals.waiters.wrapping_neg();
            self.counts |= lowest;
            signals.waiters &= !lowest;
        } else if std::mem::take(&mut signals.stack) {
            self.wake = true;
        }
        signals
    }

    /// What the library does by itself.
    fn internal(&self, scope: Scope, found: &mut Vec<(&'static str, World)>) {
        let mut next = |what, change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            found.push((what, world));
        };
        if self.rest_signals.any() {
            next("the stack thread signals", &|w| w.rest_signals = w.send(w.rest_signals));
        } else {
            let wakes = match self.rest {
                Rest::Look => false,
                Rest::Nap => true,
                Rest::Park => self.wake,
                Rest::Own { until, device } => self.wake || until <= NOW || (device && self.in_device()),
            };
            if wakes {
                next("the stack thread wakes", &|w| (w.wake, w.rest) = (false, Rest::Look));
            }
            if self.rest == Rest::Look {
                next("the stack thread looks", &|w| w.look(scope));
            }
        }
        for (i, thread) in self.threads.iter().enumerate() {
            if thread.signals.any() {
                next("a thread signals", &|w| w.threads[i].signals = w.send(w.threads[i].signals));
                continue;
            }
            match thread.at {
                At::Asleep => {
                    let event = thread.waiter.is_some_and(|n| self.counts & bit(n.into()) != 0);
                    if event || thread.until <= NOW || (thread.lease != 0 && self.in_device()) {
                        next("a thread wakes", &|w| {
                            w.threads[i].at = At::Awake;
                            w.threads[i].saw_event = event;
                        });
                    }
                }
                At::Awake => next("a thread looks", &|w| {
                    w.undo(i, scope);
                    w.take_or_sleep(i, scope);
                }),
                At::Handler(false) => next("the trampoline signals", &|w| {
                    w.wake = true;
                    w.threads[i].at = At::Trampoline;
                }),
                At::Trampoline => next("the trampoline steps aside", &|w| {
                    if scope.fault != Fault::HandlerInLine {
                        w.order.retain(|&n| usize::from(n) != i);
                        w.pass_on(scope);
                    }
                    w.leave(i, At::Handler(true), scope);
                    if let Some(waiter) = w.threads[i].waiter {
                        w.threads[i].signals.waiters |= bit(waiter.into());
                    }
                }),
                At::Out | At::Handler(true) => {}
            }
        }
    }

    /// What comes from outside.
    fn external(&self, scope: Scope, found: &mut Vec<(&'static str, World)>) {
        let mut next = |what, change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            found.push((what, world));
        };
        for (i, thread) in self.threads.iter().enumerate() {
            if scope.shared && i == 0 && self.frames + self.ready < SEVERAL {
                next("a frame comes", &|w| w.frames += 1);
            }
            if !scope.shared && !self.vanished && (self.frames | self.ready) & bit(i) == 0 {
                next("a frame comes", &|w| w.frames |= bit(i));
            }
            if thread.signals.any() {
                continue;
            }
            match thread.at {
                At::Out => {
                    next("a call to receive", &|w| w.take_or_sleep(i, scope));
                    if self.watch.is_unattended() && !self.gone {
                        next("a call that does not wait", &|w| {
                            w.attend(scope);
                            if scope.shared {
                                w.ready = w.ready.saturating_sub(1);
                            } else {
                                w.ready &= if w.gone { u8::MAX } else { !bit(i) };
                            }
                            w.leave(i, At::Out, scope);
                        });
                    }
                    for after in [1, 2] {
                        if scope.timers && !self.gone && self.timer.is_none_or(|t| t > NOW + after) {
                            next("a call that arms a timer", &|w| {
                                w.timer = Some(NOW + after);
                                w.leave(i, At::Out, scope);
                            });
                        }
                    }
                }
                At::Asleep => {
                    if scope.cancels {
                        next("a thread is cancelled", &|w| {
                            w.undo(i, scope);
                            if scope.fault != Fault::CancelledWithNews {
                                w.pass_on(scope);
                            }
                            w.leave(i, At::Out, scope);
                        });
                    }
                    if scope.handlers {
                        next("a handler begins", &|w| {
                            let silent = scope.fault == Fault::HandlerIsSilent;
                            let thread = &mut w.threads[i];
                            let announce = std::mem::take(&mut thread.driving) && !silent;
                            if announce {
                                w.interrupted = thread.lease;
                            }
                            thread.at = if announce { At::Handler(false) } else { At::Trampoline };
                        });
                    }
                }
                At::Handler(true) => {
                    next("a handler returns into ppoll", &|w| w.threads[i].at = At::Awake);
                    next("a handler returns before ppoll", &|w| w.threads[i].at = At::Asleep);
                    next("a handler jumps", &|w| {
                        w.undo(i, scope);
                        w.pass_on(scope);
                        w.leave(i, At::Out, scope);
                    });
                }
                At::Awake | At::Handler(false) | At::Trampoline => {}
            }
        }
        if scope.timers && self.timer.is_some() && !self.acknowledgement && !self.vanished {
            next("an acknowledgement comes", &|w| w.acknowledgement = true);
        }
        if scope.timers {
            next("time goes on", &|w| {
                let times = w.threads.iter_mut().map(|t| &mut t.until);
                let times =
                    times.chain([&mut w.watch.looks_at, &mut w.watch.rests_until]).chain(w.timer.as_mut());
                let rest = if let Rest::Own { until, .. } = &mut w.rest { Some(until) } else { None };
                times.chain(rest).filter(|t| **t > NOW && **t != NEVER).for_each(|t| *t -= 1);
            });
        }
        if scope.vanishes && !self.vanished {
            next("the device vanishes", &|w| (w.vanished, w.frames, w.acknowledgement) = (true, 0, false));
        }
    }

    /// Leases are compared for equality only, and never again once they are over.
    fn normalise(&mut self) {
        let current = self.watch.drives;
        let rename = |lease: u64| if lease == current { 2 } else { 1 };
        for t in &mut self.threads {
            if t.lease != 0 {
                t.lease = rename(t.lease);
            }
        }
        self.seen = rename(self.seen);
        if self.interrupted != 0 && self.interrupted != current {
            // An old lease; told from none for the sake of the faults.
            self.interrupted = 1;
        }
        if self.interrupted == current {
            self.interrupted = 2;
        }
        self.watch.drives = 2;
    }

    // --- what must hold ------------------------------------------------------------------------------------------

    fn driver_sleeps(&self) -> bool {
        self.threads.iter().any(|t| {
            t.at == At::Asleep
                && t.driving
                && t.waiter.map(u32::from) == self.watch.driver
                && t.lease == self.watch.drives
        })
    }

    /// In every world.
    fn wrong_always(&self) -> Option<&'static str> {
        let driving = self.threads.iter().filter(|t| t.driving).count();
        (driving > 1).then_some("two threads drive")
    }

    /// In a world in which the library has nothing to do.
    fn wrong_at_rest(&self, scope: Scope) -> Option<&'static str> {
        let ready = |i: usize| if scope.shared { self.ready != 0 } else { self.ready & bit(i) != 0 };
        let sleeper = |(i, t): (usize, &Thread)| t.at == At::Asleep && ready(i);
        if self.frames != 0 || self.acknowledgement || self.vanished != self.gone {
            Some("nobody attends to the device")
        } else if self.timer.is_some_and(|t| t <= NOW) {
            Some("nobody attends to a timer")
        } else if self.threads.iter().enumerate().any(sleeper) {
            Some("a thread sleeps although its socket is ready")
        } else if self.rest == Rest::Park && !self.driver_sleeps() {
            Some("the stack thread is parked and nobody drives")
        } else {
            None
        }
    }
}

/// Quick, also without optimisation.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.write_u64(b.into()));
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(n.into());
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(n.into());
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

/// How many worlds there are, or what is wrong with one, and how it came about.
fn explore(scope: Scope) -> Result<usize, String> {
    let mut worlds: Vec<(World, usize, &'static str)> = Vec::new();
    let mut known: HashMap<World, usize, BuildHasherDefault<Mix>> = HashMap::default();
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let story = |worlds: &[(World, usize, &'static str)], mut at: usize, what: &str| {
        let mut steps = vec![format!("{what}: {:?}", worlds[at].0)];
        while at != 0 {
            steps.push(worlds[at].2.to_owned());
            at = worlds[at].1;
        }
        steps.reverse();
        steps.join("\n")
    };
    let mut first = World::new(scope);
    first.normalise();
    known.insert(first.clone(), 0);
    worlds.push((first, 0, "start"));
    let mut at = 0;
    let mut found = Vec::new();
    while let Some((world, ..)) = worlds.get(at) {
        let world = world.clone();
        if let Some(wrong) = world.wrong_always() {
            return Err(story(&worlds, at, wrong));
        }
        world.internal(scope, &mut found);
        let internal = found.len();
        if internal == 0 {
            if let Some(wrong) = world.wrong_at_rest(scope) {
                return Err(story(&worlds, at, wrong));
            }
        }
        world.external(scope, &mut found);
        for (n, (what, mut next)) in found.drain(..).enumerate() {
            next.normalise();
            let fresh = worlds.len();
            let index = *known.entry(next).or_insert_with_key(|next| {
                worlds.push((next.clone(), at, what));
                fresh
            });
            if n < internal {
                edges.push((at as u32, index as u32));
            }
        }
        at += 1;
        assert!(worlds.len() < BOUND, "{scope:?}: more than {BOUND} worlds");
    }
    match cycle(worlds.len(), &edges) {
        Some(on) => Err(story(&worlds, on, "the library never comes to rest")),
        None => Ok(worlds.len()),
    }
}

/// A node of a cycle in the graph, if it has one.
fn cycle(nodes: usize, edges: &[(u32, u32)]) -> Option<usize> {
    let mut into = vec![0u32; nodes];
    let mut first = vec![0u32; nodes + 1];
    for &(from, to) in edges {
        into[to as usize] += 1;
        first[from as usize + 1] += 1;
    }
    for i in 0..nodes {
        first[i + 1] += first[i];
    }
    // Edges are in the order of their origin.
    let mut free: Vec<usize> = (0..nodes).filter(|&n| into[n] == 0).collect();
    while let Some(n) = free.pop() {
        for &(_, to) in &edges[first[n] as usize..first[n + 1] as usize] {
            into[to as usize] -= 1;
            if into[to as usize] == 0 {
                free.push(to as usize);
            }
        }
    }
    into.iter().position(|&n| n != 0)
}

const NOTHING: Scope = Scope {
    threads: 2,
    timers: false,
    handlers: false,
    cancels: false,
    vanishes: false,
    shared: false,
    fault: Fault::None,
};

fn holds(scope: Scope) {
    match explore(scope) {
        Ok(worlds) => println!("{scope:?}: {worlds} worlds"),
        Err(story) => panic!("{scope:?}\n{story}"),
    }
}

#[test]
fn timers() {
    holds(Scope { timers: true, cancels: true, ..NOTHING });
}

#[test]
fn handlers_that_may_never_return() {
    // A jump lets go as a cancellation does.
    holds(Scope { handlers: true, ..NOTHING });
}

#[test]
fn three_threads_and_a_device_that_vanishes() {
    holds(Scope { vanishes: true, threads: 3, ..NOTHING });
}

#[test]
fn one_socket_for_all() {
    holds(Scope { shared: true, cancels: true, threads: 3, ..NOTHING });
    holds(Scope { shared: true, handlers: true, ..NOTHING });
}

#[test]
#[ignore = "20 million worlds: minutes with optimisation, and much memory"]
fn everything_at_once() {
    holds(Scope { timers: true, handlers: true, vanishes: true, ..NOTHING });
}

#[test]
fn every_fault_is_found() {
    let faults = [
        (Fault::LeavesSilently, "the stack thread is parked and nobody drives"),
        (Fault::ForgetsTimers, "nobody attends to a timer"),
        (Fault::KeepsTimers, "nobody attends to a timer"),
        (Fault::HandlerIsSilent, "the stack thread is parked and nobody drives"),
        (Fault::HandlerOfAnother, "two threads drive"),
        (Fault::NeverParks, "the library never comes to rest"),
        (Fault::EventsAreLost, "a thread sleeps although its socket is ready"),
        (Fault::TakesAndGoes, "a thread sleeps although its socket is ready"),
        (Fault::CancelledWithNews, "a thread sleeps although its socket is ready"),
        (Fault::HandlerInLine, "a thread sleeps although its socket is ready"),
    ];
    for (fault, expected) in faults {
        let timers = matches!(fault, Fault::ForgetsTimers | Fault::KeepsTimers);
        let shared = matches!(fault, Fault::TakesAndGoes | Fault::CancelledWithNews | Fault::HandlerInLine);
        let handlers = shared || matches!(fault, Fault::HandlerIsSilent | Fault::HandlerOfAnother);
        // A third that does not drive while two wait.
        let threads = if matches!(fault, Fault::TakesAndGoes | Fault::CancelledWithNews) { 3 } else { 2 };
        let cancels = fault == Fault::CancelledWithNews;
        let story = explore(Scope { timers, handlers, shared, cancels, threads, fault, ..NOTHING })
            .err()
            .unwrap_or_default();
        assert!(story.contains(expected), "{fault:?}: {story}");
    }
}
