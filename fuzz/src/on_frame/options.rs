//! The rarer things that the program of [`super`] does: urgent bytes, filters, error queues, ports that several sockets share, and every
//! option that changes how packets are made or taken.
//!
//! What must hold beside the rules of the model: a filter that was accepted ends and keeps no more than there is; an error queue ends; what
//! SIOCATMARK, the urgent byte and a read say agrees.

use std::sync::Arc;

use matnet_stack::filter::{Instruction, Packet};
use matnet_stack::{Duration, Error, Filter, Kind, MtuDiscover, SendHow, SocketId, TcpOptions};

use super::{OUR_ADDR, PEERS, UDP_PORT, World, v4};
use crate::input::Input;

const DISCOVER: [MtuDiscover; 6] = [
    MtuDiscover::Want,
    MtuDiscover::Dont,
    MtuDiscover::Do,
    MtuDiscover::Probe,
    MtuDiscover::Interface,
    MtuDiscover::Omit,
];
/// Operations that mean something, so that whole programs are found.
const CODES: [u16; 40] = [
    0x00, 0x01, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x61, 0x80, 0x81, 0xb1, 0x02, 0x03, 0x04, 0x0c,
    0x14, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x54, 0x64, 0x6c, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15,
    0x1d, 0x25, 0x35, 0x45, 0x07, 0x87,
];
const MOST_SHARING: usize = 4;

/// A filter program of the input's choice; None where the check refuses it.
pub fn filter(input: &mut Input<'_>) -> Option<Filter> {
    let mut program: Vec<Instruction> = (0..input.u8() % 24)
        .map(|_| {
            let bits = input.u8();
            let code = if bits & 1 == 0 { input.pick(&CODES) } else { input.u16() };
            let (jt, jf) = (input.u8() % 8, input.u8() % 8);
            let k = match bits >> 5 {
                0..=4 => u32::from(input.u8()),
                5 => 0xffff_f000 + u32::from(input.u8()),
                6 => 0xfff0_0000 + u32::from(input.u16()),
                _ => input.u32(),
            };
            Instruction { code, jt, jf, k }
        })
        .collect();
    let by_a = if input.bool() { 0x10 } else { 0 };
    program.push(Instruction { code: 6 | by_a, jt: 0, jf: 0, k: input.u32() });
    Filter::new(program).ok()
}

/// A filter on a packet, both of the input's choice: it ends, and twice the same way.
pub fn run_filter(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(filter) = filter(&mut input) else { return };
    let start = usize::from(input.u8());
    let network = input.bytes(usize::MAX);
    let packet = Packet { network, start: start.min(network.len()) };
    // All ancillary values but the random number are the same again, so the two may differ; both end.
    let _ = (filter.run(&packet), filter.run(&packet));
    let _ = filter.run(&Packet { network, start });
    let _ = filter.run(&Packet { network: &[], start: 0 });
}

impl World<'_> {
    /// TCP options beyond the everyday ones.
    pub(super) fn rare_tcp_option(&mut self, options: &mut TcpOptions) {
        match self.input.u8() % 16 {
            0 => options.oobinline = self.input.bool(),
            1 => options.recverr = self.input.bool(),
            2 => options.filter = filter(&mut self.input).map(Arc::new),
            3 => options.filter = None,
            4 => options.min_ttl = self.input.u8(),
            5 => options.mtu_discover = self.input.pick(&DISCOVER),
            6 => options.dont_route = self.input.bool(),
            7 => options.window_clamp = u32::from(self.input.u16()),
            8 => options.notsent_lowat = u32::from(self.input.u16()),
            9 => options.thin_linear = self.input.bool(),
            10 => options.rto_min = Duration::from_millis(1 + u64::from(self.input.u8())),
            11 => options.rto_max = Duration::from_secs(1 + u64::from(self.input.u8() % 120)),
            12 => options.delack_max = Duration::from_millis(1 + u64::from(self.input.u16() % 200)),
            13 => {
                options.linger2 =
                    Some(Duration::from_secs(u64::from(self.input.u8()))).filter(|_| self.input.bool())
            }
            14 => options.ttl = self.input.u8().max(1),
            _ => options.tos = self.input.u8(),
        }
    }

    /// MSG_OOB in both directions.
    pub(super) fn program_is_urgent(&mut self, choice: usize) {
        let id = self.sockets[choice].id;
        if self.input.bool() {
            let written = self.sockets[choice].written;
            let data = crate::streams::program_bytes(written, 1 + self.input.below(100));
            if let Ok(n) = self.stack.send(self.now, id, &data, false) {
                self.sockets[choice].written += n as u32;
                self.stack.mark_urgent(id);
                self.urgent = true;
            }
            return;
        }
        let peek = self.input.bool();
        let marked = self.stack.at_mark(id);
        let seen = self.stack.recv_urgent(id, true);
        let got = self.stack.recv_urgent(id, peek);
        assert_eq!(seen, got, "a look and a read differ");
        if let (Ok(Some(_)), false) = (&got, peek) {
            assert_eq!(self.stack.recv_urgent(id, false), Err(Error::InvalidArgument), "read twice");
        }
        assert!(!marked || self.stack.at_mark(id) || !peek, "a look has moved the mark");
    }

    /// What ICMP said about what was sent; of any socket.
    pub(super) fn program_takes_errors(&mut self, id: SocketId) {
        let mut buf = [0; 100];
        for count in 0.. {
            match self.stack.recv_error(id, &mut [&mut buf]) {
                Ok(error) => assert!(error.len <= 65_535 && count < 10_000, "an error queue without end"),
                Err(error) => {
                    assert_eq!(error, Error::WouldBlock);
                    break;
                }
            }
        }
    }

    /// A UDP, ping or raw socket gets another option, or its error queue is read, or something is sent with all trimmings.
    pub(super) fn program_tunes_datagrams(&mut self) {
        let all: Vec<_> = self
            .udp
            .into_iter()
            .chain(self.ping)
            .chain(self.raw.iter().copied())
            .chain(self.sharing.iter().copied())
            .collect();
        if all.is_empty() {
            return;
        }
        let id = self.input.pick(&all);
        match self.input.u8() % 4 {
            0 => self.program_takes_errors(id),
            1 => self.program_shares_a_port(),
            2 => {
                let to =
                    v4(self.input.pick(&[PEERS[0].addr, PEERS[1].addr, PEERS[2].addr, OUR_ADDR]), UDP_PORT);
                let bits = self.input.u8();
                let how = SendHow {
                    ttl: Some(self.input.u8().max(1)).filter(|_| bits & 1 != 0),
                    tos: Some(self.input.u8()).filter(|_| bits & 2 != 0),
                    source: Some(OUR_ADDR).filter(|_| bits & 4 != 0),
                    dont_route: bits & 8 != 0,
                    unreadable: bits & 48 == 48,
                    ..SendHow::default()
                };
                let known = id.kind == Kind::Udp
                    || self
                        .stack
                        .local_addr(id)
                        .is_some_and(|a| a.port() == crate::frames::RAW_PROTOCOL.into());
                if known {
                    let data = vec![8; usize::from(self.input.u16() % 4000)];
                    let sent = self.stack.send_with(self.now, id, Some(to), &[&data], how);
                    assert!(!how.unreadable || sent.is_err(), "sent what cannot be read");
                }
            }
            _ => {
                let mut options = self.stack.udp_options(id).expect("an open socket has options");
                match self.input.u8() % 16 {
                    0 | 1 => options.filter = filter(&mut self.input).map(Arc::new),
                    2 => options.filter = None,
                    3 | 4 => options.recverr = self.input.bool(),
                    5 => options.mtu_discover = self.input.pick(&DISCOVER),
                    // Not SO_NO_CHECK: every datagram is judged by its checksum.
                    6 => options.gro = self.input.bool(),
                    7 => options.dont_route = self.input.bool(),
                    8 => options.cork = self.input.bool(),
                    9 => options.segment = self.input.u16() % 2000,
                    10 => options.rcvbuf = usize::from(self.input.u16()),
                    11 => options.sndbuf = usize::from(self.input.u16()),
                    12 => options.multicast_loop = self.input.bool(),
                    13 => options.multicast_all = self.input.bool(),
                    14 => options.multicast_ttl = self.input.u8(),
                    _ => (options.tos, options.ttl) = (self.input.u8(), self.input.u8().max(1)),
                }
                let _ = self.stack.set_udp_options(id, options);
            }
        }
    }

    /// SO_REUSEPORT: one more socket of the group, or one less.
    fn program_shares_a_port(&mut self) {
        if self.sharing.len() >= MOST_SHARING || (!self.sharing.is_empty() && self.input.one_in(3)) {
            let at = self.input.below(self.sharing.len());
            let id = self.sharing.remove(at);
            return self.stack.close(self.now, id);
        }
        let Ok(id) = self.stack.open(Kind::Udp) else { return };
        let mut options = self.stack.udp_options(id).expect("an open UDP socket has options");
        options.reuseport = true;
        self.stack.set_udp_options(id, options).expect("and takes them");
        // Port 9 is where half of the network's datagrams go.
        let addr = if self.input.bool() { OUR_ADDR } else { std::net::Ipv4Addr::UNSPECIFIED };
        self.stack.bind(self.now, id, v4(addr, 9)).expect("a port of one's own group");
        if self.input.one_in(4) {
            let _ = self.stack.connect(self.now, id, v4(PEERS[1].addr, 9));
        }
        self.sharing.push(id);
    }
}
