//! Congestion control and pacing, one behaviour a file: a sender over a path with a rate, a delay, a queue, and, where it
//! says so, a policer.

use std::collections::BTreeMap;

use super::*;

mod a_change_of_algorithm_keeps_the_connection;
mod a_recovery_has_data_to_send;
mod accepted_sockets_inherit_the_algorithm;
mod acknowledgements_are_not_paced;
mod aggregated_acknowledgements_do_not_stall_bbr;
mod bbr_begins_again_after_idle;
mod bbr_drains_what_startup_queued;
mod bbr_forgets_a_path_that_carried_next_to_nothing;
mod bbr_goes_round_its_gains;
mod bbr_keeps_its_window_through_losses;
mod bbr_looks_for_the_least_round_trip;
mod bbr_notices_a_policer;
mod bbr_startup_ends_when_the_pipe_is_full;
mod busy_times_are_told;
mod bytes_are_counted_not_acknowledgements;
mod cubic_leaves_seven_tenths;
mod hystart_leaves_slow_start_before_the_queue_is_full;
mod idle_halves_the_window_each_time_out;
mod near_peers_are_not_paced;
mod paced_retransmissions;
mod pacing_spreads_a_window_over_the_round_trip;
mod reno_adds_a_segment_each_round_trip;
mod sacked_data_grows_the_window_of_a_path_that_reorders;
mod sendfile_is_a_program_that_sends_too;
mod ten_segments_begin;
mod the_delivery_rate_is_told;
mod the_maximum_pacing_rate_is_kept;
mod undo_gives_the_window_back;
mod waiting_for_departure_is_no_persist;
mod what_is_not_used_does_not_grow;
mod what_is_not_used_for_long_shrinks;

/// Bytes of Ethernet, IP and TCP headers with timestamps.
pub(super) const HEADERS: usize = 66;

/// A bottleneck in one direction.
#[derive(Clone, Copy)]
pub(super) struct Bottleneck {
    /// Bytes per second.
    pub rate: u64,
    /// One way.
    pub delay: Duration,
    /// Bytes that may wait.
    pub queue: u64,
    /// Policer: bytes per second and bytes at once, instead of a queue.
    pub policer: Option<(f64, f64)>,
    /// Acknowledgements arrive together, each such time.
    pub aggregate: Duration,
}

/// 10 Mbit/s, 40 ms, a queue of two products.
pub(super) const PATH: Bottleneck = Bottleneck {
    rate: 1_250_000,
    delay: Duration::from_millis(20),
    queue: 100_000,
    policer: None,
    aggregate: Duration::ZERO,
};

/// A client that sends to a server over it.
pub(super) struct Path {
    pub ends: [(Tcp, Below, Counters); 2],
    pub now: Instant,
    pub link: Bottleneck,
    pub ids: [SocketId; 2],
    /// When frames of data left the client, and their payload.
    pub departures: Vec<(Instant, usize)>,
    /// Bytes that the queue dropped.
    pub dropped: u64,
    /// Data frames of these numbers are lost, counted from 0.
    pub lose: Vec<u64>,
    pub received: usize,
    data: u64,
    flying: BTreeMap<(Instant, u64), (usize, SegmentIn)>,
    serial: u64,
    busy_until: Instant,
    tokens: (Instant, f64),
}

impl Path {
    /// A connection, established.
    pub(super) fn new(link: Bottleneck, congestion: Congestion) -> Path {
        let end = |n: u8| {
            let mut below = Below::new();
            below.tso = 65_000;
            let opts = TcpOptions { congestion, ..TcpOptions::default() };
            (Tcp::new(opts, [n; 32]), below, Counters::default())
        };
        let mut ends = [end(1), end(2)];
        let server = ends[1].0.open();
        ends[1].0.bind(server, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80)).unwrap();
        ends[1].0.listen(server, 1).unwrap();
        let client = ends[0].0.open();
        let now = Instant::from_micros(5_000_000);
        let remote = SocketAddrV4::new(PEER, 80);
        assert_eq!(ends[0].0.connect(now, client, remote, US, 1500), Err(Error::InProgress));
        let mut path = Path {
            ends,
            now,
            link,
            ids: [client, server],
            departures: Vec::new(),
            dropped: 0,
            lose: Vec::new(),
            received: 0,
            data: 0,
            flying: BTreeMap::new(),
            serial: 0,
            busy_until: Instant::ZERO,
            tokens: (now, link.policer.map_or(0.0, |p| p.1)),
        };
        while path.step(None) {
            if let Ok((id, _)) = path.ends[1].0.accept(server) {
                path.ids[1] = id;
                return path;
            }
        }
        panic!("no connection");
    }

    fn transmit(&mut self) {
        for from in 0..2 {
            let (tcp, below, counters) = &mut self.ends[from];
            tcp.poll_transmit(self.now, below, counters).unwrap();
            for sent in std::mem::take(&mut below.sent) {
                if from == 0 && !sent.payload.is_empty() {
                    self.departures.push((self.now, sent.payload.len()));
                }
                let size = sent.gso.map_or(sent.payload.len().max(1), usize::from);
                let mut offset = 0;
                loop {
                    let end = (offset + size).min(sent.payload.len());
                    let mut repr = sent.repr;
                    repr.seq += offset;
                    if end < sent.payload.len() {
                        repr.flags = repr.flags.without(FIN | PSH);
                    }
                    self.fly(from, &sent, repr, &sent.payload[offset..end]);
                    offset = end;
                    if end == sent.payload.len() {
                        break;
                    }
                }
            }
        }
    }

    fn fly(&mut self, from: usize, sent: &Sent, repr: Repr, payload: &[u8]) {
        let mut at = self.now;
        if from == 0 && !payload.is_empty() {
            let number = self.data;
            self.data += 1;
            if self.lose.contains(&number) {
                return;
            }
            let size = payload.len() + HEADERS;
            if let Some((rate, most)) = self.link.policer {
                let (since, tokens) = self.tokens;
                let tokens = (tokens + self.now.since(since).as_secs_f64() * rate).min(most);
                let pass = tokens >= size as f64;
                self.tokens = (self.now, if pass { tokens - size as f64 } else { tokens });
                if !pass {
                    self.dropped += size as u64;
                    return;
                }
            }
            let start = self.busy_until.max(self.now);
            let waiting = start.since(self.now).as_secs_f64() * self.link.rate as f64;
            if waiting > self.link.queue as f64 {
                self.dropped += size as u64;
                return;
            }
            at = start + Duration::from_secs_f64(size as f64 / self.link.rate as f64);
            self.busy_until = at;
        }
        let mut arrive = at + self.link.delay;
        let step = self.link.aggregate.as_micros() as u64;
        if from == 1 && step > 0 {
            arrive = Instant::from_micros(arrive.micros().div_ceil(step) * step);
        }
        self.serial += 1;
        let seg = SegmentIn {
            src: sent.src,
            dst: sent.dst,
            tos: 0,
            ttl: 64,
            head: Buf::default(),
            repr,
            payload: Buf::copy_from(payload),
            gso_size: 0,
        };
        self.flying.insert((arrive, self.serial), (1 - from, seg));
    }

    /// To the next event, not beyond `end`. False when there is none.
    fn step(&mut self, end: Option<Instant>) -> bool {
        self.transmit();
        let mut next = self.flying.keys().next().map(|k| k.0);
        for (tcp, ..) in &self.ends {
            if let Some(at) = tcp.poll_timeout() {
                next = Some(next.map_or(at, |n| n.min(at)));
            }
        }
        let Some(next) = next.filter(|n| end.is_none_or(|end| *n <= end)) else { return false };
        self.now = self.now.max(next);
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (to, seg) = entry.remove();
            let (tcp, _, counters) = &mut self.ends[to];
            tcp.on_segment(self.now, seg, counters);
        }
        for (tcp, _, counters) in &mut self.ends {
            tcp.on_timeout(self.now, counters);
        }
        true
    }

    /// Lets `d` pass; the client writes as much as it can if `bulk`; the server reads.
    pub(super) fn run(&mut self, d: Duration, bulk: bool) {
        let end = self.now + d;
        let mut buf = vec![0; 100_000];
        loop {
            if bulk {
                while self.ends[0].0.send(self.now, self.ids[0], &buf, false).is_ok() {}
            }
            while let Ok(n) = self.ends[1].0.recv(self.now, self.ids[1], &mut buf) {
                self.received += n;
            }
            if !self.step(Some(end)) {
                break;
            }
        }
        self.now = end;
    }

    pub(super) fn send(&mut self, bytes: usize) {
        assert_eq!(self.ends[0].0.send(self.now, self.ids[0], &vec![7; bytes], false), Ok(bytes));
    }

    pub(super) fn info(&self) -> TcpInfo {
        self.ends[0].0.info(self.now, self.ids[0]).unwrap()
    }

    pub(super) fn options(&mut self, change: impl FnOnce(&mut TcpOptions)) {
        let tcp = &mut self.ends[0].0;
        let mut opts = tcp.options(self.ids[0]).unwrap().clone();
        change(&mut opts);
        tcp.set_options(self.now, self.ids[0], opts).unwrap();
    }

    /// Payload per second that arrives while `d` passes under load.
    pub(super) fn goodput(&mut self, d: Duration) -> f64 {
        let before = self.received;
        self.run(d, true);
        (self.received - before) as f64 / d.as_secs_f64()
    }

    /// Data frames that left so far, cut as the path sees them.
    pub(super) fn sent_segments(&self) -> u64 {
        self.data
    }

    /// Payload per second that the path can carry.
    pub(super) fn capacity(&self) -> f64 {
        self.link.rate as f64 * 1448.0 / (1448 + HEADERS) as f64
    }
}

/// A connection of the Bench that is paced where the round trip is long (10 ms), peer with SACK, MSS 1000.
pub(super) fn paced_bench(peer: Peer) -> Bench {
    Bench::connected_with(peer, |b| b.options(|o| o.pacing = true))
}
