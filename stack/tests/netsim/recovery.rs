//! How long a stream stands still: after a burst of losses, a tail loss, reordering, an outage.

use matnet_stack::{Congestion, Duration, Instant};

use crate::formula::PAYLOAD;
use crate::link::spec;
use crate::table::{Row, check};
use crate::world::{ENDLESS, Flow, World};

/// Of the link of all cases: 10 Mb/s, a round trip of 40 ms, and a queue that never overflows.
const LINK: &str = "rate=10mbit,delay=20ms,queue=300kB";
const RATE: f64 = 10e6;
const RTT: f64 = 40.0;
/// How long a full frame takes to send, milliseconds.
const FRAME: f64 = 1514.0 * 8.0 / RATE * 1e3;
/// The product of the two: the path is just full and no queue stands.
const WINDOW: usize = 50_000;
/// How long an acknowledgement is delayed, milliseconds.
const DELAYED: f64 = 40.0;
/// Twice that, so that half of it stands in the queue.
const DEEP: usize = 100_000;

const HEAD: &str = "\
# Recovery

A link of 10 Mb/s with a round trip of 40 ms, whose queue never overflows; the window is bounded by SO_SNDBUF and SO_RCVBUF of 50 kB, so the
path is just full. `wait` is the longest time, in milliseconds, that the receiving program sees nothing new. `burst-n` loses n frames in
a row in the middle of a long stream, `tail-n` the last n of a stream of 100 kB, `outage` is darkness of 2 s in a long stream. `extra` are
segments that were retransmitted beyond those lost (of an outage: all of them).

Predicted: burst: a round trip until the first SACKs are back and the retransmission is there, and the time that the burst takes on the
link. Tail: the acknowledgement of the last one that arrived (40 ms when it is delayed, and half a round trip), a probe two round trips
later (RFC 8985 section 7.2; when one segment alone is under way, 200 ms more for a delayed acknowledgement), and half a round trip until
it is there; where more than one is lost, its SACK brings the others a round trip later. Outage: a
time-out doubles each time (RFC 6298), so the first probe after the end comes at the latest after twice the outage; cubic, reno and bbr alike.

case | wait predicted ratio extra";

const REORDER: &str = "\
# Reordering

A link of 10 Mb/s with a round trip of 40 ms, whose queue never overflows; the window is bounded by SO_SNDBUF and SO_RCVBUF of 100 kB, so that half
of it stands in the queue. One frame in a hundred is passed by n others; none is lost. 30 s. Goodput in Mb/s, the prediction (the
bandwidth: who waits until the degree is known slows down for nothing, RFC 8985 section 6.2), the ratio, and segments that
were retransmitted although nothing was lost.

control passed-by | goodput predicted ratio retransmitted";

struct Case {
    name: String,
    link: String,
    flow: Flow,
    drop: Option<std::ops::Range<u64>>,
    predicted: f64,
    lost: u32,
}

fn cases() -> Vec<Case> {
    let endless = Flow { buffer: Some(WINDOW), ..Flow::upload(Congestion::Cubic) };
    let mut all = Vec::new();
    for n in [1u32, 3, 10, 30] {
        all.push(Case {
            name: format!("burst-{n}"),
            link: LINK.to_string(),
            flow: endless,
            drop: Some(2000..2000 + u64::from(n)),
            predicted: RTT + f64::from(n + 1) * FRAME,
            lost: n,
        });
    }
    for n in [1u32, 2, 3, 5] {
        let segments = 100_000u64.div_ceil(1448);
        // One alone under way may have an acknowledgement on the way that is delayed; several bring each other up.
        let more = if n == 1 { 200.0 } else { RTT };
        all.push(Case {
            name: format!("tail-{n}"),
            link: LINK.to_string(),
            flow: Flow { bytes: [100_000, 0], ..endless },
            drop: Some(segments - u64::from(n)..segments),
            predicted: DELAYED + RTT / 2.0 + 2.0 * RTT + RTT / 2.0 + more,
            lost: n,
        });
    }
    for control in Congestion::ALL {
        all.push(Case {
            name: format!("outage-{}", control.0),
            link: format!("{LINK},outage=5s+2s"),
            flow: Flow { congestion: control.1, ..endless },
            drop: None,
            predicted: 4000.0,
            lost: 0,
        });
    }
    all
}

#[test]
fn streams_go_on_in_time() {
    let mut rows = Vec::new();
    for case in cases() {
        let mut world = World::new(&case.name, &spec(&case.link), &[case.flow], true, 7);
        world.up.drop = case.drop.clone();
        let endless = case.flow.bytes[0] == ENDLESS;
        if endless {
            world.run_until(Instant::ZERO + Duration::from_secs(15));
        } else {
            world.run_to_the_end();
        }
        assert_eq!(world.up.dropped_at.is_some(), case.lost > 0, "{}", case.name);
        let (wait, since) = world.stall(0);
        if let Some(dropped) = world.up.dropped_at {
            // The wait is that of the loss: it begins at most a queue and half a round trip behind it.
            assert!(since.since(dropped) < Duration::from_millis(150), "{}", case.name);
        }
        let retransmitted =
            if endless { world.sender_info(0).total_retrans } else { world.retransmitted(0)[0] };
        let wait = wait.as_micros() as f64 / 1e3;
        let ratio = case.predicted / wait;
        let text = format!(
            "{wait:>8.1} {:>8.1} {ratio:>5.2} {:>4}",
            case.predicted,
            i64::from(retransmitted) - i64::from(case.lost)
        );
        rows.push(Row { key: vec![case.name], text, ratio });
    }
    check("recovery.txt", HEAD, &rows);
}

#[test]
fn reordering_costs_little() {
    const SPAN: u64 = 30;
    let mut rows = Vec::new();
    for &(name, congestion) in Congestion::ALL {
        for n in [3u32, 5, 10, 20, 50] {
            let link = format!("{LINK},out.reorder=1%,out.gap={n},out.hold=1s");
            let flow = Flow { buffer: Some(DEEP), ..Flow::upload(congestion) };
            let mut world = World::new(&link, &spec(&link), &[flow], true, 7);
            world.run_until(Instant::ZERO + Duration::from_secs(SPAN));
            let (goodput, predicted) = (world.uploaded(0) as f64 * 8.0 / SPAN as f64, RATE * PAYLOAD);
            let ratio = goodput / predicted;
            let again = world.sender_info(0).total_retrans;
            let text = format!("{:>6.3} {:>6.3} {ratio:>5.2} {again:>5}", goodput / 1e6, predicted / 1e6);
            rows.push(Row { key: vec![name.to_string(), n.to_string()], text, ratio });
        }
    }
    check("reordering.txt", REORDER, &rows);
}
