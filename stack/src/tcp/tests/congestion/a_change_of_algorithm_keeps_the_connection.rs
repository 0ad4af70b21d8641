//! TCP_CONGESTION on a connection in the middle of a transfer (tcp_set_congestion_control): data goes on, and the new
//! algorithm takes over with the window as it is.

use super::*;

#[test]
fn from_cubic_to_bbr_to_reno() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    p.run(ms(2000), true);
    assert_eq!(p.info().bbr, None);
    let before = p.info().cwnd;
    p.options(|o| o.congestion = Congestion::Bbr);
    let info = p.info();
    assert!(info.bbr.is_some() && info.cwnd == before);
    // Paced from the first moment: a window each round trip, times the gain of STARTUP.
    let window = before as f64 / info.srtt.as_secs_f64();
    assert!((1.0..3.1).contains(&(info.pacing_rate as f64 / window)), "{info:?}");
    let got = p.goodput(ms(5000));
    assert!(got > 0.8 * p.capacity(), "{got}");
    p.options(|o| o.congestion = Congestion::Reno);
    assert_eq!(p.info().bbr, None);
    let got = p.goodput(ms(5000));
    assert!(got > 0.8 * p.capacity(), "{got}");
}
