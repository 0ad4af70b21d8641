//! The programs at both ends: they write, read, change options and close; at the end they want all that was written.

use super::*;
use matnet_stack::TcpOptions;

impl World<'_> {
    /// Options that change how a connection works, never what it delivers.
    pub(super) fn choose_options(&mut self, host: usize, id: SocketId) -> TcpOptions {
        let mut options = self.stacks[host].tcp_options(id).expect("an open socket has options");
        let input = &mut self.input;
        options.congestion = Congestion::ALL[usize::from(input.u8()) % Congestion::ALL.len()].1;
        let bits = input.u16();
        let bit = |n: u16| bits >> n & 1 == 1;
        options.nodelay = bit(0);
        options.cork = bit(1) && bit(2);
        options.keepalive = bit(4);
        // Switched off and on again each time: not as often in the time of faults as a peer may miss.
        options.keepidle = Duration::from_secs(2);
        options.keepintvl = Duration::from_secs(20);
        options.thin_linear = bit(5);
        options.pacing = bit(6);
        options.oobinline = true;
        options.rcvbuf = if bit(7) { None } else { Some(input.pick(&[1200, 2304, 8192, 65_536, 1 << 20])) };
        options.sndbuf = if bit(8) { None } else { Some(input.pick(&[2304, 4608, 16_384, 262_144])) };
        options.maxseg = if bit(9) { None } else { Some(input.pick(&[88, 536, 1000, 1460])) };
        options.window_clamp = if bit(10) { 0 } else { input.pick(&[0, 1000, 30_000]) };
        options.notsent_lowat = if bit(11) { 0 } else { input.pick(&[0, 1, 5000]) };
        options.rcvlowat = if bit(12) { 1 } else { input.pick(&[1, 100, 5000]) };
        options.fast_open = if bit(13) { 0 } else { 4 };
        options.fast_open_connect = bit(14);
        options.rto_min = if bit(15) { Duration::from_millis(200) } else { Duration::from_millis(20) };
        options
    }

    pub(super) fn connect(&mut self) {
        let id = self.stacks[0].open(Kind::Tcp).expect("a socket");
        let options = self.choose_options(0, id);
        self.stacks[0].set_tcp_options(self.now, id, options).expect("a socket takes options");
        let to = SocketAddr::V4(SocketAddrV4::new(addr(1), PORT));
        match self.stacks[0].connect(self.now, id, to) {
            Ok(()) | Err(Error::InProgress) => {}
            Err(error) => panic!("connect: {error:?}"),
        }
        let port = self.stacks[0].local_addr(id).map_or(0, |local| local.port());
        self.links.push(Link {
            ends: [Some(id), None],
            streams: Default::default(),
            port,
            killed: false,
            closed: [false; 2],
        });
    }

    /// Children of the listener find their connection; one that nobody knows is of a repeated SYN.
    fn accept(&mut self) {
        while let Ok((id, peer)) = self.stacks[1].accept(self.listener) {
            match self.links.iter_mut().find(|link| link.port == peer.port()) {
                Some(link) if link.ends[1].is_none() => link.ends[1] = Some(id),
                _ => self.stacks[1].abort(self.now, id),
            }
        }
    }

    pub(super) fn change_options(&mut self) {
        let host = usize::from(self.input.bool());
        let conn = usize::from(self.input.u8()) % self.links.len();
        let Some(id) = self.links[conn].ends[host] else { return };
        let options = self.choose_options(host, id);
        let result = self.stacks[host].set_tcp_options(self.now, id, options);
        let (on, once) = (self.input.bool(), self.input.bool());
        self.stacks[host].set_tcp_quickack(self.now, id, on, once).expect("an open socket takes it");
        trace!(self, "{host}: options of {conn}: {result:?}");
    }

    pub(super) fn programs_act(&mut self) {
        self.accept();
        let host = usize::from(self.input.bool());
        let conn = usize::from(self.input.u8()) % self.links.len();
        let len = match self.input.u8() % 4 {
            0 => 1 + usize::from(self.input.u8()),
            1 => 1460,
            2 => usize::from(self.input.u16()) + 1,
            _ => 20_000,
        };
        match self.input.u8() % 8 {
            0..=3 => self.write(host, conn, len),
            4..=6 => self.read(host, conn, len),
            _ if self.input.one_in(4) => self.shut(host, conn),
            _ => self.write(host, conn, 1),
        }
    }

    /// What an end of life looks like to a call.
    fn excused(&self, conn: usize, what: &str, error: Error) {
        let link = &self.links[conn];
        assert!(link.killed, "{what}: {error:?}, connection {conn}");
    }

    fn write(&mut self, host: usize, conn: usize, len: usize) {
        let Some(id) = self.links[conn].ends[host] else { return };
        let stream = &self.links[conn].streams[host];
        let len = len.min(MAX_WRITTEN.saturating_sub(stream.written));
        if stream.shut || len == 0 {
            return;
        }
        let from = stream.written;
        let data: Vec<u8> = (from..from + len).map(|offset| byte(conn, host, offset)).collect();
        let more = self.input.one_in(8);
        let result = self.stacks[host].send(self.now, id, &data, more);
        trace!(self, "{host}: write {len} to {conn}: {result:?}");
        match result {
            Ok(n) => self.links[conn].streams[host].written += n,
            Err(Error::WouldBlock | Error::NotConnected | Error::InProgress) => {}
            Err(error) => self.excused(conn, "write", error),
        }
    }

    fn read(&mut self, host: usize, conn: usize, len: usize) {
        let Some(id) = self.links[conn].ends[host] else { return };
        let mut buf = vec![0; len];
        let result = self.stacks[host].recv(self.now, id, &mut buf);
        trace!(self, "{host}: read {len} from {conn}: {result:?}");
        let link = &mut self.links[conn];
        let stream = &mut link.streams[1 - host];
        match result {
            Ok(0) => {
                let all = stream.shut && stream.read == stream.written;
                assert!(all || link.killed, "an end after {} of {} bytes", stream.read, stream.written);
                stream.eof = true;
            }
            Ok(n) => {
                assert!(stream.read + n <= stream.written, "more bytes than were written");
                for (at, &b) in buf[..n].iter().enumerate() {
                    let offset = stream.read + at;
                    assert_eq!(b, byte(conn, 1 - host, offset), "byte {offset} that {host} reads");
                }
                stream.read += n;
                self.report.bytes += n as u64;
            }
            Err(Error::WouldBlock | Error::NotConnected) => {}
            Err(error) => self.excused(conn, "read", error),
        }
    }

    fn shut(&mut self, host: usize, conn: usize) {
        let Some(id) = self.links[conn].ends[host] else { return };
        // shutdown(2) of a connection attempt ends it, as on Linux.
        let early = self.stacks[host].tcp_state(id) == TcpState::SynSent;
        if self.links[conn].streams[host].shut || early {
            return;
        }
        let result = self.stacks[host].shutdown(self.now, id, Shutdown::Write);
        trace!(self, "{host}: shutdown of {conn}: {result:?}");
        match result {
            Ok(()) => self.links[conn].streams[host].shut = true,
            Err(Error::NotConnected) if self.stacks[host].tcp_state(id) != TcpState::Closed => {}
            Err(error) => self.excused(conn, "shutdown", error),
        }
    }

    /// The network is well, and the programs want to end.
    pub(super) fn come_to_an_end(&mut self) {
        trace!(self, "the network is well");
        self.net = WELL;
        let begin = self.now;
        for count in 0.. {
            assert!(count < MAX_EVENTS, "it never ends");
            self.accept();
            // Twice: what one reads lets the other go.
            for conn in (0..self.links.len()).chain(0..self.links.len()) {
                self.finish(conn, begin + REST);
            }
            self.settle();
            if count % 16 == 0 {
                self.check();
            }
            if self.links.iter().all(|link| link.closed == [true; 2]) {
                break;
            }
            let next = self.next_event();
            let Some(next) = next else { panic!("nothing is due: {}", self.progress()) };
            assert!(next < begin + PATIENCE, "not done after {PATIENCE:?}: {}", self.progress());
            self.now = self.now.max(next);
            self.deliver();
        }
        self.stacks[1].close(self.now, self.listener);
        for link in &self.links {
            self.report.killed += u64::from(link.killed);
            self.report.completed += u64::from(!link.killed);
        }
        // Children that nobody has accepted are gone with the listener; the rest is waiting.
        let end = self.now + Duration::from_secs(86_400);
        for count in 0.. {
            assert!(count < MAX_EVENTS, "it never comes to rest");
            self.settle();
            let Some(next) = self.next_event() else { break };
            assert!(next < end, "not at rest after a day");
            self.now = self.now.max(next);
            self.deliver();
        }
        for stack in &self.stacks {
            let audit = stack.audit();
            assert!(audit.conns.is_empty() && audit.requests == 0, "at rest with {audit:?}");
            assert_eq!(audit.memory, 0, "at rest with memory");
            assert!(!stack.pending_output() && stack.poll_timeout().is_none());
            assert!(stack.connections().is_empty(), "at rest with {:?}", stack.connections());
        }
    }

    /// One end after the other: say that this is all, read what is there, close when both streams are over. Until `rest` nobody leaves
    /// data behind that the peer has not read: his probes may have gone unanswered as often as an orphan's may (8 take 13 s, not the 102
    /// of retransmissions).
    fn finish(&mut self, conn: usize, rest: Instant) {
        for host in 0..2 {
            let Some(id) = self.links[conn].ends[host] else {
                // A client that died in the handshake has nobody to talk to.
                let dead = self.links[conn].killed && self.links[conn].closed[0];
                self.links[conn].closed[1] |= dead;
                continue;
            };
            if self.links[conn].closed[host] {
                continue;
            }
            let state = self.stacks[host].tcp_state(id);
            if self.links[conn].killed && state == TcpState::Closed {
                self.stacks[host].close(self.now, id);
                self.links[conn].closed[host] = true;
                // What the dead one had to say is lost, and its peer may wait for ever.
                if let Some(other) = self.links[conn].ends[1 - host] {
                    self.stacks[1 - host].abort(self.now, other);
                    self.links[conn].closed[1 - host] = true;
                }
                continue;
            }
            let fresh = self.links[conn].streams[host].written == 0;
            // The first write begins a connection with TCP_FASTOPEN_CONNECT.
            if fresh && !self.links[conn].streams[host].shut {
                self.write(host, conn, 1);
            }
            if !fresh {
                self.shut(host, conn);
            }
            let mut before = usize::MAX;
            while !self.links[conn].streams[1 - host].eof && self.links[conn].streams[1 - host].read != before
            {
                before = self.links[conn].streams[1 - host].read;
                self.read(host, conn, 50_000);
            }
            let streams = &self.links[conn].streams;
            let read = streams[host].read == streams[host].written || self.now >= rest;
            if streams[1 - host].eof && streams[host].shut && read {
                self.stacks[host].close(self.now, id);
                self.links[conn].closed[host] = true;
            }
        }
    }

    fn progress(&self) -> String {
        let mut text = String::new();
        for (conn, link) in self.links.iter().enumerate() {
            let streams: Vec<_> = link.streams.iter().map(|s| (s.written, s.read, s.shut, s.eof)).collect();
            let states: Vec<_> =
                (0..2).map(|host| link.ends[host].map(|id| self.stacks[host].tcp_state(id))).collect();
            text += &format!(
                "{conn}: (written, read, shut, eof) {streams:?} {states:?} killed {}; ",
                link.killed
            );
        }
        for stack in &self.stacks {
            text += &format!("{:?} ", stack.audit().conns);
        }
        text
    }
}
