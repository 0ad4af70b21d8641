//! The error queue of a TCP socket (MSG_ERRQUEUE): ICMP errors that ended an attempt to connect, and nothing else (tcp_v4_err). What
//! happens to an open connection with IP_RECVERR is in the module above.

use std::net::SocketAddrV4;

use super::socket::{Body, Owner};
use super::{Target, Tcp, Tuple};
use crate::error::{Error, Result};
use crate::types::{QueuedError, SocketId, TcpState};
use crate::udp::errors::Report;
use crate::wire::SeqNumber;

/// What the queue may hold without SO_RCVBUF, bytes: net.ipv4.tcp_rmem[1].
const LIMIT: usize = 131_072;

impl Tcp {
    /// Keeps an ICMP error about an attempt to connect, to be read by the user, with or without IP_RECVERR as in the kernel
    /// (tcp_v4_err).
    pub(crate) fn queue_error(&mut self, local: SocketAddrV4, seq: SeqNumber, report: &Report<'_>) {
        let Some(Target::Conn(index)) = self.demux.get(&Tuple { local, remote: report.to }).copied() else {
            return;
        };
        let Some(sock) = self.socks.get_mut(index) else { return };
        let Body::Conn(conn) = &sock.body else { return };
        let user = matches!(sock.owner, Owner::User);
        if user && conn.state == TcpState::SynSent && conn.is_in_flight(seq) {
            let limit = sock.opts.rcvbuf.map_or(LIMIT, |n| n.saturating_mul(2));
            sock.errors.get_or_insert_default().add(report, limit);
        }
    }

    /// Takes the oldest of these errors.
    ///
    /// # Errors
    /// [`Error::WouldBlock`], [`Error::BadSocket`]
    pub(crate) fn recv_error(&mut self, id: SocketId, bufs: &mut [&mut [u8]]) -> Result<QueuedError> {
        let sock = self.sock_mut(id)?;
        let errors = sock.errors.as_mut().ok_or(Error::WouldBlock)?;
        let (error, next) = errors.take(bufs).ok_or(Error::WouldBlock)?;
        // sock_dequeue_err_skb
        sock.error = next.map(|next| next.error);
        if next.is_none() {
            sock.errors = None;
        }
        Ok(error)
    }
}
