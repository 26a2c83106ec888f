// Everything that a stranger, a peer or an operator can make grow has its limit here, with its unit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/instant.h"

namespace cygnet::model::limits {

// One IKE message. RFC 7296 §2: 1280 octets must be accepted; we take what UDP can carry.
// Fragments add up to the content of one Encrypted payload, whose length has 16 bits (RFC 7383 §2.5).
inline constexpr std::size_t datagram_octets = 65535;
inline constexpr std::size_t reassembled_message_octets = 65'531;
inline constexpr std::size_t fragments_per_message = 256;
inline constexpr std::size_t payloads_per_message = 128;
inline constexpr std::size_t proposals_per_sa_payload = 64;
inline constexpr std::size_t transforms_per_proposal = 255;
inline constexpr std::size_t attributes_per_transform = 8;
inline constexpr std::size_t selectors_per_ts_payload = 255;
inline constexpr std::size_t attributes_per_cp_payload = 128;
inline constexpr std::size_t spis_per_delete_payload = 4096;
inline constexpr std::size_t certificates_per_message = 16;
inline constexpr std::size_t certificate_authorities_per_certreq = 512;
inline constexpr std::size_t certreq_connections = 64;  // of those that a first request may mean: whose CAs are asked for

// Announcements of authentication methods, RFC 9593: those of a peer that are looked at. A first response that would become a
// larger IP datagram than this leaves ours to IKE_INTERMEDIATE.
inline constexpr std::size_t announcements_per_peer = 128;
inline constexpr std::size_t first_response_ip_octets = 1280;

inline constexpr std::size_t identity_octets = 4096;  // of an ID payload: more than the longest distinguished name
inline constexpr std::size_t authentication_rounds = 8;  // of one side, RFC 4739

// Nonces, RFC 7296 §3.9.
inline constexpr std::size_t nonce_octets_min = 16;
inline constexpr std::size_t nonce_octets_max = 256;
// RFC 7383 §2.5, RFC 9242 §3: IKE_SA_INIT is never fragmented but by IP. The largest public value that goes there; the rest have
// rounds of RFC 9370.
inline constexpr std::size_t first_message_key_octets = 2048;
inline constexpr std::size_t nonce_octets = 32;  // what we send: half the largest PRF key is enough for all
inline constexpr std::size_t cookie_octets_max = 64;  // RFC 7296 §2.6

// IKE SAs that have not authenticated yet, RFC 8019 §4: of peers that returned a cookie, in all and per prefix (an IPv4
// address, an IPv6 /64), then what nobody is asked for a cookie below.
inline constexpr std::size_t half_open_total = 10'000;
inline constexpr std::size_t half_open_per_prefix = 2'500;
inline constexpr std::size_t half_open_before_cookies = 100;
inline constexpr std::size_t half_open_per_prefix_before_cookies = 10;
inline constexpr unsigned requests_per_second_before_cookies = 500;
inline constexpr Duration half_open_life = seconds(30);
inline constexpr Duration half_open_life_under_load = seconds(5);
// Puzzles, RFC 8019 §6: asked of everybody, or of one prefix, beyond so many half-open IKE SAs with a proven address.
inline constexpr std::size_t half_open_before_puzzles = 2'000;
inline constexpr std::size_t half_open_per_prefix_before_puzzles = 64;
inline constexpr unsigned puzzle_difficulty_min = 14;       // bits, at the threshold; 18 is a fraction of a second
inline constexpr unsigned puzzle_difficulty_max = 20;       // at half_open_total
inline constexpr unsigned puzzle_difficulty_accepted = 20;  // what we solve as initiator
inline constexpr unsigned puzzle_difficulty_of_choice = 16; // when the responder leaves it to us
inline constexpr unsigned puzzle_legacy_share = 8;          // one in so many gets in without a solution
inline constexpr unsigned wasted_secrets_before_puzzles = 50;  // per second: garbage in place of IKE_AUTH
inline constexpr unsigned first_answer_repeats = 16;  // of the answer to one IKE_SA_INIT request
// Protected messages that wait while the first keys are computed: of one SA, and of all.
inline constexpr std::size_t waiting_datagrams_per_half_open = 64;
inline constexpr std::size_t waiting_octets_per_half_open = 128 * 1024;
inline constexpr std::size_t waiting_octets = 16 * 1024 * 1024;
inline constexpr std::size_t forged_messages_per_half_open = 64;  // undecryptable requests before we let it go
// Public values of key exchanges that come in pieces (docs/protocol/large-key-exchange.md). How large a value may be that goes
// whole, in one KE payload. How much of unfinished ones is kept: of peers that have not authenticated in all and per prefix,
// and of the others. A sender that is slower than so many octets per second loses its half-open IKE SA.
inline constexpr std::size_t key_octets_in_one_payload = 65'000;
inline constexpr std::size_t key_octets_of_strangers = 64 * 1024 * 1024;
inline constexpr std::size_t key_octets_per_prefix = 16 * 1024 * 1024;
inline constexpr std::size_t key_octets_of_peers = 256 * 1024 * 1024;
inline constexpr std::size_t key_octets_per_second = 4096;
// Pieces: the smallest but the last; over TCP; over UDP in fragments, RFC 8085 §3.1.1: as many at first as RFC 6928 lets a TCP
// sender have under way, then by what is lost.
inline constexpr std::size_t key_piece_octets_min = 1024;
inline constexpr std::size_t key_piece_octets_tcp = 48 * 1024;
inline constexpr unsigned key_piece_fragments = 10, key_piece_fragments_min = 5, key_piece_fragments_max = 40;
// When a piece is sent again, RFC 6298 §2: before a round trip is known, and at least.
inline constexpr Duration key_piece_patience = seconds(1), key_piece_patience_min = milliseconds(200);
inline constexpr unsigned sa_init_retries = 5;                    // cookies and INVALID_KE_PAYLOAD rounds we follow
inline constexpr unsigned invalid_spi_replies_per_second = 20;

// Established IKE SAs.
inline constexpr std::size_t ike_sas = 200'000;
inline constexpr std::size_t children_per_ike_sa = 256;
inline constexpr std::size_t anonymous_ike_sas = 1000;           // NULL authentication, RFC 7619 §3.2
inline constexpr std::size_t children_per_anonymous_ike_sa = 4;
inline constexpr std::size_t queued_exchanges_per_ike_sa = 64;
inline constexpr std::size_t policies = 100'000;                  // traps and shunts
inline constexpr Duration acquire_pause = seconds(5);              // between two attempts for the same packet of a trap
inline constexpr Duration invalid_selectors_pause = seconds(10);   // between two INVALID_SELECTORS about one child
inline constexpr std::size_t invalid_selectors_octets = 128;       // of the offending packet that are shown to the peer
inline constexpr unsigned create_child_requests_per_minute = 120;  // of one peer, those of rekeys among them
inline constexpr unsigned create_child_requests_at_once = 300;
inline constexpr unsigned window_size = 4;       // requests of a peer that we keep at once, unless configured
inline constexpr unsigned window_size_max = 64;
inline constexpr unsigned invalid_message_ids_per_minute = 6;  // that one IKE SA reports (RFC 7296 §2.3)
// Message IDs never wrap (RFC 7296 §2.2): of either side, from which on the IKE SA is rekeyed, from which on it is deleted,
// and which no request has any more.
inline constexpr std::uint32_t message_id_rekey = 0xffff'0000;
inline constexpr std::uint32_t message_id_delete = 0xffff'ff00;
inline constexpr std::uint32_t message_id_end = 0xffff'fffe;
inline constexpr Duration message_id_pause = seconds(10);  // between two attempts to rekey for them
inline constexpr unsigned lost_followup_series = 3;  // in a row, then the IKE SA ends (RFC 9370 §2.2.4)
inline constexpr std::size_t ike_sas_per_cloning_peer = 16;  // RFC 7791: no more clones then

// Reauthentication: how soon after an authentication the next may begin, how soon after a failed one; how long a peer may
// take when it is asked to; how long a second SA from the same address may stand beside the first where unique forbids two.
inline constexpr Duration reauthentication_pause = seconds(5);
inline constexpr Duration reauthentication_retry = seconds(10);
inline constexpr Duration reauthentication_patience = seconds(60);
inline constexpr Duration unique_overlap = seconds(10);
inline constexpr unsigned rekeys_followed = 16;  // from an IKE SA to the one that carries its children now

// MOBIKE (RFC 4555) and redirection (RFC 5685 §7).
inline constexpr std::size_t announced_addresses = 16;       // of ours, in one message
inline constexpr std::size_t peer_addresses = 32;            // kept of what the peer announces
inline constexpr std::size_t proven_addresses = 16;          // at which the peer has answered
inline constexpr std::size_t candidate_paths = 32;           // of one IKE SA
inline constexpr unsigned unexpected_nat_retries = 5;        // RFC 4555 §3.9
inline constexpr unsigned redirects_per_period = 5;          // MAX_REDIRECTS
inline constexpr Duration redirect_period = seconds(300);    // REDIRECT_LOOP_DETECT_PERIOD
inline constexpr std::size_t gateway_name_octets = 255;
inline constexpr std::size_t pending_redirects = 4096;  // whose gateways are being looked up

// Child SAs of single workers (RFC 9611): those with the same selectors, the first included; how long after a refusal or a loss
// until the next is asked for, doubled each time; from when on the peer has the keys of one that it asked for.
inline constexpr std::size_t children_per_selectors = 64;
inline constexpr Duration resource_pause_first = seconds(5);
inline constexpr Duration resource_pause_max = minutes(10);
inline constexpr Duration resource_settled = milliseconds(500);
inline constexpr Duration resource_wish_interval = seconds(1);  // of one worker and child, from the data plane
inline constexpr std::size_t resource_wishes = 1024;            // remembered by one worker

inline constexpr std::size_t key_pads = 64;                  // of shared keys used last, RFC 7296 §2.15

// Session resumption, RFC 5723 §6.2 and §9.
inline constexpr Duration ticket_life = hours(24);          // at most; the IKE SA's own lifetimes shorten it
inline constexpr Duration ticket_key_life = hours(24);      // for sealing; it opens tickets as long again
inline constexpr std::size_t ticket_keys = 16;              // kept across restarts, each of which begins a new one
inline constexpr std::size_t tickets_remembered = 100'000;  // stateful ones, and used or revoked ones
inline constexpr std::size_t ticket_octets_max = 2048;      // what a peer may give us to keep

// Postquantum preshared keys, RFC 8784 and RFC 9867.
inline constexpr std::size_t ppk_id_octets = 256;            // with the octet of the type
inline constexpr std::size_t ppks_per_message = 8;           // offers that are looked at, and that we make
inline constexpr std::size_t ppk_octets_min = 32;            // of a one-time key: 128 bits against a quantum computer (RFC 8784 §6)
inline constexpr std::size_t ppk_octets_max = 4096;
inline constexpr std::size_t ppk_sources_asked = 4;          // for the ids of one message
inline constexpr std::size_t ppk_wishes_under_way = 128;     // of all IKE SAs
inline constexpr unsigned ppk_threads = 2;
inline constexpr Duration ppk_deadline = seconds(5);         // of a source's answer
inline constexpr std::size_t qkd_answer_octets = 64 * 1024;

// Quick crash detection, RFC 6290 §5 and §8.1.
inline constexpr std::size_t crash_token_octets_min = 16, crash_token_octets_max = 128;
inline constexpr unsigned crash_tokens_per_message = 4;
inline constexpr unsigned crash_tokens_checked_per_second = 20;  // of one IKE SA
inline constexpr unsigned crash_tokens_sent_per_second = 500;

// Retransmission, as strongSwan's defaults: 4 s, times 1.8, five times.
inline constexpr Duration retransmit_first = milliseconds(4000);
inline constexpr double retransmit_factor = 1.8;
inline constexpr unsigned retransmit_tries = 5;
inline constexpr Duration nat_keepalive = seconds(20);  // RFC 3948 §4
inline constexpr Duration followup_ke_wait = seconds(20);  // RFC 9370 §2.2.4
inline constexpr Duration deleted_child_grace = seconds(5);  // old inbound SA after a rekey
inline constexpr Duration temporary_failure_pause = seconds(3);
inline constexpr unsigned temporary_failures = 10;       // of one exchange, then it is given up
inline constexpr Duration rekey_retry = seconds(60);     // then, as long as the lifetime lets it

// Fragmentation, RFC 7383 §2.5.1: IP datagram sizes. §2.5.2: those that are tried after a larger one when nothing comes
// back, soon after one above 1280. No link of IPv4 is narrower than 576 octets, none of IPv6 than 1280.
inline constexpr std::size_t fragment_ip_octets = 1280;
inline constexpr std::size_t fragment_ip_octets_tried[] = {1280, 576};
inline constexpr std::size_t fragment_ip_octets_min_v4 = 576;
inline constexpr std::size_t fragment_ip_octets_min_v6 = 1280;
inline constexpr Duration path_probe_first = seconds(1);
inline constexpr double path_probe_factor = 2.0;
inline constexpr unsigned path_probe_tries = 1;             // after the first transmission
inline constexpr unsigned small_path_probe_tries = 2;       // of 1280 octets or less
inline constexpr unsigned repeats_before_smaller_answer = 2;  // of one request
inline constexpr std::size_t path_sizes_remembered = 4096;  // peers' addresses with a narrow path
inline constexpr Duration path_size_memory = minutes(10);   // RFC 1191 §6.3

// TCP encapsulation, RFC 9329.
inline constexpr std::size_t tcp_streams = 1024;                     // accepted ones
inline constexpr std::size_t tcp_streams_per_prefix = 64;            // of these from one IPv4 /24 or IPv6 /64
inline constexpr Duration tcp_prefix_wait = seconds(5);              // until "IKETCP" is complete
inline constexpr Duration tcp_first_message_wait = seconds(30);      // until a message is authentic
inline constexpr Duration tcp_frame_wait = seconds(20);              // until a message that has begun is complete
inline constexpr std::size_t tcp_queued_octets = 256 * 1024;         // unsent: beyond it ESP packets are dropped
inline constexpr std::size_t tcp_queued_octets_max = 1024 * 1024;    // beyond it the stream is closed
inline constexpr std::size_t tcp_bad_messages = 16;                  // in a row, then the stream is taken for corrupt
inline constexpr Duration tcp_connect_wait = seconds(10);
inline constexpr Duration tcp_unacknowledged_wait = seconds(20);     // then the stream is lost (TCP_USER_TIMEOUT)
inline constexpr Duration tcp_keepalive_idle = seconds(60);          // finds streams whose other end has vanished
inline constexpr Duration tcp_close_grace = seconds(5);              // §6.1: for what is still under way
inline constexpr Duration tcp_reconnect_first = seconds(1);          // doubles with each failure
inline constexpr Duration tcp_reconnect_max = seconds(30);
inline constexpr unsigned tcp_fallback_transmissions = 2;            // unanswered ones over UDP, §5.1

// Certificates: what is remembered of them, and what may be fetched because of them.
inline constexpr std::size_t validated_chains = 4096;
inline constexpr std::size_t look_up_uris_per_certificate = 8;
inline constexpr std::size_t look_up_uri_octets = 1024;
inline constexpr std::size_t revocation_verdicts = 16'384;
inline constexpr std::size_t cached_crls = 128;
inline constexpr std::size_t cached_crl_octets = 128 * 1024 * 1024;  // of all together
inline constexpr std::size_t crl_octets = 16 * 1024 * 1024;
inline constexpr std::size_t ocsp_response_octets = 32 * 1024;
inline constexpr std::size_t fetched_certificate_octets = 64 * 1024;
inline constexpr std::size_t fetches_under_way = 256;
inline constexpr std::size_t fetches_for_strangers = 16;  // of them: certificates by URL, before the peer is known
inline constexpr unsigned fetch_threads = 6;
inline constexpr unsigned fetch_threads_for_strangers = 2;
inline constexpr unsigned http_redirects = 3;
inline constexpr Duration fetch_deadline = seconds(5);     // of one
inline constexpr Duration look_up_patience = seconds(12);  // of one peer's authentication: later ones are not begun
inline constexpr Duration failed_fetch_memory = seconds(60);
inline constexpr Duration clock_skew = minutes(5);         // between us and who signed a CRL or an OCSP response

// Control socket, facts-vici 1.
inline constexpr std::size_t vici_segment_octets = 512 * 1024;
inline constexpr std::size_t vici_nesting = 16;
inline constexpr std::size_t vici_clients = 64;
inline constexpr std::size_t vici_waiting_commands = 64;  // of one client, behind a running one
inline constexpr std::size_t vici_traces = 512;           // messages remembered for the ladder
inline constexpr std::size_t vici_queued_octets = 16 * 1024 * 1024;  // unread events per client
inline constexpr std::size_t config_file_octets = 64 * 1024 * 1024;
inline constexpr std::size_t config_include_depth = 16;
inline constexpr std::size_t config_sections_per_written = 100;  // what inheritance may make of a section that is written
// keep_up = yes.
inline constexpr Duration keep_up_pause_lost = milliseconds(500);  // after a loss: the other side may be at it as well
inline constexpr Duration keep_up_pause_first = seconds(1);        // doubled after each failure
inline constexpr Duration keep_up_pause_max = seconds(60);
inline constexpr Duration keep_up_pause_refused = seconds(30);     // the same when the peer said no
inline constexpr Duration keep_up_pause_refused_max = minutes(10);
inline constexpr std::size_t keep_up_attempts_at_once = 256;
inline constexpr Duration keep_up_liveness = seconds(30);          // dpd_delay where it is not given
inline constexpr std::size_t remote_addresses = 16;                // that one attempt of a connection tries in turn

// Failures of strangers, the newest of which `cygnet why` shows; those of connections are bounded by the configuration.
inline constexpr std::size_t stranger_failures = 32;
inline constexpr std::size_t failure_text_octets = 2048;  // of each part of one: what a peer says can be long
inline constexpr std::size_t failure_candidates = 4;      // connections that one sentence names
inline constexpr std::size_t failure_scan = 256;          // connections that are looked at to find the nearest
inline constexpr unsigned log_lines_per_second = 500;  // of levels that strangers can cause
inline constexpr std::size_t configured_connections = 1'000'000;

// Data plane.
inline constexpr std::size_t batch_packets = 128;
inline constexpr std::size_t replay_window_packets_max = 65536;
inline constexpr std::size_t prefixes_per_child = 1024;              // of its remote selectors
inline constexpr std::size_t kernel_policies_per_child = 256;         // pairs of prefixes and ports, in each direction
inline constexpr std::uint32_t kernel_replay_window_packets_max = 4096;  // what the kernel takes
inline constexpr std::size_t clear_check_pairs_per_child = 4096;     // pairs of prefixes and ports that must not come in the clear
inline constexpr std::size_t clear_check_shapes = 512;               // lengths of these, of all children together: a look-up each
inline constexpr std::size_t held_packets_per_policy = 64;           // of a trap, while its child comes up
inline constexpr std::size_t held_octets = 16 * 1024 * 1024;         // of all traps together
inline constexpr Duration held_packet_life = seconds(30);
inline constexpr Duration acquire_interval = seconds(1);             // of one trap, from the data plane
inline constexpr std::uint32_t tfc_padding_max = 1400;               // octets
// RFC 4301 §6.1.1: an unauthenticated message makes no path smaller than this. RFC 8200 §5: no IPv6 path is.
inline constexpr std::uint32_t path_mtu_min_v4 = 576, path_mtu_min_v6 = 1280;
inline constexpr Duration path_mtu_ask = seconds(10);                // the kernel is asked again
inline constexpr Duration path_mtu_memory = minutes(10);             // RFC 4301 §8.2.2: of what fragments have shown
// IPComp. RFC 2394 §3: less is not worth an attempt. What one packet may become: an IP packet is no longer. RFC 3173 §2.2:
// flows whose last attempts were in vain are spared, each of them for twice as many packets as before, up to so many; flows
// that one worker remembers, a power of two.
inline constexpr std::size_t ipcomp_octets_min = 90;
inline constexpr std::size_t decompressed_octets_max = 65535;
inline constexpr unsigned ipcomp_packets_spared_max = 256;
inline constexpr std::size_t ipcomp_flows = 1024;
inline constexpr unsigned icmp_errors_per_second = 1000;             // to inner senders, of each worker

}  // namespace cygnet::model::limits
