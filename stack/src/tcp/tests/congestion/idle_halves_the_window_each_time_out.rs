//! RFC 5681 section 4.1, RFC 2861: the window is halved for each time-out without anything sent, not below the initial
//! one (Linux: tcp_cwnd_restart); what leaves then is paced where the round trip is long.

use super::*;

fn grown(congestion: Congestion) -> Path {
    let link = Bottleneck { rate: 125_000_000, queue: 10_000_000, ..PATH };
    let mut p = Path::new(link, congestion);
    p.run(ms(300), true);
    p.run(ms(200), false);
    assert_eq!(p.info().bytes_in_flight, 0);
    p
}

#[test]
fn a_pause_of_two_time_outs_leaves_a_quarter() {
    let mut p = grown(Congestion::Reno);
    let info = p.info();
    let idle = info.last_data_sent;
    let (before, rto) = (info.cwnd, info.rto);
    p.run(rto * 5 / 2 - idle, false);
    p.send(1000);
    p.run(ms(1), false);
    assert_eq!(p.info().cwnd, before / 4);
    assert!(p.info().ssthresh >= before / 4 * 3);
}

#[test]
fn a_long_pause_leaves_the_initial_window() {
    let mut p = grown(Congestion::Cubic);
    p.run(ms(60_000), false);
    p.send(1000);
    p.run(ms(1), false);
    assert_eq!(p.info().cwnd, 14_480);
}

#[test]
fn the_restart_is_paced() {
    let mut p = grown(Congestion::Cubic);
    p.run(ms(600), false);
    p.departures.clear();
    p.send(400_000);
    p.run(ms(39), false);
    let window = p.info().cwnd as usize;
    // Twice the window a round trip: a window takes half of one, not an instant.
    let at_once = p.departures.iter().filter(|d| d.0 == p.departures[0].0).map(|d| d.1).sum::<usize>();
    assert!(at_once <= window / 4, "{at_once} of {window}");
    assert!(p.departures.len() >= 4, "{:?}", p.departures);
}
