//! BBR, restart from idle: no slow start, the window is kept, and data is paced at the estimate and not above it
//! (bbr_cwnd_event).

use super::*;

#[test]
fn data_after_a_pause_leaves_at_the_estimated_rate() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.run(ms(3000), true);
    // What is in the send buffer leaves; then nothing for 5 s.
    p.run(ms(7000), false);
    let info = p.info();
    assert_eq!(info.bytes_in_flight, 0);
    let estimate = info.bbr.unwrap().bandwidth;
    let cwnd = info.cwnd;
    p.departures.clear();
    p.send(60_000);
    p.run(ms(30), false);
    let info = p.info();
    assert!(info.cwnd >= cwnd, "{} {cwnd}", info.cwnd);
    // Thirty milliseconds at the estimate, less the margin, and a burst.
    let sent: usize = p.departures.iter().map(|d| d.1).sum();
    let most = estimate as f64 * 0.03 + 6000.0;
    assert!(sent as f64 <= most && sent as f64 >= most / 2.0, "{sent} {most}");
}
