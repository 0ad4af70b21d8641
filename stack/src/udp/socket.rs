//! One datagram socket: addresses, settings, receive queue, pending error.

use std::net::SocketAddrV4;

use crate::buf::Buf;
use crate::error::Error;
use crate::types::{Readiness, SendHow, Shutdown, UdpOptions};
use crate::udp::Arrival;
use crate::udp::errors::Errors;
use crate::udp::queue::{Queue, Taken};

/// The beginning of a datagram.
#[derive(Debug)]
pub(super) struct Corked {
    /// Where it goes: the address of the first send counts.
    pub(super) to: SocketAddrV4,
    /// As the first send said.
    pub(super) how: SendHow,
    pub(super) data: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Socket {
    pub(super) local: Option<SocketAddrV4>,
    pub(super) remote: Option<SocketAddrV4>,
    /// The user chose our address (SOCK_BINDADDR_LOCK).
    pub(super) bound_addr: bool,
    /// The user chose our port (SOCK_BINDPORT_LOCK).
    pub(super) bound_port: bool,
    pub(super) options: UdpOptions,
    queue: Queue,
    /// Memory of datagrams that have not left.
    pub(super) send_memory: usize,
    /// What was sent with UDP_CORK or MSG_MORE and waits for the rest.
    pub(super) corked: Option<Corked>,
    error: Option<Error>,
    /// Errors to be read (IP_RECVERR); None: none.
    pub(super) errors: Option<Box<Errors>>,
    read_shut: bool,
    pub(super) write_shut: bool,
    /// The device is gone.
    down: bool,
    /// Edges not yet told of.
    pub(super) edges: Readiness,
}

impl Socket {
    /// Queues what arrived in one frame: a datagram, or several of `gso_size` bytes, which only a socket with UDP_GRO takes as
    /// one (udp_unexpected_gso). How many datagrams were queued, and how many the full queue refused.
    pub(super) fn push(&mut self, arrival: Arrival, payload: Buf, gso_size: u16) -> (u64, u64) {
        let step = usize::from(gso_size);
        let limit = self.options.rcvbuf;
        if step == 0 || payload.len() <= step {
            let taken = self.queue.push(arrival, payload, 0, limit);
            return (taken.into(), (!taken).into());
        }
        let count = payload.len().div_ceil(step) as u64;
        if self.options.gro {
            let taken = self.queue.push(arrival, payload, gso_size, limit);
            return if taken { (count, 0) } else { (0, count) };
        }
        let mut rest = payload;
        for taken in 0..count {
            if !self.queue.push(arrival, rest.slice(0, step), 0, limit) {
                return (taken, count - taken);
            }
            rest.advance(step);
        }
        (count, 0)
    }

    /// No datagram more would be taken.
    pub(super) fn is_full(&self) -> bool {
        self.queue.is_full(self.options.rcvbuf)
    }

    /// Copies the next datagram into `bufs` and takes it from the queue unless `peek`.
    pub(super) fn next(&mut self, bufs: &mut [&mut [u8]], peek: bool) -> Option<Taken> {
        self.queue.pop(bufs, peek)
    }

    /// See [`Queue::peek_at`].
    pub(super) fn peek_at(&self, bufs: &mut [&mut [u8]], offset: usize) -> Option<(Taken, usize)> {
        self.queue.peek_at(bufs, offset)
    }

    pub(super) fn next_len(&self) -> Option<usize> {
        self.queue.next_len()
    }

    pub(super) fn set_error(&mut self, error: Error) {
        self.error = Some(error);
    }

    pub(super) fn take_error(&mut self) -> Option<Error> {
        // The loss of the device is for ever.
        if self.down { Some(Error::NetDown) } else { self.error.take() }
    }

    /// Forgets the pending error.
    pub(super) fn clear_error(&mut self) {
        if !self.down {
            self.error = None;
        }
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
        if self.error.is_some() || self.errors.as_ref().is_some_and(|errors| !errors.is_empty()) {
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
