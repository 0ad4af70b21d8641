//! RFC 6298 section 4 warns of many measurements a round trip, which forget what the last one was: with Linux's `tcp_rtt_estimator` the
//! variation falls by a quarter each round trip at most, however many acknowledgements there are in it.

use super::*;

/// A round of twenty segments, each acknowledged, after `rtt`. Answers the time-out then.
fn round(b: &mut Bench, una: &mut u32, rtt: Duration) -> Duration {
    b.send(&[1; 20_000]);
    b.flush();
    b.now = b.now + rtt;
    while b.info().bytes_in_flight > 0 {
        *una += 1000;
        b.peer(ACK, 1, *una, &[]);
        b.flush();
    }
    b.info().rto
}

#[test]
fn of_a_path_whose_delay_varies_from_one_to_the_next() {
    let mut b = Bench::connected(PLAIN);
    let mut una = 1;
    for _ in 0..5 {
        round(&mut b, &mut una, ms(100));
        round(&mut b, &mut una, ms(600));
    }
    let rto = round(&mut b, &mut una, ms(100));
    assert!(rto > ms(600), "{rto:?}");
    assert_eq!(b.counters.tcp_rto, 0);
}

#[test]
fn of_a_steady_path_it_comes_down() {
    let mut b = Bench::connected(PLAIN);
    let mut una = 1;
    round(&mut b, &mut una, ms(100));
    round(&mut b, &mut una, ms(600));
    let high = round(&mut b, &mut una, ms(100));
    let mut rto = high;
    for _ in 0..20 {
        rto = round(&mut b, &mut una, ms(100));
    }
    assert!(high > ms(600) && rto < ms(310), "{high:?} {rto:?}");
}
