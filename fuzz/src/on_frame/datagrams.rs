//! What the program of [`super`] does with its UDP, ping and raw sockets: sends of every kind, receives, groups.

use matnet_stack::wire::icmpv4;
use matnet_stack::{Error, FilterMode, Readiness, SendHow, SocketId};

use super::{GROUPS, UDP_PORT, World, trace, v4};
use crate::frames::{self, OUR_ADDR, PEERS};
use std::net::Ipv4Addr;

impl World<'_> {
    pub(super) fn program_datagram(&mut self) {
        let mut buf = [0; 2000];
        let to = v4(self.input.pick(&[PEERS[0].addr, PEERS[1].addr, PEERS[2].addr, OUR_ADDR]), 53);
        let len = usize::from(self.input.u16());
        let what = self.input.u8() % 6;
        match (self.udp, self.ping) {
            (Some(id), _) if what == 4 => self.program_joins(id),
            _ if what == 5 && !self.raw.is_empty() => {
                let id = self.input.pick(&self.raw.clone());
                if self.stack.local_addr(id).is_some_and(|a| a.port() == frames::RAW_PROTOCOL.into()) {
                    let how = SendHow { more: len & 3 == 1, ..SendHow::default() };
                    let _ = self.stack.send_with(self.now, id, Some(to), &[&vec![6; len]], how);
                }
                let _ = self.stack.recv_from(id, &mut buf, false);
            }
            (Some(id), _) if what == 0 => {
                // Many at once, alike or not, perhaps cut or put together.
                for _ in 0..=self.input.u8() % 4 {
                    let bits = self.input.u8();
                    let data = vec![5; if bits & 1 == 0 { len } else { len % 1500 }];
                    let (head, tail) = data.split_at(data.len() / 3);
                    let segment = Some(self.input.u16() % 1500).filter(|_| bits & 2 != 0);
                    let how = SendHow { segment, more: bits & 28 == 4, ..SendHow::default() };
                    if let Ok(n) = self.stack.send_with(self.now, id, Some(to), &[head, tail], how) {
                        assert_eq!(n, data.len());
                    }
                    if bits & 224 == 32 {
                        self.stack.uncork(self.now, id);
                    }
                }
                let mut options = self.stack.udp_options(id).expect("an open UDP socket has options");
                options.gro = len & 1 == 1;
                self.stack.set_udp_options(id, options).expect("and takes them");
            }
            (_, Some(id)) if what == 1 => {
                let mut message = Vec::new();
                icmpv4::Repr::EchoRequest { ident: 0, seq: 1, data: &vec![4; len % 4000] }.emit(&mut message);
                let _ = self.stack.send_to(self.now, id, Some(to), &[&message]);
            }
            (Some(udp), Some(ping)) => {
                let id = if what == 2 { udp } else { ping };
                let next = self.stack.next_datagram_len(id);
                let ready = self.stack.readiness(id);
                match self.stack.recv_from(id, &mut buf, false) {
                    Ok(meta) => {
                        assert_eq!(Some(meta.len), next);
                        assert!(ready.contains(Readiness::IN));
                    }
                    Err(Error::WouldBlock) => assert_eq!(next, None),
                    Err(_) => {}
                }
            }
            _ => {}
        }
    }

    fn program_joins(&mut self, id: SocketId) {
        let (now, group) = (self.now, self.input.pick(&GROUPS));
        let sources = [PEERS[0].addr, PEERS[1].addr, Ipv4Addr::new(192, 0, 2, 9)];
        let source = self.input.pick(&sources);
        let mode = if self.input.bool() { FilterMode::Include } else { FilterMode::Exclude };
        let few = &sources[..self.input.below(4)];
        let result = match self.input.u8() % 8 {
            0 | 1 => self.stack.join_group(now, id, group),
            2 => self.stack.leave_group(now, id, group),
            3 => self.stack.join_source(now, id, group, source),
            4 => self.stack.add_source(now, id, group, source, mode),
            5 => self.stack.drop_source(now, id, group, source, mode),
            6 => self.stack.set_source_filter(now, id, group, mode, few),
            _ => self.stack.send_to(now, id, Some(v4(group, UDP_PORT)), &[b"group"]).map(drop),
        };
        trace!(self, "group {group}, source {source}: {result:?}");
        if let Ok((_, sources)) = self.stack.source_filter(id, group) {
            assert!(sources.len() <= 10, "{} sources", sources.len());
        }
    }
}
