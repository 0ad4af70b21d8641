//! The text of a [`Spec`]: `key=value` pairs separated by commas, in any order, blanks around them ignored.
//!
//! `in.` or `out.` before a key limits it to one direction and wins over the same key without it. A number has its unit, so that
//! `loss=0.01` or `delay=20` cannot mean something else than intended. What is written is read back as the same value.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Chance;
use crate::pipe::Direction;
use crate::spec::{Outage, Path, Queue, Spec};

/// Which pair is wrong, and what was expected there: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// The longest time, 24 hours.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Bits a second, most.
const FASTEST: u64 = 1_000_000_000_000;
/// Bytes of a queue, most.
const LARGEST: u64 = 1_000_000_000_000;

const PERCENT: &str = "a percentage such as 1% or 0.1%, from 0% to 100%";
const TIME: &str = "a time with its unit such as 20ms or 1.5s, at most 24h";

/// One key: how its value is read into a direction, how it is written (None: at its default), and what was expected.
struct Key {
    name: &'static str,
    read: fn(&str, &mut Path) -> Option<()>,
    write: fn(&Path) -> Option<String>,
    expected: &'static str,
    /// The key without which this one means nothing.
    needs: Option<(&'static str, &'static str)>,
}

/// Every key of a direction, in the order in which they are written. `seed` is the only other.
static KEYS: &[Key] = &[
    Key {
        name: "loss",
        read: |v, p| percent(v).map(|x| p.loss = x),
        write: |p| show_percent(p.loss),
        expected: PERCENT,
        needs: None,
    },
    Key {
        name: "burst",
        read: |v, p| {
            decimal(v, 1000).filter(|n| (1000..=10_000_000).contains(n)).and_then(|n| set32(&mut p.burst, n))
        },
        write: |p| p.burst.map(|n| show_decimal(u64::from(n), 1000)),
        expected: "the mean length of a burst of losses in frames such as 3 or 2.5, from 1 to 10000",
        needs: Some(("loss", "loss=1%")),
    },
    Key {
        name: "corrupt",
        read: |v, p| percent(v).map(|x| p.corrupt = x),
        write: |p| show_percent(p.corrupt),
        expected: PERCENT,
        needs: None,
    },
    Key {
        name: "dup",
        read: |v, p| percent(v).map(|x| p.dup = x),
        write: |p| show_percent(p.dup),
        expected: PERCENT,
        needs: None,
    },
    Key {
        name: "reorder",
        read: |v, p| percent(v).map(|x| p.reorder = x),
        write: |p| show_percent(p.reorder),
        expected: PERCENT,
        needs: None,
    },
    Key {
        name: "gap",
        read: |v, p| decimal(v, 1).filter(|n| (1..=100_000).contains(n)).and_then(|n| set32(&mut p.gap, n)),
        write: |p| p.gap.map(|n| n.to_string()),
        expected: "the number of frames that pass one that is held back, from 1 to 100000",
        needs: Some(("reorder", "reorder=1%")),
    },
    Key {
        name: "hold",
        read: |v, p| time(v).filter(|t| !t.is_zero()).map(|x| p.hold = Some(x)),
        write: |p| p.hold.map(show_time),
        expected: TIME,
        needs: Some(("reorder", "reorder=1%")),
    },
    Key {
        name: "delay",
        read: |v, p| time(v).map(|x| p.delay = x),
        write: |p| Some(p.delay).filter(|t| !t.is_zero()).map(show_time),
        expected: TIME,
        needs: None,
    },
    Key {
        name: "jitter",
        read: |v, p| time(v).map(|x| p.jitter = x),
        write: |p| Some(p.jitter).filter(|t| !t.is_zero()).map(show_time),
        expected: TIME,
        needs: None,
    },
    Key {
        name: "rate",
        read: |v, p| rate(v).map(|x| p.rate = Some(x)),
        write: |p| p.rate.map(show_rate),
        expected: "bits a second such as 512kbit, 100mbit or 1.5gbit, from 1kbit to 1000gbit",
        needs: None,
    },
    Key {
        name: "queue",
        read: |v, p| queue(v).map(|x| p.queue = Some(x)),
        write: |p| p.queue.map(show_queue),
        expected: "a time such as 50ms, bytes such as 64kB, or a number of frames such as 100",
        needs: Some(("rate", "rate=10mbit")),
    },
    Key {
        name: "outage",
        read: |v, p| outage(v).map(|x| p.outage = Some(x)),
        write: |p| p.outage.map(show_outage),
        expected: "START+LENGTH or START+LENGTH/PERIOD such as 5s+2s or 5s+500ms/10s, the period longer than the length",
        needs: None,
    },
];

/// One pair of the text.
struct Item<'a> {
    /// The key as written.
    written: &'a str,
    only: Option<Direction>,
    key: &'static Key,
    value: &'a str,
}

impl FromStr for Spec {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Spec, ParseError> {
        let mut spec = Spec::default();
        let mut items: Vec<Item<'_>> = Vec::new();
        for pair in text.split(',').map(str::trim) {
            let Some((written, value)) = pair.split_once('=').map(|(k, v)| (k.trim(), v.trim())) else {
                let why = if pair.is_empty() { "an empty part: expected" } else { "expected" };
                let shown = if pair.is_empty() { String::new() } else { format!("\"{}\": ", typed(pair)) };
                return fail(format!("{shown}{why} pairs such as loss=1%,delay=20ms"));
            };
            let twice = || fail(format!("{} is given twice", typed(written)));
            if written.eq_ignore_ascii_case("seed") {
                if spec.seed.is_some() {
                    return twice();
                }
                let seed = decimal(value, 1);
                let Some(seed) = seed else {
                    return fail(format!(
                        "{written}={}: expected a whole number, from 0 to {}",
                        typed(value),
                        u64::MAX
                    ));
                };
                spec.seed = Some(seed);
                continue;
            }
            let (only, name) = direction(written);
            let Some(key) = KEYS.iter().find(|k| k.name.eq_ignore_ascii_case(name)) else {
                return fail(unknown(written, name));
            };
            if items.iter().any(|i| i.key.name == key.name && i.only == only) {
                return twice();
            }
            items.push(Item { written, only, key, value });
        }
        // What names a direction comes last, so that it wins.
        items.sort_by_key(|i| i.only.is_some());
        for Item { written, only, key, value } in &items {
            for (direction, path) in
                [(Direction::In, &mut spec.inbound), (Direction::Out, &mut spec.outbound)]
            {
                if only.is_none_or(|d| d == direction) && (key.read)(value, path).is_none() {
                    return fail(format!("{written}={}: expected {}", typed(value), key.expected));
                }
            }
        }
        for Item { written, only, key, value } in &items {
            let Some((needed, example)) = key.needs else { continue };
            let there = |d| only.is_none_or(|o| o == d) && has(spec.path(d), needed);
            if !there(Direction::In) && !there(Direction::Out) {
                let prefix = only.map_or("", Direction::prefix);
                return fail(format!(
                    "{written}={}: means nothing without {needed}, such as {prefix}{example}",
                    typed(value)
                ));
            }
        }
        for path in [&mut spec.inbound, &mut spec.outbound] {
            settle(path)?;
        }
        Ok(spec)
    }
}

impl Spec {
    /// Reads a spec: the same as `text.parse()`.
    pub fn parse(text: &str) -> Result<Spec, ParseError> {
        text.parse()
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pairs: Vec<String> = Vec::new();
        for key in KEYS {
            let (inbound, outbound) = ((key.write)(&self.inbound), (key.write)(&self.outbound));
            if inbound == outbound {
                pairs.extend(inbound.map(|v| format!("{}={v}", key.name)));
            } else {
                pairs.extend(inbound.map(|v| format!("in.{}={v}", key.name)));
                pairs.extend(outbound.map(|v| format!("out.{}={v}", key.name)));
            }
        }
        pairs.extend(self.seed.map(|s| format!("seed={s}")));
        // A text is never empty: no faults are still a choice, for frames are cut to size then.
        f.write_str(&if pairs.is_empty() { String::from("loss=0%") } else { pairs.join(",") })
    }
}

fn fail<T>(text: String) -> Result<T, ParseError> {
    Err(ParseError(text))
}

/// What was typed, fit for one line.
fn typed(text: &str) -> String {
    const LONGEST: usize = 60;
    let escaped = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    let shown: String = text.chars().take(LONGEST).map(escaped).collect();
    shown + if text.chars().nth(LONGEST).is_some() { "..." } else { "" }
}

/// Takes `in.` or `out.` off a key.
fn direction(written: &str) -> (Option<Direction>, &str) {
    for d in [Direction::In, Direction::Out] {
        let prefix = d.prefix();
        if let Some((head, name)) = written.split_at_checked(prefix.len()) {
            if head.eq_ignore_ascii_case(prefix) {
                return (Some(d), name);
            }
        }
    }
    (None, written)
}

/// Whether the fault of this name is there.
fn has(path: &Path, name: &str) -> bool {
    KEYS.iter().find(|k| k.name == name).is_some_and(|k| (k.write)(path).is_some())
}

/// Drops what means nothing in this direction, and checks what no single key can know.
fn settle(path: &mut Path) -> Result<(), ParseError> {
    for key in KEYS {
        let unused = key.needs.is_some_and(|(needed, _)| !has(path, needed));
        match key.name {
            "burst" if unused => path.burst = None,
            "gap" if unused => path.gap = None,
            "hold" if unused => path.hold = None,
            "queue" if unused => path.queue = None,
            _ => {}
        }
    }
    let Some(burst) = path.burst.map(u64::from) else { return Ok(()) };
    // A run of losses ends with a frame that passes: of N + 1 frames at most N are lost.
    let most = burst.saturating_mul(1_000_000_000) / burst.saturating_add(1000);
    if u64::from(path.loss.billionths()) > most {
        let loss = show_percent(path.loss).unwrap_or_default();
        let most = show_decimal(most / 10_000 * 10_000, 10_000_000);
        let burst = show_decimal(burst, 1000);
        return fail(format!("loss={loss}: expected at most {most}% with burst={burst}"));
    }
    Ok(())
}

/// What to say of a key that does not exist.
fn unknown(written: &str, name: &str) -> String {
    let names = || KEYS.iter().map(|k| k.name).chain(["seed"]);
    let near = names().map(|n| (distance(&name.to_ascii_lowercase(), n), n)).min_by_key(|(d, _)| *d);
    let shown = typed(written);
    match near {
        // A third of the letters may be wrong; more is a guess, not a typing error.
        Some((d, near)) if d <= name.chars().count().div_ceil(3) => {
            let prefix = if near == "seed" { "" } else { direction(written).0.map_or("", Direction::prefix) };
            format!("{shown}: no such fault, did you mean {prefix}{near}?")
        }
        _ => format!("{shown}: no such fault, expected one of {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// Edit distance (Levenshtein) of short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut next = vec![i + 1];
        for ((j, cb), two) in b.iter().enumerate().zip(row.windows(2)) {
            let [corner, above] = two else { continue };
            let left = next.get(j).copied().unwrap_or(usize::MAX);
            let changed = corner.saturating_add(usize::from(ca != *cb));
            next.push(changed.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// A decimal number times `scale`, if that is whole.
fn decimal(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.len() <= 20 && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 18 {
        return None;
    }
    let one = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let number = whole.parse::<u128>().ok()?.checked_mul(one)?.checked_add(fraction.parse::<u128>().ok()?)?;
    let scaled = number.checked_mul(u128::from(scale))?;
    (scaled % one == 0).then(|| u64::try_from(scaled / one).ok()).flatten()
}

/// The shortest decimal number that [`decimal`] reads back.
fn show_decimal(value: u64, scale: u64) -> String {
    let (whole, mut rest) = (value / scale, value % scale);
    let mut text = whole.to_string();
    let mut unit = scale;
    if rest > 0 {
        text.push('.');
    }
    while rest > 0 && unit > 1 {
        unit /= 10;
        text.push_str(&(rest / unit).to_string());
        rest %= unit;
    }
    text
}

/// Splits a number from its unit.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A number with one of these units, in the smallest.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = split(text);
    let (_, scale) = units.iter().find(|(u, _)| u.eq_ignore_ascii_case(unit))?;
    decimal(number, *scale)
}

/// The shortest whole number with one of these units.
fn show_unit(value: u64, units: &[(&str, u64)]) -> String {
    let exact = units.iter().rev().find(|(_, n)| value != 0 && value.is_multiple_of(*n)).or(units.first());
    exact.map_or_else(|| value.to_string(), |(unit, n)| format!("{}{unit}", value / n))
}

fn set32(to: &mut Option<u32>, value: u64) -> Option<()> {
    *to = Some(u32::try_from(value).ok()?);
    Some(())
}

/// 1 % in billionths.
const ONE_PERCENT: u64 = 10_000_000;

fn percent(text: &str) -> Option<Chance> {
    let number = text.strip_suffix('%').map_or_else(|| (text == "0").then_some("0"), Some)?;
    decimal(number.trim_end(), ONE_PERCENT).filter(|n| *n <= 100 * ONE_PERCENT).map(Chance::from_billionths)
}

fn show_percent(chance: Chance) -> Option<String> {
    (chance != Chance::NEVER)
        .then(|| format!("{}%", show_decimal(u64::from(chance.billionths()), ONE_PERCENT)))
}

/// Units of time in microseconds.
const TIMES: &[(&str, u64)] =
    &[("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];

fn time(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    with_unit(text, TIMES).map(Duration::from_micros).filter(|t| *t <= LONGEST)
}

fn show_time(time: Duration) -> String {
    show_unit(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), TIMES)
}

/// Units of a rate in bits a second, as tc(8) has them: powers of ten.
const RATES: &[(&str, u64)] = &[("bit", 1), ("kbit", 1000), ("mbit", 1_000_000), ("gbit", 1_000_000_000)];

fn rate(text: &str) -> Option<u64> {
    with_unit(text, RATES).filter(|r| (1000..=FASTEST).contains(r))
}

fn show_rate(rate: u64) -> String {
    show_unit(rate, RATES)
}

const SIZES: &[(&str, u64)] = &[("B", 1), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

fn queue(text: &str) -> Option<Queue> {
    let (_, unit) = split(text);
    if unit.is_empty() {
        let frames = decimal(text, 1).filter(|n| (1..=1_000_000).contains(n))?;
        return u32::try_from(frames).ok().map(Queue::Frames);
    }
    if let Some(bytes) = with_unit(text, SIZES) {
        return (1..=LARGEST).contains(&bytes).then_some(Queue::Bytes(bytes));
    }
    time(text).map(Queue::Time)
}

fn show_queue(queue: Queue) -> String {
    match queue {
        Queue::Bytes(n) => show_unit(n, SIZES),
        Queue::Frames(n) => n.to_string(),
        Queue::Time(t) => show_time(t),
    }
}

fn outage(text: &str) -> Option<Outage> {
    let (start, rest) = text.split_once('+')?;
    let (length, period) = rest.split_once('/').map_or((rest, None), |(l, p)| (l, Some(p)));
    let period = match period {
        Some(p) => Some(time(p.trim())?),
        None => None,
    };
    let outage = Outage { start: time(start.trim())?, length: time(length.trim())?, period };
    let fits = !outage.length.is_zero() && period.is_none_or(|p| p > outage.length);
    fits.then_some(outage)
}

fn show_outage(o: Outage) -> String {
    let period = o.period.map_or(String::new(), |p| format!("/{}", show_time(p)));
    format!("{}+{}{period}", show_time(o.start), show_time(o.length))
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
