//! What a connection can reach, in bits of payload per second: the least of
//!
//! - the bandwidth: the rate, less headers (1448 of 1514 bytes; and less what is lost);
//! - the buffer, once a round trip: the stack's SO_RCVBUF and SO_SNDBUF count payload (the host has halved what a program asked for);
//! - the response function of the congestion control under random loss `p`:
//!   - reno: MSS/RTT * sqrt(3/2) / sqrt(p) (Mathis, Semke, Mahdavi, Ott, "The macroscopic behavior of the TCP congestion
//!     avoidance algorithm", 1997, each segment acknowledged or bytes counted, RFC 3465);
//!   - cubic: the larger of that (the Reno-friendly region, RFC 9438 section 4.3) and
//!     MSS/RTT * (C * (3+b) / (4 * (1-b)))^(1/4) * (RTT/p)^(3/4), C = 0.4, b = 0.7 (RFC 9438 section 5.1, equation 6);
//!   - bbr: none, it does not answer to loss (draft-cardwell-iccrg-bbr-congestion-control-00 section 3).
//!
//! Limits: the formulas know no time-outs and no least window, so they promise too much where p is some per cent and a window is a
//! few segments; what the explanations call Padhye's formula knows them (Padhye, Firoiu, Towsley, Kurose, "Modeling TCP throughput",
//! 1998, with a segment for each acknowledgement and a least time-out of 200 ms and the round trip).

use matnet_stack::Congestion;

/// Payload of a segment of 1500 bytes with timestamps.
pub const MSS: f64 = 1448.0;
/// The share of payload in a frame.
pub const PAYLOAD: f64 = MSS / 1514.0;

/// What bounds a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Bandwidth,
    Buffer,
    Loss,
}

impl Bound {
    pub fn name(self) -> &'static str {
        match self {
            Bound::Bandwidth => "bandwidth",
            Bound::Buffer => "buffer",
            Bound::Loss => "loss",
        }
    }
}

/// The mean window under random loss, in segments.
fn window(congestion: Congestion, rtt: f64, loss: f64) -> f64 {
    let reno = (1.5 / loss).sqrt();
    match congestion.name() {
        "reno" => reno,
        "cubic" => {
            let (c, b): (f64, f64) = (0.4, 0.7);
            let cubic = (c * (3.0 + b) / (4.0 * (1.0 - b))).powf(0.25) * (rtt / loss).powf(0.75);
            cubic.max(reno)
        }
        _ => f64::INFINITY,
    }
}

/// Bits per second; `rtt` in seconds without queues, `buffer` in bytes of payload.
pub fn goodput(congestion: Congestion, rate: f64, rtt: f64, buffer: f64, loss: f64) -> (f64, Bound) {
    let response = if loss > 0.0 { window(congestion, rtt, loss) * MSS * 8.0 / rtt } else { f64::INFINITY };
    let all = [
        (rate * PAYLOAD * (1.0 - loss), Bound::Bandwidth),
        (buffer * 8.0 / rtt * (1.0 - loss), Bound::Buffer),
        (response, Bound::Loss),
    ];
    all.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

/// Jain's fairness index: 1 when all are equal, 1/n when one has all.
pub fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|x| x * x).sum();
    if squares == 0.0 { 0.0 } else { sum * sum / (shares.len() as f64 * squares) }
}

#[test]
fn the_published_figures() {
    // RFC 9438 section 5.1, table 3 (RTT = 0.1 s, 1500-byte packets): at 10^-4 Cubic's window is 187 packets.
    let cubic = Congestion::Cubic;
    assert!((window(cubic, 0.1, 1e-4) - 187.0).abs() < 1.5, "{}", window(cubic, 0.1, 1e-4));
    // Table 1: Reno needs a loss of 2.0e-10 for 10 Gb/s, a window of 83,333, at 0.1 s.
    assert!((window(Congestion::Reno, 0.1, 2.0e-10) / 83_333.0 - 1.0).abs() < 0.05);
    assert_eq!(jain(&[1.0, 1.0]), 1.0);
    assert_eq!(jain(&[1.0, 0.0]), 0.5);
}
