//! A named counter for every reason to drop, refuse or reset, and for the traffic that went well.
//!
//! One list makes the struct, its documentation and the walk over it ([`Counters::for_each`]), so that a counter cannot
//! be in one and be missing from another. Counters only grow; they wrap after 2^64. Names are what users see in
//! `matnet stat` and MATNET_STATS: keep them.

macro_rules! counters {
    ($($name:ident: $help:literal,)*) => {
        /// What happened so far; each field counts one thing.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $(#[doc = $help] pub $name: u64,)*
        }

        impl Counters {
            /// Calls `f(name, value, help)` for each counter, in the order of declaration.
            pub fn for_each(&self, mut f: impl FnMut(&'static str, u64, &'static str)) {
                $(f(stringify!($name), self.$name, $help);)*
            }
        }
    };
}

counters! {
    // ethernet
    frames_in: "Frames received from the device.",
    bytes_in: "Bytes of frames received from the device.",
    frames_out: "Frames handed to the device.",
    bytes_out: "Bytes of frames handed to the device.",
    frame_runt: "Frames dropped: shorter than an Ethernet header.",
    frame_not_for_us: "Frames dropped: unicast to another hardware address.",
    frame_multicast_filtered: "Frames dropped: multicast group that nobody here joined.",
    frame_bad_source: "Frames dropped: source hardware address is a group or our own.",
    frame_unknown_ethertype: "Frames dropped: neither IPv4 nor ARP.",
    device_full: "Times the device took no more frames.",
    // arp
    arp_in: "ARP packets received.",
    arp_malformed: "ARP packets dropped: malformed, or not Ethernet and IPv4.",
    arp_bad_sender: "ARP packets dropped: sender address cannot be a host's.",
    arp_requests_out: "ARP requests sent.",
    arp_replies_out: "ARP replies sent.",
    arp_announcements_out: "ARP announcements of our own address sent.",
    arp_conflicts: "ARP packets in which another host claims our address.",
    arp_ignored: "ARP packets neither asking us nor telling of a neighbour we know.",
    neighbor_failed: "Neighbours given up: no ARP reply.",
    neighbor_evicted: "Neighbours evicted: cache full.",
    neighbor_pending_dropped: "Packets dropped while waiting for an ARP reply: queue limit.",
    neighbor_unreachable_dropped: "Packets dropped: their neighbour did not answer ARP.",
    // ip
    ip_in: "IPv4 packets received.",
    ip_out: "IPv4 packets sent, those to ourselves included (a TSO frame counts once).",
    ip_bad_header: "IPv4 packets dropped: malformed header or wrong length.",
    ip_bad_checksum: "IPv4 packets dropped: header checksum.",
    ip_martian_source: "IPv4 packets dropped: impossible source address.",
    ip_martian_destination: "IPv4 packets dropped: impossible destination, such as 127/8 from the wire.",
    ip_not_for_us: "IPv4 packets dropped: not our address.",
    ip_unicast_in_broadcast: "IPv4 packets dropped: unicast address in a broadcast frame (RFC 1122 3.3.6).",
    ip_unknown_protocol: "IPv4 packets of a protocol that we do not speak.",
    ip_no_route: "Packets refused: no route.",
    ip_fragments_in: "Fragments received.",
    ip_reassembled: "Datagrams reassembled.",
    ip_reassembly_timeout: "Datagrams given up: fragments missing after 30 s.",
    ip_reassembly_overlap: "Datagrams dropped: overlapping fragments.",
    ip_reassembly_malformed: "Fragments dropped: impossible length or offset.",
    ip_reassembly_duplicate: "Fragments dropped: already here.",
    ip_reassembly_memory: "Incomplete datagrams dropped: memory or count limit.",
    ip_fragmented_out: "Datagrams sent in fragments.",
    ip_fragments_out: "Fragments sent.",
    loopback_packets: "Packets to ourselves.",
    loopback_dropped: "Packets to ourselves dropped: queue limit.",
    output_dropped: "Packets of our own dropped: output queue limit.",
    // icmp
    icmp_in: "ICMP messages received.",
    icmp_malformed: "ICMP messages dropped: malformed.",
    icmp_bad_checksum: "ICMP messages dropped: checksum.",
    icmp_echo_requests_in: "Echo requests received.",
    icmp_echo_replies_out: "Echo replies sent.",
    icmp_echo_replies_in: "Echo replies received.",
    icmp_echo_reply_unmatched: "Echo replies dropped: no socket with that identifier.",
    icmp_broadcast_ignored: "Echo requests to a broadcast or multicast address, not answered.",
    icmp_errors_in: "ICMP errors received.",
    icmp_error_unmatched: "ICMP errors dropped: quote no packet of a socket.",
    icmp_redirect_ignored: "Redirects ignored.",
    icmp_other_ignored: "ICMP messages of other types ignored.",
    icmp_errors_out: "ICMP errors sent.",
    icmp_errors_suppressed: "ICMP errors not sent: the cause may not be answered (RFC 1122 3.2.2).",
    icmp_rate_limited: "ICMP errors not sent: rate limit.",
    pmtu_updates: "Path MTUs lowered by ICMP.",
    pmtu_rejected: "Path MTU messages ignored: not smaller, or quoting nothing of ours.",
    // udp
    udp_in: "UDP datagrams delivered to a socket queue.",
    udp_out: "UDP datagrams sent.",
    udp_malformed: "UDP datagrams dropped: malformed.",
    udp_bad_checksum: "UDP datagrams dropped: checksum.",
    udp_no_port: "UDP datagrams dropped: no socket on that port.",
    udp_queue_full: "UDP datagrams dropped: receive queue limit.",
    ping_in: "Echo replies delivered to a socket queue.",
    ping_out: "Echo requests sent by sockets.",
    ping_queue_full: "Echo replies dropped: receive queue limit.",
    // raw
    raw_in: "Packets delivered to a raw socket's queue.",
    raw_out: "Packets sent by raw sockets.",
    raw_queue_full: "Packets for a raw socket dropped: receive queue limit.",
    // igmp
    igmp_in: "IGMP messages received.",
    igmp_malformed: "IGMP messages dropped: malformed, or checksum.",
    igmp_out: "IGMP messages sent.",
    filtered: "Packets dropped by a socket's filter (SO_ATTACH_FILTER).",
    // tcp
    tcp_in: "TCP segments received (a frame of several counts its segments).",
    tcp_out: "TCP segments sent (a TSO frame counts its segments).",
    tcp_malformed: "TCP segments dropped: malformed.",
    tcp_bad_checksum: "TCP segments dropped: checksum.",
    // tcp: the owner of tcp/ adds below
    tcp_no_socket: "TCP segments that no socket wants, answered with RST (unless they are RST).",
    tcp_resets_in: "Connections and attempts ended by the peer's RST.",
    tcp_resets_out: "RSTs sent in answer to segments that no connection wants.",
    tcp_established: "Connections established.",
    tcp_requests: "SYNs accepted by a listener.",
    tcp_backlog_full: "SYNs and final ACKs dropped: accept queue full.",
    tcp_requests_full: "SYNs that found too many half-open requests, answered by a SYN cookie.",
    tcp_syn_cookies_out: "SYN cookies sent.",
    tcp_syn_cookies_in: "Connections made of a SYN cookie that came back.",
    tcp_syn_cookies_bad: "ACKs refused: no SYN cookie of ours, or too old.",
    tcp_fastopen_active: "SYNs of ours whose data was acknowledged with them (Fast Open).",
    tcp_fastopen_active_fail: "SYNs of ours whose data had to be sent again.",
    tcp_fastopen_passive: "Connections made of a SYN with a Fast Open cookie.",
    tcp_fastopen_cookies_out: "Fast Open cookies given to who asked for one.",
    tcp_fastopen_bad_cookies: "SYNs whose Fast Open cookie was wrong.",
    tcp_fastopen_overflow: "SYNs that Fast Open did not serve: TCP_FASTOPEN's limit.",
    tcp_requests_expired: "Half-open requests given up: no final ACK.",
    tcp_syn_retransmits: "SYNs and SYN-ACKs sent again.",
    tcp_retransmits: "Segments sent again.",
    tcp_rto: "Retransmission time-outs.",
    tcp_loss_probes: "Tail loss probes sent.",
    tcp_loss_probe_recoveries: "Losses that a tail loss probe repaired.",
    tcp_lost_retransmits: "Acknowledgements that showed a retransmission to be lost too.",
    tcp_spurious_rtos: "Retransmission time-outs that were undone.",
    tcp_sack_discarded: "SACK blocks that cannot be: beyond what was sent, or backwards.",
    tcp_sack_reneging: "Acknowledgements of a peer that dropped what it had SACKed.",
    tcp_fast_recoveries: "Losses inferred from acknowledgements (fast retransmit).",
    tcp_spurious_recoveries: "Reductions of the window undone: D-SACK, timestamps or F-RTO proved that nothing was lost.",
    tcp_timeouts: "Connections given up: no answer.",
    tcp_probes_out: "Window and keepalive probes sent.",
    tcp_keepalives_out: "Keepalive probes due.",
    tcp_acks_out: "Acknowledgements sent by themselves.",
    tcp_delayed_acks: "Acknowledgements sent because 40 ms had passed.",
    tcp_out_of_order: "Segments received beyond a gap.",
    tcp_duplicates: "Segments received that were here already.",
    tcp_dsack_in: "D-SACKs received: something we sent arrived twice.",
    tcp_memory_dropped: "Segments with data dropped: memory limit of the socket or the stack.",
    tcp_pruned: "Times that data beyond a gap was given up for memory.",
    tcp_beyond_window: "Segments cut or dropped: beyond the window that we announced.",
    tcp_out_of_window: "Segments dropped: sequence number outside the window.",
    tcp_paws: "Segments dropped: timestamp older than the latest (RFC 7323 PAWS).",
    tcp_ack_unsent: "Segments dropped: they acknowledge what was never sent.",
    tcp_ack_too_old: "Segments dropped: acknowledgement far behind (RFC 5961).",
    tcp_challenge_acks: "Challenge ACKs sent (RFC 5961).",
    tcp_min_ttl: "Segments dropped: less time to live than IP_MINTTL asks for.",
    tcp_deferred: "Final ACKs without data not yet taken as a connection (TCP_DEFER_ACCEPT).",
    tcp_challenge_limited: "Challenge ACKs and answers to unacceptable segments not sent: rate limit.",
    tcp_data_after_close: "Connections reset: data arrived after close.",
    tcp_fin_wait2_timeouts: "Orphans in FIN_WAIT2 given up: the peer did not close.",
    tcp_orphans_refused: "Connections reset when they were closed: too many orphans.",
    tcp_timewait_overflow: "Connections closed without TIME_WAIT: too many of them.",
    tcp_timewait_reused: "Connections in TIME_WAIT that gave way to a newer SYN.",
    tcp_icmp_out_of_window: "ICMP errors ignored: they quote nothing in flight (RFC 5927).",
    tcp_ecn_ce_in: "TCP segments received that a router marked (CE) on connections with ECN.",
    tcp_ecn_echoes_in: "Acknowledgements received that echo such a mark (ECE).",
    tcp_black_holes: "Paths suspected to drop large packets without a word (RFC 4821).",
    tcp_mtu_probes: "Larger segments sent to find out what such a path takes.",
    tcp_mtu_probes_arrived: "Those of them that arrived.",
    tcp_icmp_aborts: "Connection attempts ended by an ICMP error.",
}

#[cfg(test)]
mod tests {
    use super::Counters;

    #[test]
    fn the_walk_names_every_counter_once() {
        let counters = Counters { frames_in: 3, ..Counters::default() };
        let mut names = Vec::new();
        counters.for_each(|name, value, help| {
            assert_eq!(value, if name == "frames_in" { 3 } else { 0 });
            assert!(help.ends_with('.'), "{name}");
            names.push(name);
        });
        assert_eq!(names.len() * 8, size_of::<Counters>());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len() * 8, size_of::<Counters>());
    }
}
