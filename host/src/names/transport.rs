//! Messages to name servers and back, with the tries and time-outs of resolv.conf(5), as libc's resolver has them (res_send.c).
//!
//! Each server is asked over a connected UDP socket of its own port and gets `timeout` seconds, doubled for each place in the list and
//! divided by the number of servers behind the first; after the last server comes the next attempt. A server that fails
//! (SERVFAIL, NOTIMP, REFUSED, an ICMP error, nothing to say) makes room for the next at once. A cut answer is asked for again by
//! TCP. Of two questions (A and AAAA) both are under way together, and one that is answered is not asked again.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use matnet_stack::{Instant, Kind};

use super::conf::Conf;
use super::message::{self, rcode};
use crate::errno::Errno;
use crate::runtime::hidden::Hidden;
use crate::runtime::{settings, sys};

/// A datagram's most.
const LARGEST: usize = 65535;

/// `options rotate`: how often a query has begun.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// A question under way.
struct Pending<'a> {
    query: &'a [u8],
    answer: Option<Vec<u8>>,
    /// A failure that the present server gave.
    failed: bool,
}

impl Pending<'_> {
    /// Notes what a server said; true when the question has an answer.
    fn take(&mut self, answer: &[u8]) {
        let Some(header) = message::header(answer) else { return };
        if matches!(header.rcode, rcode::SERVFAIL | rcode::NOTIMP | rcode::REFUSED) || header.lame {
            self.failed = true;
        } else {
            self.answer = Some(answer.to_vec());
        }
    }

    fn is_open(&self) -> bool {
        self.answer.is_none() && !self.failed
    }
}

/// Asks the servers of MATNET_DNS; an answer for each query, or None where no server gave one. The errors are those of res_send:
/// ETIMEDOUT when nobody answered usefully, ECONNREFUSED when nobody could be asked at all.
pub fn exchange(queries: &[&[u8]], conf: &Conf) -> Result<Vec<Option<Vec<u8>>>, Errno> {
    let servers = settings().dns.as_deref().unwrap_or(&[]);
    let mut pending: Vec<Pending<'_>> =
        queries.iter().map(|query| Pending { query, answer: None, failed: false }).collect();
    let first = if conf.rotate { TURN.fetch_add(1, Ordering::Relaxed) } else { 0 };
    // Somebody was there, or nobody said that there is nobody.
    let mut heard = false;
    let mut last = Errno::ECONNREFUSED;
    'tries: for _ in 0..conf.attempts {
        for place in 0..servers.len() {
            let Some(server) = servers.get((first + place) % servers.len()) else { continue };
            pending.iter_mut().for_each(|p| p.failed = false);
            let time = patience(conf.timeout, place, servers.len());
            match ask(*server, &mut pending, conf.use_vc, time) {
                Ok(answered) => heard |= answered,
                Err(Errno::ETIMEDOUT) => heard = true,
                Err(e) => last = e,
            }
            let done = pending.iter().filter(|p| p.answer.is_some()).count();
            // One answer and one failure from the same server: there is no more to be had.
            if done == pending.len() || (done > 0 && pending.iter().all(|p| !p.is_open())) {
                break 'tries;
            }
        }
    }
    if pending.iter().all(|p| p.answer.is_none()) {
        return Err(match last {
            _ if heard => Errno::ETIMEDOUT,
            Errno::EMFILE | Errno::ENFILE => last,
            _ => Errno::ECONNREFUSED,
        });
    }
    Ok(pending.into_iter().map(|p| p.answer).collect())
}

/// How long the server at `place` of `count` is waited for.
fn patience(timeout: Duration, place: usize, count: usize) -> Duration {
    let doubled = timeout.saturating_mul(1 << place.min(16));
    let time = if place == 0 { doubled } else { doubled / u32::try_from(count).unwrap_or(u32::MAX) };
    time.max(Duration::from_secs(1))
}

/// Puts the open questions to one server; true when it said anything.
fn ask(server: SocketAddr, pending: &mut [Pending<'_>], use_vc: bool, time: Duration) -> Result<bool, Errno> {
    if use_vc {
        return by_tcp(server, pending, time);
    }
    let until = sys::now() + time;
    let socket = connect(Kind::Udp, server, until)?;
    for p in pending.iter().filter(|p| p.is_open()) {
        socket.send(p.query, until)?;
    }
    let mut heard = false;
    let mut cut = false;
    let mut buf = vec![0; LARGEST];
    // Strangers may send as well: what does not belong to a question is passed over, for the time that there is.
    while pending.iter().any(|p| p.is_open()) && !cut {
        let n = match socket.recv(&mut buf, until) {
            Ok(n) => n,
            Err(Errno::EAGAIN) if heard => return Ok(true),
            Err(Errno::EAGAIN) => return Err(Errno::ETIMEDOUT),
            Err(e) => return if heard { Ok(true) } else { Err(e) },
        };
        let answer = buf.get(..n).unwrap_or(&[]);
        let Some(p) = pending.iter_mut().find(|p| p.is_open() && message::answers(p.query, answer)) else {
            continue;
        };
        heard = true;
        if message::header(answer).is_some_and(|h| h.truncated) {
            cut = true;
        } else {
            p.take(answer);
        }
    }
    drop(socket);
    if cut { by_tcp(server, pending, time) } else { Ok(heard) }
}

/// The same over one TCP connection, a length before each message (RFC 1035 section 4.2.2).
fn by_tcp(server: SocketAddr, pending: &mut [Pending<'_>], time: Duration) -> Result<bool, Errno> {
    let until = sys::now() + time;
    let stream = connect(Kind::Tcp, server, until)?;
    let mut heard = false;
    for p in pending.iter_mut().filter(|p| p.is_open()) {
        let mut framed = u16::try_from(p.query.len()).map_err(|_| Errno::EMSGSIZE)?.to_be_bytes().to_vec();
        framed.extend_from_slice(p.query);
        let mut rest = framed.as_slice();
        while !rest.is_empty() {
            let n = stream.send(rest, until)?;
            rest = rest.get(n..).unwrap_or(&[]);
        }
        let mut length = [0; 2];
        fill(&stream, &mut length, until)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        fill(&stream, &mut answer, until)?;
        heard = true;
        if !message::answers(p.query, &answer) {
            return Err(Errno::ETIMEDOUT);
        }
        // Whatever it says: who answers by TCP is not asked again, nor is the next one (send_vc in res_send.c).
        p.answer = Some(answer);
    }
    Ok(heard)
}

fn fill(stream: &Hidden, mut buf: &mut [u8], until: Instant) -> Result<(), Errno> {
    while !buf.is_empty() {
        match stream.recv(buf, until) {
            Ok(0) => return Err(Errno::ECONNRESET),
            Ok(n) => buf = buf.get_mut(n..).unwrap_or(&mut []),
            Err(Errno::EAGAIN) => return Err(Errno::ETIMEDOUT),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn connect(kind: Kind, server: SocketAddr, until: Instant) -> Result<Hidden, Errno> {
    let settings = settings();
    let kernel = settings.bypasses(server.ip(), server.port(), kind.into());
    if !kernel && matches!(server.ip(), IpAddr::V6(_)) {
        return Err(Errno::ENETUNREACH);
    }
    Hidden::connect(kind, server, kernel, until)
        .map_err(|e| if e == Errno::EAGAIN { Errno::ETIMEDOUT } else { e })
}

/// A number that nobody outside can guess (RFC 5452 section 9.2).
pub fn random_id() -> Result<u16, Errno> {
    let mut bytes = [0; 2];
    if sys::getrandom(&mut bytes) { Ok(u16::from_ne_bytes(bytes)) } else { Err(Errno::EAGAIN) }
}
