use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use matnet_stack::{Gso, TxChecksum};

use super::*;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn clock() -> Instant {
    Instant::from_micros(NOW.get())
}

/// What lies behind the faults: frames to receive, frames that were sent, and how sending fails.
#[derive(Default)]
struct World {
    incoming: VecDeque<(Buf, RxMeta)>,
    sent: Vec<Vec<u8>>,
    fails: Option<LinkError>,
}

struct Device(Arc<Mutex<World>>);

impl Link for Device {
    fn fd(&self) -> Option<RawFd> {
        Some(77)
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities { tx_checksum: true, tso: true, uso: true }
    }
    fn mtu(&self) -> u16 {
        1500
    }
    fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno> {
        Ok(self.0.lock().unwrap().incoming.pop_front())
    }
    fn send(&mut self, frame: &Transmit<'_>) -> Result<(), LinkError> {
        assert_eq!(frame.meta, TxMeta::default(), "nothing is left to the device");
        let mut world = self.0.lock().unwrap();
        match world.fails {
            Some(e) => Err(e),
            None => {
                world.sent.push([frame.header, &frame.payload.concat()].concat());
                Ok(())
            }
        }
    }
}

fn link(spec: &str) -> (Faults, Arc<Mutex<World>>) {
    NOW.set(1_000_000);
    let world = Arc::new(Mutex::new(World::default()));
    (Faults::new(Box::new(Device(Arc::clone(&world))), &spec.parse().unwrap(), 5, clock), world)
}

/// An Ethernet frame with a TCP segment (sequence number 1000) of `len` bytes, checksums complete.
fn segment(len: usize) -> Vec<u8> {
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let total = u16::try_from(40 + len).unwrap().to_be_bytes();
    f.extend([0x45, 0, total[0], total[1], 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    f.extend([0, 80, 1, 2, 0, 0, 3, 232, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    f.extend((0..len).map(|i| (i % 251) as u8));
    cut::complete(&mut f);
    f
}

fn plain(bytes: &[u8]) -> Transmit<'_> {
    Transmit { header: bytes, payload: &[], meta: TxMeta::default() }
}

#[test]
fn nothing_is_left_to_the_device_in_either_direction() {
    let (mut link, world) = link("loss=0%");
    assert_eq!(link.capabilities(), Capabilities::default());
    assert_eq!((link.fd(), link.mtu(), link.is_timed()), (Some(77), 1500, true));
    // A frame with a checksum to fill in and several segments, out and in.
    let mut whole = segment(3000);
    whole[50..52].fill(0);
    let (header, payload) = whole.split_at(54);
    let (a, b) = payload.split_at(1000);
    let meta = TxMeta {
        checksum: Some(TxChecksum { start: 34, offset: 16 }),
        gso: Some(Gso { size: 1460, header_len: 54 }),
    };
    link.send(&Transmit { header, payload: &[a, b], meta }).unwrap();
    let sent = std::mem::take(&mut world.lock().unwrap().sent);
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [1514, 1514, 134]);
    let meta = RxMeta { checksum: RxChecksum::Trusted, gso_size: 1460 };
    world.lock().unwrap().incoming.push_back((Buf::from_vec(whole.clone()), meta));
    for want in &sent {
        let (got, meta) = link.recv().unwrap().unwrap();
        assert_eq!(meta, RxMeta::default());
        assert_eq!(got.to_vec(), *want);
        let (field, value) = checksum::expected(&got).unwrap();
        assert_eq!(got[field..field + 2], value);
    }
    assert!(link.recv().unwrap().is_none());
    // One segment whose checksum is not filled in.
    let good = segment(10);
    let mut partial = good.clone();
    partial[50..52].fill(9);
    let trusted = RxMeta { checksum: RxChecksum::Trusted, gso_size: 0 };
    world.lock().unwrap().incoming.push_back((Buf::from_vec(partial.clone()), trusted));
    assert_eq!(link.recv().unwrap().unwrap().0.to_vec(), good);
    // One that claims to be complete is left for the stack to verify.
    world.lock().unwrap().incoming.push_back((Buf::from_vec(partial.clone()), RxMeta::default()));
    assert_eq!(link.recv().unwrap().unwrap().0.to_vec(), partial);
    // Out, a checksum only: the field holds the sum of the pseudo-header.
    let mut out = good.clone();
    let pseudo =
        matnet_stack::wire::checksum::pseudo_header_v4([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 6, 30);
    out[50..52].copy_from_slice(&matnet_stack::wire::checksum::fold(pseudo).to_be_bytes());
    let meta = TxMeta { checksum: Some(TxChecksum { start: 34, offset: 16 }), gso: None };
    link.send(&Transmit { header: &out[..54], payload: &[&out[54..]], meta }).unwrap();
    assert_eq!(world.lock().unwrap().sent, [good]);
}

#[test]
fn frames_wait_for_their_time_and_the_deadline_says_when() {
    let (mut link, world) = link("out.delay=20ms,in.delay=5ms");
    assert_eq!((link.deadline(), link.has_output()), (None, false));
    link.send(&plain(&segment(1))).unwrap();
    assert_eq!(link.deadline(), Some(Instant::from_micros(1_020_000)));
    world.lock().unwrap().incoming.push_back((Buf::from_vec(segment(2)), RxMeta::default()));
    NOW.set(1_001_000);
    assert!(link.recv().unwrap().is_none());
    assert_eq!(link.deadline(), Some(Instant::from_micros(1_006_000)));
    NOW.set(1_006_000);
    assert_eq!(link.recv().unwrap().unwrap().0.to_vec(), segment(2));
    NOW.set(1_019_999);
    link.poll().unwrap();
    assert!(link.has_output() && world.lock().unwrap().sent.is_empty());
    NOW.set(1_020_000);
    link.poll().unwrap();
    assert_eq!(world.lock().unwrap().sent, [segment(1)]);
    assert_eq!((link.deadline(), link.has_output()), (None, false));
}

#[test]
fn a_full_device_is_tried_again_and_nothing_overtakes() {
    let (mut link, world) = link("loss=0%");
    world.lock().unwrap().fails = Some(LinkError::Full);
    for n in 1..4 {
        // The stack has handed it over: it does not come again.
        assert_eq!(link.send(&plain(&segment(n))), Ok(()));
    }
    assert_eq!(link.deadline(), Some(clock() + RETRY));
    link.poll().unwrap();
    world.lock().unwrap().fails = None;
    link.poll().unwrap();
    assert!(world.lock().unwrap().sent.is_empty() && link.has_output());
    NOW.set(1_001_000);
    link.poll().unwrap();
    assert_eq!(world.lock().unwrap().sent, [segment(1), segment(2), segment(3)]);
    assert!(!link.has_output());
    // A device that stays full at the end keeps nobody.
    world.lock().unwrap().fails = Some(LinkError::Full);
    link.send(&plain(&segment(4))).unwrap();
    link.flush();
    world.lock().unwrap().fails = Some(LinkError::Gone(Errno(libc::EBADFD)));
    NOW.set(2_000_000);
    assert_eq!(link.send(&plain(&segment(5))), Err(LinkError::Gone(Errno(libc::EBADFD))));
}

#[test]
fn at_the_end_what_is_on_the_way_arrives() {
    let (mut link, world) = link("delay=10s,reorder=50%,hold=1h,rate=1mbit,seed=3");
    for n in 1..9 {
        link.send(&plain(&segment(n))).unwrap();
    }
    assert!(link.has_output());
    link.flush();
    let mut sent: Vec<usize> = world.lock().unwrap().sent.iter().map(Vec::len).collect();
    sent.sort_unstable();
    assert_eq!(sent, (1..9).map(|n| 54 + n).collect::<Vec<_>>());
    assert!(!link.has_output());
}

#[test]
fn a_corrupted_frame_changes_neither_its_copy_nor_the_pools_buffer() {
    let (mut link, world) = link("in.corrupt=100%,in.dup=100%");
    let held = Buf::from_vec(segment(400));
    world.lock().unwrap().incoming.push_back((held.clone(), RxMeta::default()));
    let (first, _) = link.recv().unwrap().unwrap();
    let (second, _) = link.recv().unwrap().unwrap();
    assert_eq!(held.to_vec(), segment(400));
    assert_eq!(first.to_vec(), second.to_vec());
    let wrong: u32 = first.iter().zip(held.iter()).map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(wrong, 1);
}

#[test]
fn the_summary_names_what_happened_and_the_seed() {
    let (mut link, world) = link("out.loss=100%,in.dup=100%");
    link.send(&plain(&segment(1))).unwrap();
    world.lock().unwrap().incoming.push_back((Buf::from_vec(segment(2)), RxMeta::default()));
    link.recv().unwrap();
    let line = link.summary().unwrap();
    assert_eq!(line, "MATNET_FAULT: seed 5: in 1 frames, 1 duplicated; out 1 frames, 1 lost");
}
