//! One datagram socket: addresses, settings, receive queue, pending error.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use crate::buf::Buf;
use crate::error::Error;
use crate::types::{Readiness, Shutdown, UdpOptions};
use crate::udp::Arrival;

/// What a queued datagram costs beside its bytes.
pub(super) const OVERHEAD: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Socket {
    pub(super) local: Option<SocketAddrV4>,
    pub(super) remote: Option<SocketAddrV4>,
    /// The user chose our address (SOCK_BINDADDR_LOCK).
    pub(super) bound_addr: bool,
    /// The user chose our port (SOCK_BINDPORT_LOCK).
    pub(super) bound_port: bool,
    pub(super) options: UdpOptions,
    queue: VecDeque<(Arrival, Buf)>,
    /// Memory held by `queue`.
    queue_memory: usize,
    /// Memory of datagrams that have not left.
    pub(super) send_memory: usize,
    error: Option<Error>,
    read_shut: bool,
    pub(super) write_shut: bool,
    /// The device is gone.
    down: bool,
    /// Edges not yet told of.
    pub(super) edges: Readiness,
}

impl Socket {
    /// Queues a datagram; false when the queue is over its limit. The datagram that crosses the limit is still
    /// taken, as Linux does, so that the smallest buffer holds one.
    pub(super) fn push(&mut self, arrival: Arrival, payload: Buf) -> bool {
        if self.queue_memory > self.options.rcvbuf {
            return false;
        }
        let payload = payload.compact();
        self.queue_memory = self.queue_memory.saturating_add(cost(&payload));
        self.queue.push_back((arrival, payload));
        true
    }

    /// The next datagram, taken from the queue unless `peek`.
    pub(super) fn next(&mut self, peek: bool) -> Option<(Arrival, Buf)> {
        if peek {
            return self.queue.front().cloned();
        }
        let (arrival, payload) = self.queue.pop_front()?;
        self.queue_memory = self.queue_memory.saturating_sub(cost(&payload));
        Some((arrival, payload))
    }

    pub(super) fn next_len(&self) -> Option<usize> {
        self.queue.front().map(|(_, payload)| payload.len())
    }

    pub(super) fn set_error(&mut self, error: Error) {
        self.error = Some(error);
    }

    pub(super) fn take_error(&mut self) -> Option<Error> {
        // The loss of the device is for ever.
        if self.down { Some(Error::NetDown) } else { self.error.take() }
    }

    pub(super) fn device_gone(&mut self) {
        self.down = true;
        self.error = Some(Error::NetDown);
    }

    pub(super) fn shut(&mut self, how: Shutdown) {
        self.read_shut |= matches!(how, Shutdown::Read | Shutdown::Both);
        self.write_shut |= matches!(how, Shutdown::Write | Shutdown::Both);
    }

    /// Linux sock_writeable: less than half of the send buffer in use.
    pub(super) fn is_writable(&self) -> bool {
        self.send_memory < self.options.sndbuf / 2
    }

    /// Linux datagram_poll.
    pub(super) fn readiness(&self) -> Readiness {
        let mut ready = Readiness::NONE;
        if self.error.is_some() {
            ready |= Readiness::ERR;
        }
        if self.read_shut {
            ready |= Readiness::IN | Readiness::RDHUP;
        }
        if self.down || (self.read_shut && self.write_shut) {
            ready |= Readiness::HUP;
        }
        if !self.queue.is_empty() {
            ready |= Readiness::IN;
        }
        if self.is_writable() {
            ready |= Readiness::OUT;
        }
        ready
    }
}

fn cost(payload: &Buf) -> usize {
    payload.charge().saturating_add(OVERHEAD)
}
