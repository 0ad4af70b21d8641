//! BBR, version 1, as Linux has it (net/ipv4/tcp_bbr.c; Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016).
//!
//! The path is modelled by two figures: the highest delivery rate of the last ten round trips and the least round trip of the
//! last ten seconds. Sending is paced at a gain times the first; in flight is at most a gain times their product. STARTUP
//! doubles the rate each round trip until it has not grown by a quarter for three rounds; DRAIN empties the queue that this made;
//! PROBE_BW goes round eight gains, one up, one down, six at 1; PROBE_RTT goes down to four segments for 200 ms when
//! the least round trip is ten seconds old. A loss is no sign of congestion by itself; but two intervals of the
//! same rate with much loss are that of a policer, whose rate is then kept for 48 round trips.
//!
//! Bytes, bytes per second and microseconds, where Linux counts packets. Gains are multiples of 1/256.
//!
//! Limits: those of the algorithm. It takes no notice of ECN, and on a path with a queue of less than a
//! bandwidth-delay product it loses more than CUBIC does.

use super::{CaState, CongestionControl, Control, MAX_CWND, Sample, Window};
use crate::tcp::rate::{Measured, after};
use crate::time::{Duration, Instant};
use crate::types::BbrInfo;

const UNIT: u64 = 256;
/// 2/ln(2): the least that doubles the rate each round trip.
const HIGH_GAIN: u64 = UNIT * 2885 / 1000 + 1;
/// Its inverse: what STARTUP queued in a round trip is drained in one.
const DRAIN_GAIN: u64 = UNIT * 1000 / 2885;
/// Window in PROBE_BW: delayed and aggregated acknowledgements need twice the product.
const CWND_GAIN: u64 = UNIT * 2;
const CYCLE: [u64; 8] = [UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT];
/// Rounds that the highest rate is remembered.
const BW_ROUNDS: u32 = CYCLE.len() as u32 + 2;
/// STARTUP ends after so many rounds without growth by a quarter.
const FULL_BW_ROUNDS: u8 = 3;
const MIN_RTT_WINDOW: Duration = Duration::from_secs(10);
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// Segments in flight in PROBE_RTT, and at least.
const MIN_SEGMENTS: u32 = 4;
/// The paced rate is lower by so much than the estimate, percent, so that no queue stays.
const MARGIN: u64 = 1;
/// Below this rate a burst may be one segment: 1.2 Mbit/s, in bytes.
const MIN_TSO_RATE: u64 = 1_200_000 / 8;
/// Linux's sk_pacing_shift: a burst is what is sent in 2^-10 s.
const PACING_SHIFT: u32 = 10;
const MAX_BURST: u64 = 65_000;
/// A rate of less than a segment in 2^4 s paces nothing.
const LEAST_SHIFT: u32 = 4;
/// The policer: an interval is 4 to 16 rounds, with a fifth lost; rates agree within an eighth or 4 kbit/s.
const LT_ROUNDS: u32 = 4;
const LT_LOSS: u64 = 50;
const LT_RATIO: u64 = UNIT / 8;
const LT_DIFF: u64 = 4000 / 8;
const LT_KEPT_ROUNDS: u32 = 48;
/// Aggregation: rounds of a window of its maximum, and how long the window may bridge.
const EXTRA_ROUNDS: u8 = 5;
const EXTRA_MOST: u64 = 100_000;
const EPOCH_SEGMENTS: u64 = 1 << 20;

/// The highest of the last rounds, with the best that could follow it (Linux: lib/minmax.c, after Nichols): three
/// values, each the highest since the one before it.
#[derive(Clone, Copy, Default)]
struct WindowedMax([(u32, u64); 3]);

impl WindowedMax {
    fn get(&self) -> u64 {
        self.0[0].1
    }

    fn update(&mut self, window: u32, round: u32, value: u64) {
        let new = (round, value);
        let [a, b, c] = &mut self.0;
        if value >= a.1 || round.wrapping_sub(c.0) > window {
            self.0 = [new; 3];
            return;
        }
        if value >= b.1 {
            (*b, *c) = (new, new);
        } else if value >= c.1 {
            *c = new;
        }
        let age = round.wrapping_sub(a.0);
        if age > window {
            // The best is too old: the next steps up, maybe twice.
            (*a, *b, *c) = (*b, *c, new);
            if round.wrapping_sub(a.0) > window {
                (*a, *b, *c) = (*b, *c, new);
            }
        } else if b.0 == a.0 && age > window / 4 {
            // A quarter of the window is over without a second choice, then a half without a third.
            (*b, *c) = (new, new);
        } else if c.0 == b.0 && age > window / 2 {
            *c = new;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Startup,
    Drain,
    ProbeBw,
    ProbeRtt,
}

/// See the module.
pub(super) struct Bbr {
    /// Bytes per second.
    pacing_rate: u64,
    mode: Mode,
    bw: WindowedMax,
    /// Rounds so far; one ends when what was sent after its beginning is delivered.
    rounds: u32,
    next_round: u32,
    round_start: bool,
    min_rtt: Option<Duration>,
    min_rtt_at: Instant,
    /// PROBE_RTT is over then; `None`: the window is not down yet.
    probe_rtt_done: Option<Instant>,
    probe_rtt_round: bool,
    /// The window before recovery or PROBE_RTT.
    prior_cwnd: u32,
    prev_state: CaState,
    conservation: bool,
    idle_restart: bool,
    seen_rtt: bool,
    full_bw: u64,
    full_bw_count: u8,
    full: bool,
    cycle: usize,
    cycle_at: Instant,
    pacing_gain: u64,
    cwnd_gain: u64,
    /// The policer's rate.
    lt_bw: u64,
    lt_use: bool,
    lt_sampling: bool,
    lt_rounds: u32,
    lt_delivered: u32,
    lt_lost: u32,
    lt_at: Instant,
    /// Aggregation.
    epoch_at: Instant,
    epoch_acked: u64,
    extra: [u64; 2],
    extra_index: usize,
    extra_rounds: u8,
    /// Of the latest delivery.
    delivered_at: Instant,
}

impl Default for Bbr {
    fn default() -> Bbr {
        Bbr {
            pacing_rate: 0,
            mode: Mode::Startup,
            bw: WindowedMax::default(),
            rounds: 0,
            next_round: 0,
            round_start: false,
            min_rtt: None,
            min_rtt_at: Instant::ZERO,
            probe_rtt_done: None,
            probe_rtt_round: false,
            prior_cwnd: 0,
            prev_state: CaState::Open,
            conservation: false,
            idle_restart: false,
            seen_rtt: false,
            full_bw: 0,
            full_bw_count: 0,
            full: false,
            cycle: 0,
            cycle_at: Instant::ZERO,
            pacing_gain: HIGH_GAIN,
            cwnd_gain: HIGH_GAIN,
            lt_bw: 0,
            lt_use: false,
            lt_sampling: false,
            lt_rounds: 0,
            lt_delivered: 0,
            lt_lost: 0,
            lt_at: Instant::ZERO,
            epoch_at: Instant::ZERO,
            epoch_acked: 0,
            extra: [0; 2],
            extra_index: 0,
            extra_rounds: 0,
            delivered_at: Instant::ZERO,
        }
    }
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}

/// `a * b / c` without overflow; the most there is when it does not fit.
fn scale(a: u64, b: u64, c: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) / u128::from(c.max(1))).unwrap_or(u64::MAX)
}

fn clip(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(MAX_CWND).min(MAX_CWND)
}

impl Bbr {
    /// The estimate, bytes per second.
    fn bandwidth(&self) -> u64 {
        if self.lt_use { self.lt_bw } else { self.bw.get() }
    }

    fn pace(&self, c: &Control<'_>, bw: u64, gain: u64) -> u64 {
        let rate = scale(scale(bw, gain, UNIT), 100 - MARGIN, 100);
        // Nothing that was measured can be worth so long a silence; Linux's unit, a segment in 2^24 us, makes it 0, too.
        let rate = if rate < u64::from(c.mss) >> LEAST_SHIFT { 0 } else { rate };
        rate.min(c.max_pacing_rate)
    }

    /// The first: a window each round trip, times the gain of STARTUP; of 1 ms when nothing was measured.
    fn pace_from_rtt(&mut self, c: &mut Control<'_>) {
        let rtt = if c.srtt.is_zero() { Duration::from_millis(1) } else { c.srtt };
        self.seen_rtt = !c.srtt.is_zero();
        let bw = scale(c.window.cwnd.into(), 1_000_000, micros(rtt));
        self.pacing_rate = self.pace(c, bw, HIGH_GAIN);
    }

    fn set_pacing_rate(&mut self, c: &mut Control<'_>, gain: u64) {
        let rate = self.pace(c, self.bandwidth(), gain);
        if !self.seen_rtt && !c.srtt.is_zero() {
            self.pace_from_rtt(c);
        }
        if self.full || rate > self.pacing_rate {
            self.pacing_rate = rate;
        }
    }

    /// Bytes of a burst.
    fn burst(&self, c: &Control<'_>) -> u32 {
        let mss = u64::from(c.mss.max(1));
        let bytes = (self.pacing_rate >> PACING_SHIFT).min(MAX_BURST);
        let segments = (bytes / mss).max(self.min_burst(self.pacing_rate).into()).min(0x7f);
        clip(segments * mss)
    }

    /// Bandwidth times delay, times `gain`.
    fn product(&self, c: &Control<'_>, bw: u64, gain: u64) -> u32 {
        match self.min_rtt {
            // Before any measurement: the initial window.
            None => super::initial_window(c.mss),
            Some(rtt) => clip(scale(scale(bw, gain, UNIT), micros(rtt), 1_000_000).saturating_add(1)),
        }
    }

    /// Room for a burst in each of sender, device and receiver; even, for the sake of delayed acknowledgements; and more than
    /// the product when probing, however small that is.
    fn quantize(&self, c: &Control<'_>, cwnd: u32) -> u32 {
        let two = 2 * u32::from(c.mss.max(1));
        let mut cwnd = cwnd.saturating_add(3 * self.burst(c)).div_ceil(two).saturating_mul(two);
        if self.mode == Mode::ProbeBw && self.cycle == 0 {
            cwnd = cwnd.saturating_add(two);
        }
        cwnd.min(MAX_CWND)
    }

    fn inflight(&self, c: &Control<'_>, bw: u64, gain: u64) -> u32 {
        self.quantize(c, self.product(c, bw, gain))
    }

    /// What will be in the network when the next paced frame leaves.
    fn in_network(&self, c: &Control<'_>, in_flight: u32) -> u32 {
        let wait = micros(c.departs.since(c.now));
        let delivered = clip(scale(self.bandwidth(), wait, 1_000_000));
        let more = if self.pacing_gain > UNIT { self.burst(c) } else { 0 };
        in_flight.saturating_add(more).saturating_sub(delivered)
    }

    fn save_cwnd(&mut self, window: &Window) {
        self.prior_cwnd = if self.prev_state < CaState::Recovery && self.mode != Mode::ProbeRtt {
            window.cwnd
        } else {
            self.prior_cwnd.max(window.cwnd)
        };
    }

    // The model.

    fn update_bw(&mut self, c: &mut Control<'_>, sample: &Sample) {
        self.round_start = false;
        let Some(measured) = sample.measured else { return };
        if !after(self.next_round, measured.prior_delivered) {
            self.next_round = c.rate.delivered;
            self.rounds = self.rounds.wrapping_add(1);
            self.round_start = true;
            self.conservation = false;
        }
        self.policer(c, sample.losses, measured.app_limited);
        let bw = measured.bandwidth();
        if !measured.app_limited || bw >= self.bw.get() {
            self.bw.update(BW_ROUNDS, self.rounds, bw);
        }
    }

    fn policer_interval(&mut self, c: &Control<'_>) {
        self.lt_at = self.delivered_at;
        self.lt_delivered = c.rate.delivered;
        self.lt_lost = c.rate.lost;
        self.lt_rounds = 0;
    }

    fn policer_reset(&mut self, c: &Control<'_>) {
        self.lt_bw = 0;
        self.lt_use = false;
        self.lt_sampling = false;
        self.policer_interval(c);
    }

    fn policer(&mut self, c: &Control<'_>, losses: u32, app_limited: bool) {
        if self.lt_use {
            if self.mode == Mode::ProbeBw && self.round_start {
                self.lt_rounds += 1;
                if self.lt_rounds >= LT_KEPT_ROUNDS {
                    self.policer_reset(c);
                    self.enter_probe_bw(c);
                }
            }
            return;
        }
        // From the first loss on: by then a policer's tokens are used up.
        if !self.lt_sampling {
            if losses == 0 {
                return;
            }
            self.policer_interval(c);
            self.lt_sampling = true;
        }
        if app_limited {
            self.policer_reset(c);
            return;
        }
        self.lt_rounds += u32::from(self.round_start);
        if self.lt_rounds < LT_ROUNDS {
            return;
        }
        if self.lt_rounds > 4 * LT_ROUNDS {
            self.policer_reset(c);
            return;
        }
        // To a loss, too: tokens used up again.
        if losses == 0 {
            return;
        }
        let lost = u64::from(c.rate.lost.wrapping_sub(self.lt_lost));
        let delivered = u64::from(c.rate.delivered.wrapping_sub(self.lt_delivered));
        if delivered == 0 || lost * UNIT < LT_LOSS * delivered {
            return;
        }
        let time = self.delivered_at.since(self.lt_at);
        if time < Duration::from_millis(1) {
            return;
        }
        let bw = scale(delivered, 1_000_000, micros(time));
        if bw <= LT_DIFF {
            // Agrees with anything less: an outage, most likely, and 48 rounds of such a rate take many minutes. Ours, not Linux's.
            self.policer_reset(c);
            return;
        }
        if self.lt_bw != 0 {
            let diff = bw.abs_diff(self.lt_bw);
            if diff * UNIT <= LT_RATIO * self.lt_bw || diff <= LT_DIFF {
                self.lt_bw = bw.midpoint(self.lt_bw);
                self.lt_use = true;
                self.pacing_gain = UNIT;
                self.lt_rounds = 0;
                return;
            }
        }
        self.lt_bw = bw;
        self.policer_interval(c);
    }

    /// What was acknowledged beyond what the bandwidth explains came in one piece, and will again: the window must bridge it.
    fn update_aggregation(&mut self, c: &Control<'_>, sample: &Sample) {
        if sample.acked == 0 || sample.measured.is_none() {
            return;
        }
        if self.round_start {
            self.extra_rounds = (self.extra_rounds + 1).min(0x1f);
            if self.extra_rounds >= EXTRA_ROUNDS {
                self.extra_rounds = 0;
                self.extra_index ^= 1;
                if let Some(extra) = self.extra.get_mut(self.extra_index) {
                    *extra = 0;
                }
            }
        }
        let time = self.delivered_at.since(self.epoch_at);
        let mut expected = scale(self.bandwidth(), micros(time), 1_000_000);
        let acked = u64::from(sample.acked);
        let most = EPOCH_SEGMENTS * u64::from(c.mss.max(1));
        if self.epoch_acked <= expected || self.epoch_acked + acked >= most {
            self.epoch_acked = 0;
            self.epoch_at = self.delivered_at;
            expected = 0;
        }
        self.epoch_acked = (self.epoch_acked + acked).min(most);
        let extra = self.epoch_acked.saturating_sub(expected).min(c.window.cwnd.into());
        if let Some(most) = self.extra.get_mut(self.extra_index) {
            *most = extra.max(*most);
        }
    }

    fn aggregation(&self) -> u32 {
        if !self.full {
            return 0;
        }
        let most = scale(self.bandwidth(), EXTRA_MOST, 1_000_000);
        clip(self.extra[0].max(self.extra[1]).min(most))
    }

    fn update_cycle(&mut self, c: &Control<'_>, sample: &Sample) {
        if self.mode != Mode::ProbeBw {
            return;
        }
        let full_length = self.min_rtt.is_some_and(|rtt| self.delivered_at.since(self.cycle_at) > rtt);
        let over = if self.pacing_gain == UNIT {
            full_length
        } else {
            let inflight = self.in_network(c, sample.prior_in_flight);
            let bw = self.bw.get();
            if self.pacing_gain > UNIT {
                // Until that much is in flight; a short queue may not hold it.
                full_length && (sample.losses > 0 || inflight >= self.inflight(c, bw, self.pacing_gain))
            } else {
                full_length || inflight <= self.inflight(c, bw, UNIT)
            }
        };
        if over {
            self.next_phase();
        }
    }

    fn next_phase(&mut self) {
        self.cycle = (self.cycle + 1) % CYCLE.len();
        self.cycle_at = self.delivered_at;
    }

    fn enter_probe_bw(&mut self, c: &Control<'_>) {
        self.mode = Mode::ProbeBw;
        // At any phase but that of the gain below 1, so that flows do not probe at the same time.
        let random = (c.seed ^ c.rate.delivered ^ c.now.micros() as u32).wrapping_mul(0x9e37_79b9) >> 16;
        self.cycle = CYCLE.len() - 1 - (random % 7) as usize;
        self.next_phase();
    }

    fn check_full(&mut self, app_limited: bool) {
        if self.full || !self.round_start || app_limited {
            return;
        }
        let bw = self.bw.get();
        if bw >= scale(self.full_bw, 5, 4) {
            self.full_bw = bw;
            self.full_bw_count = 0;
            return;
        }
        self.full_bw_count += 1;
        self.full = self.full_bw_count >= FULL_BW_ROUNDS;
    }

    fn check_drain(&mut self, c: &mut Control<'_>) {
        if self.mode == Mode::Startup && self.full {
            self.mode = Mode::Drain;
            c.window.ssthresh = self.inflight(c, self.bw.get(), UNIT);
        }
        if self.mode == Mode::Drain
            && self.in_network(c, c.in_flight) <= self.inflight(c, self.bw.get(), UNIT)
        {
            self.enter_probe_bw(c);
        }
    }

    fn check_probe_rtt_done(&mut self, c: &mut Control<'_>) {
        if self.probe_rtt_done.is_none_or(|done| c.now <= done) {
            return;
        }
        self.min_rtt_at = c.now;
        c.window.cwnd = c.window.cwnd.max(self.prior_cwnd);
        if self.full {
            self.enter_probe_bw(c);
        } else {
            self.mode = Mode::Startup;
        }
    }

    fn update_min_rtt(&mut self, c: &mut Control<'_>, sample: &Sample) {
        let expired = c.now.since(self.min_rtt_at) > MIN_RTT_WINDOW;
        if let Some(rtt) = sample.rtt
            && (self.min_rtt.is_none_or(|min| rtt <= min) || (expired && !sample.delayed))
        {
            self.min_rtt = Some(rtt.max(Duration::from_micros(1)));
            self.min_rtt_at = c.now;
        }
        if expired && !self.idle_restart && self.mode != Mode::ProbeRtt {
            self.save_cwnd(c.window);
            self.mode = Mode::ProbeRtt;
            self.probe_rtt_done = None;
        }
        if self.mode == Mode::ProbeRtt {
            // Low rates now say nothing.
            c.rate.set_app_limited(c.in_flight);
            let least = MIN_SEGMENTS * u32::from(c.mss);
            if self.probe_rtt_done.is_some() {
                self.probe_rtt_round |= self.round_start;
                if self.probe_rtt_round {
                    self.check_probe_rtt_done(c);
                }
            } else if c.in_flight <= least {
                self.probe_rtt_done = Some(c.now + PROBE_RTT_TIME);
                self.probe_rtt_round = false;
                self.next_round = c.rate.delivered;
            }
        }
        if sample.measured.is_some_and(|m| m.delivered > 0) {
            self.idle_restart = false;
        }
    }

    fn update_gains(&mut self) {
        (self.pacing_gain, self.cwnd_gain) = match self.mode {
            Mode::Startup => (HIGH_GAIN, HIGH_GAIN),
            Mode::Drain => (DRAIN_GAIN, HIGH_GAIN),
            Mode::ProbeBw if self.lt_use => (UNIT, CWND_GAIN),
            Mode::ProbeBw => (CYCLE.get(self.cycle).copied().unwrap_or(UNIT), CWND_GAIN),
            Mode::ProbeRtt => (UNIT, UNIT),
        };
    }

    // The window.

    /// The first round of recovery sends as much as is delivered; after recovery the window from before it comes back. True:
    /// the window is settled.
    fn recover_or_restore(&mut self, c: &Control<'_>, sample: &Sample, cwnd: &mut u32) -> bool {
        let mss = u32::from(c.mss);
        *cwnd = cwnd.saturating_sub(sample.losses).max(mss);
        if c.state == CaState::Recovery && self.prev_state != CaState::Recovery {
            self.conservation = true;
            self.next_round = c.rate.delivered;
            *cwnd = c.in_flight.saturating_add(sample.acked);
        } else if self.prev_state >= CaState::Recovery && c.state < CaState::Recovery {
            *cwnd = self.prior_cwnd.max(*cwnd);
            self.conservation = false;
        }
        self.prev_state = c.state;
        if self.conservation {
            *cwnd = c.in_flight.saturating_add(sample.acked).max(*cwnd);
        }
        self.conservation
    }

    fn set_cwnd(&mut self, c: &mut Control<'_>, sample: &Sample) {
        let mss = u32::from(c.mss);
        let mut cwnd = c.window.cwnd;
        if sample.acked > 0 && !self.recover_or_restore(c, sample, &mut cwnd) {
            let product = self.product(c, self.bandwidth(), self.cwnd_gain);
            let target = self.quantize(c, product.saturating_add(self.aggregation()));
            if self.full {
                cwnd = cwnd.saturating_add(sample.acked).min(target);
            } else if cwnd < target || c.rate.delivered < super::initial_window(c.mss) {
                cwnd = cwnd.saturating_add(sample.acked);
            }
            cwnd = cwnd.max(MIN_SEGMENTS * mss);
        }
        cwnd = cwnd.min(MAX_CWND);
        if self.mode == Mode::ProbeRtt {
            cwnd = cwnd.min(MIN_SEGMENTS * mss);
        }
        c.window.cwnd = cwnd;
    }
}

impl CongestionControl for Bbr {
    fn on_loss(&mut self, window: &Window, _in_flight: u32, _mss: u16) -> u32 {
        self.save_cwnd(window);
        window.ssthresh
    }

    fn on_undo(&mut self) {
        self.full_bw = 0;
        self.full_bw_count = 0;
        self.lt_bw = 0;
        self.lt_use = false;
        self.lt_sampling = false;
    }

    fn undo_cwnd(&self, cwnd: u32, _prior: u32) -> u32 {
        // Recovery has not taken it away.
        cwnd
    }

    fn controls_window(&self) -> bool {
        true
    }

    fn init(&mut self, c: &mut Control<'_>) {
        *self = Bbr::default();
        c.window.ssthresh = u32::MAX;
        self.min_rtt = (!c.min_rtt.is_zero()).then_some(c.min_rtt);
        self.min_rtt_at = c.now;
        self.delivered_at = c.now;
        self.epoch_at = c.now;
        self.next_round = c.rate.delivered;
        self.policer_reset(c);
        self.pace_from_rtt(c);
    }

    fn control(&mut self, c: &mut Control<'_>, sample: &Sample) {
        if sample.acked > 0 {
            self.delivered_at = c.now;
        }
        self.update_bw(c, sample);
        self.update_aggregation(c, sample);
        self.update_cycle(c, sample);
        self.check_full(sample.measured.is_some_and(|m: Measured| m.app_limited));
        self.check_drain(c);
        self.update_min_rtt(c, sample);
        self.update_gains();
        self.set_pacing_rate(c, self.pacing_gain);
        self.set_cwnd(c, sample);
    }

    fn on_state(&mut self, c: &mut Control<'_>) {
        if c.state == CaState::Loss {
            self.prev_state = CaState::Loss;
            self.full_bw = 0;
            self.round_start = true;
            self.policer(c, 1, false);
        }
    }

    fn on_tx_start(&mut self, c: &mut Control<'_>) {
        if !c.rate.is_app_limited() {
            return;
        }
        self.idle_restart = true;
        self.epoch_at = c.now;
        self.epoch_acked = 0;
        match self.mode {
            // Not faster than the estimate: the program does not need it.
            Mode::ProbeBw => self.set_pacing_rate(c, UNIT),
            Mode::ProbeRtt => self.check_probe_rtt_done(c),
            Mode::Startup | Mode::Drain => {}
        }
    }

    fn pacing_rate(&self) -> u64 {
        self.pacing_rate
    }

    fn min_burst(&self, pacing_rate: u64) -> u32 {
        if pacing_rate < MIN_TSO_RATE { 1 } else { 2 }
    }

    fn bbr_info(&self) -> Option<BbrInfo> {
        Some(BbrInfo {
            bandwidth: self.bandwidth(),
            min_rtt: self.min_rtt,
            pacing_gain: self.pacing_gain as u32,
            cwnd_gain: self.cwnd_gain as u32,
        })
    }
}
