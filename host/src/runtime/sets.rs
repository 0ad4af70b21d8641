//! Epoll sets served here: registrations of our sockets in user space.
//!
//! The number stays a descriptor of the kernel's epoll. Our sockets are registered here, the kernel's descriptors there, and a
//! hooked epoll_wait looks at both (`posix::epoll`). Nothing of ours is in the kernel's set as long as this one is served, so no
//! edge and no oneshot can come twice. A set that somebody else may look at (nested in another set, polled) *moves*: its sockets enter the
//! kernel's set by their mirrors, and the mark of its numbers goes.
//!
//! The rules are those of fs/eventpoll.c, under one lock instead of three:
//! - A registration is (file, number) and lives as long as the file, whatever becomes of the number.
//! - An edge whose bits match queues the entry, if it is not queued, and wakes the sleeper that came first (ep_poll_callback).
//! - epoll_wait asks each queued entry for its state: what is not ready drops out, a level-triggered one goes to the tail, an
//!   edge-triggered one is out, a oneshot keeps only the private bits, which disarm it (ep_send_events).
//! - Whoever leaves entries behind wakes the next sleeper (ep_done_scan).
//!
//! An entry is linked into its set's ready queue and, by `next`, to the other entries of its file: no operation here walks over
//! sockets or over entries that are not ready, and none but a registration allocates.
//!
//! Limits: a set whose number dup2 replaces while a thread waits on it goes on for our sockets only. A set that moves reports an edge-triggered
//! socket that is ready once more.

use std::collections::VecDeque;
use std::os::fd::RawFd;

use libc::epoll_event;
use matnet_stack::Readiness;

use super::file::FileId;
use super::wait::Waiters;
use super::{Shared, fdtable, mirror, sys};
use crate::errno::Errno;

/// Bits that say how, not what (EP_PRIVATE_BITS).
const PRIVATE: u32 = WAKEUP | ONESHOT | EDGE | EXCLUSIVE;
const WAKEUP: u32 = libc::EPOLLWAKEUP as u32;
const ONESHOT: u32 = libc::EPOLLONESHOT as u32;
const EDGE: u32 = libc::EPOLLET as u32;
pub(crate) const EXCLUSIVE: u32 = libc::EPOLLEXCLUSIVE as u32;
const IN: u32 = libc::EPOLLIN as u32;
const OUT: u32 = libc::EPOLLOUT as u32;
const ALWAYS: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
/// What may come with EPOLLEXCLUSIVE (EPOLLEXCLUSIVE_OK_BITS).
const WITH_EXCLUSIVE: u32 = IN | OUT | ALWAYS | WAKEUP | EDGE | EXCLUSIVE;

/// No entry, no set.
const NONE: u32 = u32::MAX;

/// A place in the table of sets, and whose turn in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetId {
    index: u32,
    serial: u32,
}

/// A file's first registration; the entry has the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    set: u32,
    entry: u32,
}

impl Link {
    pub(crate) const NONE: Link = Link { set: NONE, entry: NONE };

    pub(crate) fn is_none(self) -> bool {
        self.entry == NONE
    }
}

#[derive(Debug)]
struct Entry {
    file: FileId,
    fd: RawFd,
    /// As the program asked, with ERR and HUP; of a oneshot that has fired the private bits alone.
    events: u32,
    data: u64,
    /// The next entry of the same file.
    next: Link,
    /// Neighbours in the ready queue.
    before: u32,
    after: u32,
    queued: bool,
    used: bool,
}

/// One set.
#[derive(Debug)]
pub(crate) struct Set {
    serial: u32,
    /// Its numbers; none when it is closed and a thread still waits.
    names: Vec<RawFd>,
    /// Then the kernel's set lives on behind this number of ours; -1: none.
    kept: RawFd,
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// The ready queue.
    head: u32,
    tail: u32,
    /// Sleepers, the first to come first.
    sleepers: VecDeque<u32>,
    /// Threads that sleep on it, woken or not.
    users: u32,
    /// Descriptors of the kernel were registered.
    pub(crate) mixed: bool,
    /// Whose events go first next time.
    pub(crate) kernel_first: bool,
    /// Looks at our sockets alone since the last that took in the kernel's.
    unasked: u8,
    /// Its registrations are in the kernel's set now.
    pub(crate) moved: bool,
}

/// All served sets.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    list: Vec<Option<Box<Set>>>,
    free: Vec<u32>,
    serial: u32,
    /// The thread at work will look at this set before it unlocks: it needs no waking for it.
    pub(crate) attending: Option<SetId>,
}

/// What poll(2) says for a socket in the state `r`: tcp_poll for streams, datagram_poll for the others.
pub(crate) fn poll_bits(r: Readiness, stream: bool) -> u32 {
    let band = if stream { 0 } else { libc::EPOLLWRBAND };
    let table = [
        (Readiness::IN, libc::EPOLLIN | libc::EPOLLRDNORM),
        (Readiness::OUT, libc::EPOLLOUT | libc::EPOLLWRNORM | band),
        (Readiness::RDHUP, libc::EPOLLRDHUP),
        (Readiness::HUP, libc::EPOLLHUP),
        (Readiness::ERR, libc::EPOLLERR),
        (Readiness::PRI, libc::EPOLLPRI),
    ];
    table.iter().filter(|(flag, _)| r.contains(*flag)).fold(0, |all, (_, bits)| all | *bits as u32)
}

/// The bits that come with a wake-up; 0 stands for a change of state, which every entry hears of (sk_state_change has no key).
fn key(edges: Readiness) -> u32 {
    if edges.intersects(Readiness::RDHUP | Readiness::HUP) {
        return 0;
    }
    let table = [
        (Readiness::IN, libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDNORM | libc::EPOLLRDBAND),
        (Readiness::OUT, libc::EPOLLOUT | libc::EPOLLWRNORM | libc::EPOLLWRBAND),
        (Readiness::ERR, libc::EPOLLERR),
        (Readiness::PRI, libc::EPOLLPRI),
    ];
    table.iter().filter(|(flag, _)| edges.contains(*flag)).fold(0, |all, (_, bits)| all | *bits as u32)
}

impl Set {
    fn new(serial: u32, names: Vec<RawFd>, mixed: bool) -> Set {
        Set {
            serial,
            names,
            kept: -1,
            entries: Vec::new(),
            free: Vec::new(),
            head: NONE,
            tail: NONE,
            sleepers: VecDeque::new(),
            users: 0,
            mixed,
            kernel_first: false,
            unasked: 0,
            moved: false,
        }
    }

    /// A number of it, for the kernel; -1 when it is closed and has none of the kernel's descriptors.
    pub(crate) fn epfd(&self) -> RawFd {
        self.names.first().copied().unwrap_or(self.kept)
    }

    /// After a look at the device that did not sleep: whether the kernel has news is not known, and asking costs as much as
    /// serving a request. So it is asked every eighth time only.
    pub(crate) fn news_unslept(&mut self) -> Option<bool> {
        self.unasked = (self.unasked + 1) % 8;
        (self.unasked != 0).then_some(false)
    }

    /// True while something may be ready.
    pub(crate) fn has_ready(&self) -> bool {
        self.head != NONE
    }

    /// Queues an entry at the tail; nothing when it is queued.
    fn queue(&mut self, index: u32) {
        let tail = self.tail;
        let Some(e) = self.entries.get_mut(index as usize) else { return };
        if std::mem::replace(&mut e.queued, true) {
            return;
        }
        (e.before, e.after) = (tail, NONE);
        match self.entries.get_mut(tail as usize) {
            Some(last) => last.after = index,
            None => self.head = index,
        }
        self.tail = index;
    }

    /// Takes an entry out of the queue.
    fn unqueue(&mut self, index: u32) {
        let Some(e) = self.entries.get_mut(index as usize) else { return };
        if !std::mem::replace(&mut e.queued, false) {
            return;
        }
        let (before, after) = (e.before, e.after);
        match self.entries.get_mut(before as usize) {
            Some(e) => e.after = after,
            None => self.head = after,
        }
        match self.entries.get_mut(after as usize) {
            Some(e) => e.before = before,
            None => self.tail = before,
        }
    }

    /// Takes in a registration.
    fn insert(&mut self, entry: Entry) -> u32 {
        if let Some(index) = self.free.pop() {
            if let Some(place) = self.entries.get_mut(index as usize) {
                *place = entry;
                return index;
            }
        }
        self.entries.push(entry);
        (self.entries.len() - 1) as u32
    }

    /// Forgets a registration; the caller has unlinked it from its file.
    fn remove(&mut self, index: u32) {
        self.unqueue(index);
        if let Some(e) = self.entries.get_mut(index as usize) {
            e.used = false;
            self.free.push(index);
        }
    }

    /// Wakes the sleeper that came first; true when there was one.
    fn wake_one(&mut self, waiters: &mut Waiters, wakes: &mut Vec<RawFd>) -> bool {
        let Some(waiter) = self.sleepers.pop_front() else { return false };
        wakes.extend(waiters.wake(waiter));
        true
    }

    /// An edge on an entry; true when it is one that an exclusive wake-up ends with.
    fn edge(
        &mut self,
        index: u32,
        key: u32,
        attending: bool,
        waiters: &mut Waiters,
        wakes: &mut Vec<RawFd>,
    ) -> bool {
        let Some(e) = self.entries.get(index as usize) else { return false };
        let events = e.events;
        if events & !PRIVATE == 0 || (key != 0 && key & events == 0) {
            return events & EXCLUSIVE == 0;
        }
        self.queue(index);
        let woken = attending || self.wake_one(waiters, wakes);
        let both = key & (IN | OUT);
        events & EXCLUSIVE == 0 || (woken && (both == 0 || (both != IN | OUT && events & both != 0)))
    }
}

impl Sets {
    /// The set, if it still is the same.
    pub(crate) fn get_mut(&mut self, id: SetId) -> Option<&mut Set> {
        self.at(id.index).filter(|s| s.serial == id.serial)
    }

    fn at(&mut self, index: u32) -> Option<&mut Set> {
        self.list.get_mut(index as usize)?.as_deref_mut()
    }

    fn entry(&self, link: Link) -> Option<&Entry> {
        self.list.get(link.set as usize)?.as_ref()?.entries.get(link.entry as usize)
    }

    fn entry_mut(&mut self, link: Link) -> Option<&mut Entry> {
        self.at(link.set)?.entries.get_mut(link.entry as usize)
    }

    /// The served set behind a number.
    pub(crate) fn find(&mut self, epfd: RawFd) -> Option<SetId> {
        let Some(fdtable::Mark::Served(index)) = fdtable::mark(epfd) else { return None };
        self.at(index).map(|s| SetId { index, serial: s.serial })
    }

    /// The first place that is free.
    fn place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.list.push(None);
            (self.list.len() - 1) as u32
        })
    }

    /// Serves the candidate `epfd`; None when it is none, or threads wait on it in the kernel.
    fn serve(&mut self, epfd: RawFd) -> Option<SetId> {
        let index = self.place();
        let Some((names, mixed)) = fdtable::serve(epfd, index) else {
            self.free.push(index);
            return None;
        };
        if names.iter().any(|&n| fdtable::in_kernel(n) > 0) {
            // They would hear nothing of our sockets: the kernel serves this one.
            names.iter().for_each(|&n| fdtable::clear(n));
            self.free.push(index);
            return None;
        }
        self.serial = self.serial.wrapping_add(1);
        let id = SetId { index, serial: self.serial };
        if let Some(place) = self.list.get_mut(index as usize) {
            *place = Some(Box::new(Set::new(id.serial, names, mixed)));
        }
        Some(id)
    }

    /// The registration of (file, number) in a set.
    fn registered(&self, first: Link, set: SetId, fd: RawFd) -> Option<Link> {
        let mut link = first;
        while let Some(e) = self.entry(link) {
            if link.set == set.index && e.fd == fd {
                return Some(link);
            }
            link = e.next;
        }
        None
    }

    /// Hands an edge on a file to its registrations: to all that are not exclusive, and to exclusive ones until one has
    /// somebody to wake (__wake_up_common).
    pub(crate) fn on_edges(
        &mut self,
        first: Link,
        edges: Readiness,
        waiters: &mut Waiters,
        wakes: &mut Vec<RawFd>,
    ) {
        if edges.is_empty() {
            return;
        }
        let key = key(edges);
        let attending = self.attending;
        let mut served = false;
        let mut link = first;
        while let Some(e) = self.entry(link) {
            let (here, exclusive) = (link, e.events & EXCLUSIVE != 0);
            link = e.next;
            if exclusive && served && key != 0 {
                continue;
            }
            let Some(set) = self.at(here.set) else { continue };
            let mine = attending == Some(SetId { index: here.set, serial: set.serial });
            served |= set.edge(here.entry, key, mine, waiters, wakes) && exclusive;
        }
    }
}

/// What a registration asks for, checked as do_epoll_ctl does.
pub(crate) fn checked(op: i32, events: u32) -> Result<u32, Errno> {
    if events & EXCLUSIVE != 0 {
        let refused = match op {
            libc::EPOLL_CTL_MOD => true,
            libc::EPOLL_CTL_ADD => events & !WITH_EXCLUSIVE != 0,
            _ => false,
        };
        if refused {
            return Err(Errno::EINVAL);
        }
    }
    // EPOLLWAKEUP needs a capability and has no meaning for a device of user space (ep_take_care_of_epollwakeup).
    Ok((events & !WAKEUP) | ALWAYS)
}

impl Shared {
    /// The set that serves `epfd`, begun now if it is a candidate. None: the kernel's.
    pub(crate) fn served(&mut self, epfd: RawFd) -> Option<SetId> {
        match fdtable::mark(epfd)? {
            fdtable::Mark::Served(_) => self.sets.find(epfd),
            fdtable::Mark::Candidate => self.sets.serve(epfd),
        }
    }

    /// EPOLL_CTL_ADD of a socket of ours.
    pub(crate) fn set_add(
        &mut self,
        set: SetId,
        id: FileId,
        fd: RawFd,
        event: epoll_event,
    ) -> Result<(), Errno> {
        let first = self.file(id)?.sets;
        let events = checked(libc::EPOLL_CTL_ADD, event.events)?;
        if self.sets.registered(first, set, fd).is_some() {
            return Err(Errno::EEXIST);
        }
        let s = self.sets.get_mut(set).ok_or(Errno::EBADF)?;
        let entry = Entry {
            file: id,
            fd,
            events,
            data: event.u64,
            next: Link::NONE,
            before: NONE,
            after: NONE,
            queued: false,
            used: true,
        };
        let link = Link { set: set.index, entry: s.insert(entry) };
        // Where the kernel's wait queue has it: before all others, an exclusive one behind them.
        match self.last_of(first).filter(|_| events & EXCLUSIVE != 0) {
            Some(last) => {
                if let Some(e) = self.sets.entry_mut(last) {
                    e.next = link;
                }
            }
            None => {
                if let Some(e) = self.sets.entry_mut(link) {
                    e.next = first;
                }
                self.file_mut(id)?.sets = link;
            }
        }
        self.set_refresh(link);
        Ok(())
    }

    fn last_of(&self, first: Link) -> Option<Link> {
        let mut last = None;
        let mut link = first;
        while let Some(e) = self.sets.entry(link) {
            last = Some(link);
            link = e.next;
        }
        last
    }

    /// EPOLL_CTL_MOD of a socket of ours.
    pub(crate) fn set_mod(
        &mut self,
        set: SetId,
        id: FileId,
        fd: RawFd,
        event: epoll_event,
    ) -> Result<(), Errno> {
        let events = checked(libc::EPOLL_CTL_MOD, event.events)?;
        let link = self.sets.registered(self.file(id)?.sets, set, fd).ok_or(Errno::ENOENT)?;
        let e = self.sets.entry_mut(link).ok_or(Errno::ENOENT)?;
        if e.events & EXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        (e.events, e.data) = (events, event.u64);
        self.set_refresh(link);
        Ok(())
    }

    /// EPOLL_CTL_DEL of a socket of ours.
    pub(crate) fn set_del(&mut self, set: SetId, id: FileId, fd: RawFd) -> Result<(), Errno> {
        let link = self.sets.registered(self.file(id)?.sets, set, fd).ok_or(Errno::ENOENT)?;
        self.unregister(link);
        Ok(())
    }

    /// An entry is new or was changed: it is queued, and somebody woken, if it is ready.
    fn set_refresh(&mut self, link: Link) {
        let Some(e) = self.sets.entry(link) else { return };
        let (file, events, queued) = (e.file, e.events, e.queued);
        if queued || self.file_bits(file) & events == 0 {
            return;
        }
        if let Some(set) = self.sets.at(link.set) {
            set.queue(link.entry);
            set.wake_one(&mut self.waiters, &mut self.wakes);
        }
    }

    fn file_bits(&self, id: FileId) -> u32 {
        self.files.get(id).map_or(0, |f| poll_bits(self.stack.readiness(f.socket) | f.also, f.is_stream()))
    }

    /// Takes a registration out of its set and its file.
    fn unregister(&mut self, gone: Link) {
        let Some(e) = self.sets.entry(gone) else { return };
        let (file, next) = (e.file, e.next);
        let first = self.files.get(file).map_or(Link::NONE, |f| f.sets);
        if first == gone {
            if let Some(f) = self.files.get_mut(file) {
                f.sets = next;
            }
        } else {
            let mut link = first;
            while let Some(e) = self.sets.entry_mut(link) {
                if e.next == gone {
                    e.next = next;
                    break;
                }
                link = e.next;
            }
        }
        if let Some(set) = self.sets.at(gone.set) {
            set.remove(gone.entry);
        }
    }

    /// The file ends: its registrations do too. Those that become the kernel's, with the socket, are returned.
    pub(crate) fn leave_sets(&mut self, first: Link, to_kernel: bool) -> Vec<mirror::Registration> {
        let mut left = Vec::new();
        let mut link = first;
        while let Some(e) = self.sets.entry(link) {
            let (here, next) = (link, e.next);
            let (fd, events, data) = (e.fd, e.events, e.data);
            if let Some(set) = self.sets.at(here.set) {
                set.remove(here.entry);
                if to_kernel {
                    let (epfd, fired) = (set.epfd(), events & !PRIVATE == 0);
                    left.push(mirror::Registration { epfd, fd, events, data, fired });
                    let id = SetId { index: here.set, serial: set.serial };
                    self.set_mixes(id);
                }
            }
            link = next;
        }
        left
    }

    /// What is ready, into `out`, as ep_send_events does it; wakes the next sleeper if something stays behind.
    pub(crate) fn collect(&mut self, id: SetId, out: &mut [epoll_event]) -> usize {
        let Some(set) = self.sets.get_mut(id) else { return 0 };
        let mut found = 0;
        // What is queued again below is not for this call.
        let last = set.tail;
        while let Some(place) = out.get_mut(found) {
            let index = set.head;
            set.unqueue(index);
            let Some(e) = set.entries.get_mut(index as usize) else { break };
            let file = self.files.get(e.file);
            let state = file.map_or(0, |f| poll_bits(self.stack.readiness(f.socket) | f.also, f.is_stream()));
            let ready = state & e.events;
            if ready != 0 {
                *place = epoll_event { events: ready, u64: e.data };
                found += 1;
                if e.events & ONESHOT != 0 {
                    e.events &= PRIVATE;
                } else if e.events & EDGE == 0 {
                    set.queue(index);
                }
            }
            if index == last {
                break;
            }
        }
        found
    }

    /// True when [`Self::collect`] would find something, which stays as it is, edges and oneshots too: of a call whose array is bad.
    #[cold]
    pub(crate) fn would_collect(&mut self, id: SetId) -> bool {
        while let Some(set) = self.sets.get_mut(id) {
            let index = set.head;
            let Some(e) = set.entries.get(index as usize) else { break };
            let (file, events) = (e.file, e.events);
            if self.file_bits(file) & events != 0 {
                return true;
            }
            if let Some(set) = self.sets.get_mut(id) {
                set.unqueue(index);
            }
        }
        false
    }

    /// Before the last look of a thread that will not wait: what the device holds counts, if nobody looks at it just now.
    pub(crate) fn set_attend(&mut self, id: SetId) -> bool {
        if !self.unattended() {
            return false;
        }
        self.sets.attending = Some(id);
        self.attend();
        self.dispatch();
        self.sets.attending = None;
        true
    }

    /// Before a wait on the set: [`Shared::look_early`].
    pub(crate) fn set_look_early(&mut self, id: SetId) -> bool {
        self.sets.attending = Some(id);
        let hit = self.look_early();
        if hit {
            self.dispatch();
        }
        self.sets.attending = None;
        hit
    }

    /// After a look at the set by a thread that does not wait any more: what is left is the next sleeper's.
    pub(crate) fn pass_on(&mut self, id: SetId) {
        let Some(set) = self.sets.get_mut(id) else { return };
        if set.has_ready() {
            set.wake_one(&mut self.waiters, &mut self.wakes);
        }
    }

    /// A thread is about to sleep on the set.
    pub(crate) fn set_sleep(&mut self, id: SetId, waiter: u32) {
        if let Some(set) = self.sets.get_mut(id) {
            set.sleepers.push_back(waiter);
            set.users += 1;
        }
    }

    /// Its handler runs: others come first. It is not awake yet.
    pub(crate) fn set_step_aside(&mut self, id: SetId, waiter: u32) {
        if let Some(set) = self.sets.get_mut(id) {
            set.sleepers.retain(|&w| w != waiter);
        }
        self.pass_on(id);
    }

    /// It is awake.
    pub(crate) fn set_wake(&mut self, id: SetId, waiter: u32) {
        if let Some(set) = self.sets.get_mut(id) {
            set.sleepers.retain(|&w| w != waiter);
            set.users = set.users.saturating_sub(1);
        }
    }

    /// Every sleeper has to look again: the set got its first descriptor of the kernel, or has moved.
    fn wake_all(&mut self, id: SetId) {
        if let Some(set) = self.sets.get_mut(id) {
            while set.wake_one(&mut self.waiters, &mut self.wakes) {}
        }
    }

    /// A descriptor of the kernel entered the set.
    pub(crate) fn set_mixes(&mut self, id: SetId) {
        let Some(set) = self.sets.get_mut(id) else { return };
        if !std::mem::replace(&mut set.mixed, true) {
            self.wake_all(id);
        }
    }

    /// `new` names the same set as `old` from now on (dup and kin).
    pub(crate) fn name_set(&mut self, old: RawFd, new: RawFd) -> Result<(), Errno> {
        match self.sets.find(old) {
            None => fdtable::copy_candidate(old, new),
            Some(id) if fdtable::set_served(new, id.index) => {
                if let Some(set) = self.sets.get_mut(id).filter(|s| !s.names.contains(&new)) {
                    set.names.push(new);
                }
            }
            Some(_) => {
                let _ = sys::close(new);
                return Err(Errno::EMFILE);
            }
        }
        Ok(())
    }

    /// Before the close of `epfd`: a call that waits on its set keeps it, as it keeps its struct file in the kernel.
    pub(crate) fn keep_set(&mut self, epfd: RawFd) {
        let Some(set) = self.sets.find(epfd).and_then(|id| self.sets.get_mut(id)) else { return };
        if set.users > 0 && set.mixed && set.kept < 0 && set.names.iter().all(|&n| n == epfd) {
            let same = sys::fcntl(epfd, libc::F_DUPFD_CLOEXEC, 0).and_then(super::fdspace::internal);
            set.kept = same.unwrap_or(-1);
        }
    }

    /// A number of a set was closed or is another's now; the set ends with its last one, and with its last user.
    pub(crate) fn unname_set(&mut self, epfd: RawFd) {
        if fdtable::mark(epfd).is_none() {
            return;
        }
        let id = self.sets.find(epfd);
        fdtable::clear(epfd);
        let Some(id) = id else { return };
        if let Some(set) = self.sets.get_mut(id) {
            set.names.retain(|&n| n != epfd);
        }
        self.reap_set(id);
    }

    /// Ends the set if nothing refers to it.
    pub(crate) fn reap_set(&mut self, id: SetId) {
        let gone = |s: &mut Set| (s.names.is_empty() || s.moved) && s.users == 0;
        if !self.sets.get_mut(id).is_some_and(gone) {
            return;
        }
        self.empty_set(id);
        if let Some(kept) = self.sets.get_mut(id).map(|s| s.kept).filter(|&fd| fd >= 0) {
            super::fdspace::close_internal(kept);
        }
        if let Some(place) = self.sets.list.get_mut(id.index as usize) {
            *place = None;
            self.sets.free.push(id.index);
        }
    }

    fn links(&mut self, id: SetId) -> Vec<Link> {
        let Some(set) = self.sets.get_mut(id) else { return Vec::new() };
        let used = set.entries.iter().enumerate().filter(|(_, e)| e.used);
        used.map(|(i, _)| Link { set: id.index, entry: i as u32 }).collect()
    }

    fn empty_set(&mut self, id: SetId) {
        for link in self.links(id) {
            self.unregister(link);
        }
    }

    /// Somebody else may look at the kernel's set: our sockets enter it, and it is the kernel's for good.
    pub(crate) fn move_set(&mut self, epfd: RawFd) -> Result<(), Errno> {
        let Some(id) = self.sets.find(epfd) else {
            fdtable::demote(epfd);
            return Ok(());
        };
        let links = self.links(id);
        // The pairs first: these may fail.
        for &link in &links {
            let Some(file) = self.sets.entry(link).map(|e| e.file) else { continue };
            if self.file(file).is_ok_and(|f| f.mirror.is_none()) {
                self.materialise(file)?;
            }
        }
        for link in links {
            let Some(e) = self.sets.entry(link) else { continue };
            let (file, fired) = (e.file, e.events & !PRIVATE == 0);
            let r = mirror::Registration { epfd, fd: e.fd, events: e.events, data: e.data, fired };
            self.unregister(link);
            if let Some(m) = self.files.get_mut(file).and_then(|f| f.mirror.as_mut()) {
                super::readd(&[r]);
                m.registrations.push(r);
            }
        }
        if let Some(set) = self.sets.get_mut(id) {
            set.moved = true;
            set.names.iter().for_each(|&n| fdtable::clear(n));
        }
        self.wake_all(id);
        self.reap_set(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
