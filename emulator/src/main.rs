//! matnet-emulator: a bad network between two TAP devices.
//!
//!   matnet-emulator --a [NETNS:]DEVICE --b [NETNS:]DEVICE [--fault loss=1%,delay=10ms,...] [--pcap-a FILE] [--pcap-b FILE]
//!                   [--snap BYTES] [--stats FILE] [--seconds N] [--ordinary]
//!
//! What the kernel sends into device A comes out of device B with the faults of `matnet_faults` and the other way round. In the
//! text of the faults `out.` is the way from A to B, `in.` the way back, so a spec reads the same here and as MATNET_FAULT of a program on side A.
//! NETNS is the pid of a process in the namespace or a file of the namespace. `ready` on standard output means that both devices
//! are attached; it ends at SIGTERM, when whoever started it ends, or after --seconds (3600). The counts go to --stats, or to standard
//! output, as JSON. A capture holds what is read from and written to that device, without the frames that corruption spoilt.
//!
//! One thread: both devices are drained, what is due is delivered, then ppoll until the next deadline. It asks for real-time priority
//! (--ordinary: not), for it shares the machine with what it carries. The queue of a TAP is the kernel's
//! (txqueuelen): give it more frames than both ends can have under way, and look at the device's tx_dropped afterwards.

mod capture;
mod device;
mod seen;

use std::process::ExitCode;
use std::time::Duration;

use matnet_faults::{Direction, Pipe, Spec};

use capture::Capture;
use device::Tap;
use seen::Seen;

/// The longest frame of a TAP: an IPv4 packet of 65535 bytes and its Ethernet header.
const LARGEST: usize = 65535 + 14;
/// Frames read from one side before the other has its turn.
const TURN: usize = 64;

/// The command line.
struct Settings {
    a: String,
    b: String,
    fault: Spec,
    pcap_a: Option<String>,
    pcap_b: Option<String>,
    snap: usize,
    stats: Option<String>,
    limit: Duration,
    ordinary: bool,
}

fn settings(mut arguments: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut a = None;
    let mut b = None;
    let mut set = Settings {
        a: String::new(),
        b: String::new(),
        fault: Spec::default(),
        pcap_a: None,
        pcap_b: None,
        snap: LARGEST,
        stats: None,
        limit: Duration::from_secs(3600),
        ordinary: false,
    };
    while let Some(name) = arguments.next() {
        if name == "--ordinary" {
            set.ordinary = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u32>().map_err(|_| format!("{name} {value}: expected a whole number"));
        match name.as_str() {
            "--a" => a = Some(value),
            "--b" => b = Some(value),
            "--fault" => set.fault = Spec::parse(&value).map_err(|e| e.to_string())?,
            "--pcap-a" => set.pcap_a = Some(value),
            "--pcap-b" => set.pcap_b = Some(value),
            "--snap" => set.snap = usize::try_from(number()?).unwrap_or(LARGEST),
            "--stats" => set.stats = Some(value),
            "--seconds" => set.limit = Duration::from_secs(u64::from(number()?)),
            _ => return Err(format!("no option {name}")),
        }
    }
    set.a = a.ok_or("--a [NETNS:]DEVICE is missing")?;
    set.b = b.ok_or("--b [NETNS:]DEVICE is missing")?;
    Ok(set)
}

/// `[NETNS:]DEVICE`
fn attach(place: &str) -> Result<Tap, String> {
    let (namespace, device) = match place.rsplit_once(':') {
        Some((at, device)) if at.bytes().all(|c| c.is_ascii_digit()) => {
            (Some(format!("/proc/{at}/ns/net")), device)
        }
        Some((at, device)) => (Some(at.to_owned()), device),
        None => (None, place),
    };
    Tap::open(namespace.as_deref(), device).map_err(|e| format!("{place}: {e}"))
}

/// One end of the emulated link, and what leaves it for the other.
struct Side {
    tap: Tap,
    capture: Option<Capture>,
    /// What was read here and is on its way to the other side.
    pipe: Pipe<Vec<u8>>,
    seen: Seen,
}

impl Side {
    fn new(
        place: &str,
        spec: &Spec,
        seed: u64,
        direction: Direction,
        pcap: Option<&str>,
        snap: usize,
    ) -> Result<Side, String> {
        let capture =
            pcap.map(|path| Capture::create(path, snap).map_err(|e| format!("{path}: {e}"))).transpose()?;
        let pipe = Pipe::new(spec.path(direction), seed, direction, micros(device::monotonic()));
        Ok(Side { tap: attach(place)?, capture, pipe, seen: Seen::default() })
    }

    fn record(&mut self, wall: Duration, frame: &[u8]) -> Result<(), String> {
        self.capture.as_mut().map_or(Ok(()), |c| c.add(wall, frame).map_err(|e| format!("capture: {e}")))
    }

    /// Reads what is there, at most one turn. True: there may be more.
    fn drain(&mut self, buffer: &mut [u8], wall_offset: Duration) -> Result<bool, String> {
        for _ in 0..TURN {
            let Some(len) = self.tap.read(buffer).map_err(|e| format!("read: {e}"))? else {
                return Ok(false);
            };
            let now = device::monotonic();
            let frame = buffer.get(..len).unwrap_or(&[]).to_vec();
            self.record(wall_offset + now, &frame)?;
            self.seen.read(&frame);
            self.pipe.push(micros(now), frame);
        }
        Ok(true)
    }

    /// Delivers to `to` what is due.
    fn deliver(&mut self, to: &mut Side, wall_offset: Duration) -> Result<(), String> {
        loop {
            let now = device::monotonic();
            let Some(due) = self.pipe.deadline().filter(|due| *due <= micros(now)) else { return Ok(()) };
            // Nothing comes out when a frame that was held back only begins its way.
            let Some(frame) = self.pipe.pop(micros(now)) else { continue };
            // A receiver throws away what is corrupt, but who reads the capture would reckon with its sequence numbers.
            if seen::checksums_right(&frame) {
                to.record(wall_offset + now, &frame)?;
            }
            let taken = to.tap.write(&frame);
            self.seen.written(frame.len(), taken, Duration::from_micros(micros(now).saturating_sub(due)));
        }
    }

    fn json(&self) -> String {
        let c = self.pipe.counters();
        let faults = format!(
            "\"lost\":{},\"outage\":{},\"queue\":{},\"corrupted\":{},\"duplicated\":{},\"reordered\":{},",
            c.lost, c.outage, c.queue, c.corrupted, c.duplicated, c.reordered
        );
        self.seen.json(&faults)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn run(set: &Settings) -> Result<(), String> {
    let seed = set.fault.seed.unwrap_or(1);
    let mut a = Side::new(&set.a, &set.fault, seed, Direction::Out, set.pcap_a.as_deref(), set.snap)?;
    let mut b = Side::new(&set.b, &set.fault, seed, Direction::In, set.pcap_b.as_deref(), set.snap)?;
    device::end_on_signals();
    if !set.ordinary && !device::real_time() {
        eprintln!("matnet-emulator: no real-time priority: the delay may be longer on a busy machine");
    }
    println!("ready");
    let begin = device::monotonic();
    let wall_offset = device::wall().saturating_sub(begin);
    let mut buffer = vec![0; LARGEST];
    while !device::ended() {
        let more_a = a.drain(&mut buffer, wall_offset)?;
        let more_b = b.drain(&mut buffer, wall_offset)?;
        a.deliver(&mut b, wall_offset)?;
        b.deliver(&mut a, wall_offset)?;
        let now = device::monotonic();
        let left = set.limit.saturating_sub(now.saturating_sub(begin));
        if left.is_zero() {
            break;
        }
        if more_a || more_b {
            continue;
        }
        let due = a.pipe.deadline().into_iter().chain(b.pipe.deadline()).min();
        let sleep = due.map_or(left, |due| Duration::from_micros(due).saturating_sub(now).min(left));
        device::wait([a.tap.fd(), b.tap.fd()], Some(sleep));
    }
    let text = format!("{{\"fault\":\"{}\",\"out\":{},\"in\":{}}}\n", set.fault, a.json(), b.json());
    match &set.stats {
        Some(path) => std::fs::write(path, text).map_err(|e| format!("{path}: {e}"))?,
        None => print!("{text}"),
    }
    for capture in [a.capture, b.capture].into_iter().flatten() {
        capture.finish().map_err(|e| format!("capture: {e}"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let done =
        settings(std::env::args().skip(1)).map_err(|e| (e, 2)).and_then(|set| run(&set).map_err(|e| (e, 1)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err((why, status)) => {
            eprintln!("matnet-emulator: {why}");
            ExitCode::from(status)
        }
    }
}
