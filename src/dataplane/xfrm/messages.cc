#include "dataplane/xfrm/messages.h"

#include <linux/udp.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/big_endian.h"

namespace cygnet::dataplane::xfrm {
namespace {

constexpr std::uint32_t word_bits = 32;
bool is_ours(std::uint8_t protocol) { return protocol == IPPROTO_ESP || protocol == IPPROTO_AH; }

// ---- addresses, selectors, lifetimes --------------------------------------------------------------

std::uint16_t number_of(model::Family family) { return family == model::Family::v4 ? AF_INET : AF_INET6; }
model::Family family_of(std::uint16_t number) { return number == AF_INET6 ? model::Family::v6 : model::Family::v4; }

xfrm_address_t address_of(const model::IpAddress& address) {
    xfrm_address_t octets{};
    std::ranges::copy(address.bytes(), reinterpret_cast<std::uint8_t*>(&octets));
    return octets;
}

model::IpAddress address_from(const xfrm_address_t& octets, std::uint16_t family) {
    const auto size = model::address_size(family_of(family));
    return *model::IpAddress::from_bytes({reinterpret_cast<const std::uint8_t*>(&octets), size});
}

xfrm_selector selector_of(const Selector& selector) {
    xfrm_selector s{};
    s.family = number_of(selector.source.address.family());
    s.saddr = address_of(selector.source.address);
    s.daddr = address_of(selector.destination.address);
    s.prefixlen_s = static_cast<std::uint8_t>(selector.source.bits);
    s.prefixlen_d = static_cast<std::uint8_t>(selector.destination.bits);
    s.proto = selector.protocol;
    s.sport = in_network_order(selector.source_port.value);
    s.sport_mask = in_network_order(selector.source_port.mask);
    s.dport = in_network_order(selector.destination_port.value);
    s.dport_mask = in_network_order(selector.destination_port.mask);
    return s;
}

Selector selector_from(const xfrm_selector& s) {
    return {.source = {address_from(s.saddr, s.family), s.prefixlen_s},
            .destination = {address_from(s.daddr, s.family), s.prefixlen_d},
            .protocol = s.proto,
            .source_port = {in_network_order(s.sport), in_network_order(s.sport_mask)},
            .destination_port = {in_network_order(s.dport), in_network_order(s.dport_mask)}};
}

std::uint64_t limit_of(std::uint64_t value) { return value == 0 ? XFRM_INF : value; }
std::uint64_t limit_from(std::uint64_t value) { return value == XFRM_INF ? 0 : value; }

xfrm_lifetime_cfg lifetime_of(const model::SaLimits& limits) {
    xfrm_lifetime_cfg l{};
    l.soft_byte_limit = limit_of(limits.soft_bytes);
    l.hard_byte_limit = limit_of(limits.hard_bytes);
    l.soft_packet_limit = limit_of(limits.soft_packets);
    l.hard_packet_limit = limit_of(limits.hard_packets);
    l.hard_add_expires_seconds = limits.hard_seconds;
    return l;
}

model::SaLimits limits_from(const xfrm_lifetime_cfg& l) {
    return {limit_from(l.soft_byte_limit), limit_from(l.hard_byte_limit), limit_from(l.soft_packet_limit),
            limit_from(l.hard_packet_limit), l.hard_add_expires_seconds};
}

std::uint8_t number_of(model::ChildMode mode) {
    if (mode == model::ChildMode::beet) return XFRM_MODE_BEET;
    return mode == model::ChildMode::transport ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
}
model::ChildMode mode_from(std::uint8_t number) {
    if (number == XFRM_MODE_BEET) return model::ChildMode::beet;
    return number == XFRM_MODE_TRANSPORT ? model::ChildMode::transport : model::ChildMode::tunnel;
}

void put_mark(Message& message, const Mark& mark) {
    if (mark.mask != 0) message.attribute(XFRMA_MARK, xfrm_mark{.v = mark.value, .m = mark.mask});
}

Mark mark_from(const Attributes& attributes) {
    const auto mark = attributes.value<xfrm_mark>(XFRMA_MARK);
    return mark ? Mark{mark->v, mark->m} : Mark{};
}

void put_interface(Message& message, std::uint32_t interface) {
    if (interface != 0) message.attribute(XFRMA_IF_ID, interface);
}

void put_offload(Message& message, const std::optional<Offload>& offload, model::Family family) {
    if (!offload) return;
    xfrm_user_offload o{};
    o.ifindex = static_cast<int>(offload->device);
    o.flags = static_cast<std::uint8_t>((family == model::Family::v6 ? XFRM_OFFLOAD_IPV6 : 0) |
                                        (offload->inbound ? XFRM_OFFLOAD_INBOUND : 0) |
                                        (offload->packets ? XFRM_OFFLOAD_PACKET : 0));
    message.attribute(XFRMA_OFFLOAD_DEV, o);
}

std::optional<Offload> offload_from(const Attributes& attributes) {
    const auto o = attributes.value<xfrm_user_offload>(XFRMA_OFFLOAD_DEV);
    if (!o) return std::nullopt;
    return Offload{static_cast<std::uint32_t>(o->ifindex), (o->flags & XFRM_OFFLOAD_INBOUND) != 0,
                   (o->flags & XFRM_OFFLOAD_PACKET) != 0};
}

// ---- algorithms -----------------------------------------------------------------------------------

void copy_name(char (&to)[64], const std::string& name) {
    ASSERT(name.size() < sizeof to);
    std::ranges::copy(name, to);
}

void put_suite(Message& message, const Suite& suite) {
    const auto bits = [](const Algorithm& algorithm) { return static_cast<unsigned>(8 * algorithm.key.size()); };
    if (suite.aead) {
        xfrm_algo_aead a{};
        copy_name(a.alg_name, suite.aead->name);
        a.alg_key_len = bits(*suite.aead);
        a.alg_icv_len = suite.aead->icv_bits;
        message.attribute(XFRMA_ALG_AEAD, Message::view_of(a), suite.aead->key.reveal());
    }
    if (suite.cipher) {
        xfrm_algo a{};
        copy_name(a.alg_name, suite.cipher->name);
        a.alg_key_len = bits(*suite.cipher);
        message.attribute(XFRMA_ALG_CRYPT, Message::view_of(a), suite.cipher->key.reveal());
    }
    if (suite.integrity) {
        xfrm_algo_auth a{};
        copy_name(a.alg_name, suite.integrity->name);
        a.alg_key_len = bits(*suite.integrity);
        a.alg_trunc_len = suite.integrity->icv_bits;
        message.attribute(XFRMA_ALG_AUTH_TRUNC, Message::view_of(a), suite.integrity->key.reveal());
    }
    if (suite.compression) {
        xfrm_algo a{};
        copy_name(a.alg_name, suite.compression->name);
        message.attribute(XFRMA_ALG_COMP, a);
    }
}

template <class Structure>
std::optional<Algorithm> algorithm_from(const Attributes& attributes, std::uint16_t type, unsigned Structure::*icv_bits) {
    const ByteView octets = attributes.bytes(type);
    Structure a;
    if (!read_front(octets, a) || octets.size() < sizeof a + a.alg_key_len / 8) return std::nullopt;
    return Algorithm{.name = std::string(a.alg_name, ::strnlen(a.alg_name, sizeof a.alg_name)),
                     .key = SecretBytes::copy_of(octets.subspan(sizeof a, a.alg_key_len / 8)),
                     .icv_bits = icv_bits != nullptr ? a.*icv_bits : 0};
}

// ---- sequence numbers -----------------------------------------------------------------------------

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

void put_replay(Message& message, const ReplayState& replay) {
    const std::uint32_t words = (replay.window + word_bits - 1) / word_bits;
    xfrm_replay_state_esn r{};
    r.bmp_len = words;
    r.oseq = low(replay.sent);
    r.oseq_hi = high(replay.sent);
    r.seq = low(replay.received);
    r.seq_hi = high(replay.received);
    r.replay_window = replay.window;
    std::vector<std::uint32_t> bitmap = replay.bitmap;
    bitmap.resize(words);
    message.attribute(XFRMA_REPLAY_ESN_VAL, Message::view_of(r),
                      {reinterpret_cast<const std::uint8_t*>(bitmap.data()), bitmap.size() * sizeof(std::uint32_t)});
}

ReplayState replay_from(const Attributes& attributes) {
    const ByteView octets = attributes.bytes(XFRMA_REPLAY_ESN_VAL);
    xfrm_replay_state_esn r;
    if (!read_front(octets, r)) return {};
    ReplayState replay{.window = r.replay_window,
                       .sent = std::uint64_t{r.oseq_hi} << 32 | r.oseq,
                       .received = std::uint64_t{r.seq_hi} << 32 | r.seq};
    ByteView words = octets.subspan(sizeof r);
    while (replay.bitmap.size() < r.bmp_len) {
        const auto word = front_of<std::uint32_t>(words);
        if (!word) break;
        replay.bitmap.push_back(*word);
        words = words.subspan(sizeof *word);
    }
    return replay;
}

// ---- states ---------------------------------------------------------------------------------------

std::uint8_t flags_of(const State& state) {
    // Inside a tunnel there are packets of both families.
    unsigned flags = state.mode == model::ChildMode::tunnel ? XFRM_STATE_AF_UNSPEC : 0;
    // RFC 4302 §3.3.3.2.1; without it the kernel pads to 8 octets, as IPv6 wants it.
    const bool ah4 = state.id.protocol == IPPROTO_AH && state.id.destination.family() == model::Family::v4;
    if (ah4) flags |= XFRM_STATE_ALIGN4;
    if (state.esn) flags |= XFRM_STATE_ESN;
    if (state.copy_dscp_in) flags |= XFRM_STATE_DECAP_DSCP;
    if (!state.copy_ecn) flags |= XFRM_STATE_NOECN;
    if (!state.copy_df) flags |= XFRM_STATE_NOPMTUDISC;
    if (state.unrelated_icmp) flags |= XFRM_STATE_ICMP;
    return static_cast<std::uint8_t>(flags);
}

xfrm_encap_tmpl encapsulation_of(const Encapsulation& encapsulation) {
    xfrm_encap_tmpl e{};
    e.encap_type = UDP_ENCAP_ESPINUDP;
    e.encap_sport = in_network_order(encapsulation.source_port);
    e.encap_dport = in_network_order(encapsulation.destination_port);
    return e;
}

xfrm_usersa_id id_of(const StateId& id) {
    xfrm_usersa_id named{};
    named.daddr = address_of(id.destination);
    named.spi = in_network_order(id.spi);
    named.family = number_of(id.destination.family());
    named.proto = id.protocol;
    return named;
}

template <class Body>
Message about_state(std::uint16_t type, std::uint16_t flags, const Body& body, const Mark& mark) {
    Message message(type, flags);
    message.body(body);
    put_mark(message, mark);
    return message;
}

// ---- policies -------------------------------------------------------------------------------------

xfrm_user_tmpl template_of(const Template& protect) {
    xfrm_user_tmpl t{};
    t.id.daddr = address_of(protect.destination);
    t.id.spi = in_network_order(protect.spi);
    t.id.proto = protect.protocol;
    t.optional = protect.optional;
    t.family = number_of(protect.destination.family());
    t.saddr = address_of(protect.source);
    t.reqid = protect.reqid;
    t.mode = number_of(protect.mode);
    t.aalgos = t.ealgos = t.calgos = ~0U;
    return t;
}

Template template_from(const xfrm_user_tmpl& t) {
    return {.source = address_from(t.saddr, t.family),
            .destination = address_from(t.id.daddr, t.family),
            .spi = in_network_order(t.id.spi),
            .reqid = t.reqid,
            .mode = mode_from(t.mode),
            .protocol = t.id.proto,
            .optional = t.optional != 0};
}

ByteView view_of(const std::vector<xfrm_user_tmpl>& templates) {
    return {reinterpret_cast<const std::uint8_t*>(templates.data()), templates.size() * sizeof templates.front()};
}

// What the kernel wants to see of a lifetime that never ends.
xfrm_lifetime_cfg forever() { return lifetime_of({}); }

}  // namespace

Message add_state(const State& state) {
    Message message(XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);
    xfrm_usersa_info info{};
    info.id.daddr = address_of(state.id.destination);
    info.id.spi = in_network_order(state.id.spi);
    info.id.proto = state.id.protocol;
    info.saddr = address_of(state.source);
    if (state.selector) info.sel = selector_of(*state.selector);
    info.lft = lifetime_of(state.limits);
    info.reqid = state.reqid;
    info.family = number_of(state.id.destination.family());
    info.mode = number_of(state.mode);
    info.flags = flags_of(state);
    message.body(info);
    put_suite(message, state.suite);
    if (state.id.protocol != IPPROTO_COMP) put_replay(message, state.replay);
    if (state.encapsulation) message.attribute(XFRMA_ENCAP, encapsulation_of(*state.encapsulation));
    if (state.tfc_padding != 0) message.attribute(XFRMA_TFCPAD, state.tfc_padding);
    if (!state.copy_dscp_out) message.attribute(XFRMA_SA_EXTRA_FLAGS, std::uint32_t{XFRM_SA_XFLAG_DONT_ENCAP_DSCP});
    put_mark(message, state.id.mark);
    if (state.set_mark.mask != 0) {
        message.attribute(XFRMA_SET_MARK, state.set_mark.value);
        message.attribute(XFRMA_SET_MARK_MASK, state.set_mark.mask);
    }
    put_interface(message, state.interface);
    put_offload(message, state.offload, state.id.destination.family());
    return message;
}

Message remove_state(const StateId& id) { return about_state(XFRM_MSG_DELSA, 0, id_of(id), id.mark); }

Message get_state(const StateId& id) { return about_state(XFRM_MSG_GETSA, 0, id_of(id), id.mark); }

Message set_replay(const StateId& id, const ReplayState& replay) {
    xfrm_aevent_id event{};
    event.sa_id = id_of(id);
    event.flags = XFRM_AE_RVAL;
    // The kernel knows this message only as one that replaces.
    Message message = about_state(XFRM_MSG_NEWAE, NLM_F_REPLACE, event, id.mark);
    put_replay(message, replay);
    return message;
}

Message put_policy(const PolicyName& name, const PolicyAction& action) {
    Message message(XFRM_MSG_UPDPOLICY, NLM_F_CREATE);
    xfrm_userpolicy_info info{};
    info.sel = selector_of(name.selector);
    info.lft = forever();
    info.priority = action.priority;
    info.dir = static_cast<std::uint8_t>(name.direction);
    info.action = action.drop ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
    info.share = XFRM_SHARE_ANY;
    message.body(info);
    // In the order in which they are applied to what goes out.
    std::vector<xfrm_user_tmpl> templates;
    for (const auto* one : {&action.compress, &action.protect})
        if (*one) templates.push_back(template_of(**one));
    if (!templates.empty()) message.attribute(XFRMA_TMPL, view_of(templates), {});
    put_mark(message, name.mark);
    put_interface(message, name.interface);
    // The kernel wants no other flag with a policy.
    if (action.offload)
        message.attribute(XFRMA_OFFLOAD_DEV,
                          xfrm_user_offload{.ifindex = static_cast<int>(action.offload->device), .flags = XFRM_OFFLOAD_PACKET});
    return message;
}

Message remove_policy(const PolicyName& name) {
    Message message(XFRM_MSG_DELPOLICY);
    xfrm_userpolicy_id id{};
    id.sel = selector_of(name.selector);
    id.dir = static_cast<std::uint8_t>(name.direction);
    message.body(id);
    put_mark(message, name.mark);
    put_interface(message, name.interface);
    return message;
}

Message migrate(const Move& move) {
    Message message(XFRM_MSG_MIGRATE);
    xfrm_userpolicy_id id{};
    id.sel = selector_of(move.policy.selector);
    id.dir = static_cast<std::uint8_t>(move.policy.direction);
    message.body(id);
    xfrm_user_migrate m{};
    m.old_daddr = address_of(move.old_destination);
    m.old_saddr = address_of(move.old_source);
    m.new_daddr = address_of(move.new_destination);
    m.new_saddr = address_of(move.new_source);
    m.proto = move.protocol;
    m.mode = number_of(move.mode);
    m.reqid = move.reqid;
    m.old_family = number_of(move.old_destination.family());
    m.new_family = number_of(move.new_destination.family());
    message.attribute(XFRMA_MIGRATE, m);
    if (move.encapsulation) message.attribute(XFRMA_ENCAP, encapsulation_of(*move.encapsulation));
    put_interface(message, move.policy.interface);
    return message;
}

Result<State> read_state(ByteView body) {
    const auto info = front_of<xfrm_usersa_info>(body);
    if (!info) return fail(Errc::truncated, "state");
    const auto attributes = Attributes::after<xfrm_usersa_info>(body);
    State state;
    state.id = {.spi = in_network_order(info->id.spi),
                .destination = address_from(info->id.daddr, info->family),
                .mark = mark_from(attributes),
                .protocol = info->id.proto};
    state.source = address_from(info->saddr, info->family);
    state.reqid = info->reqid;
    state.mode = mode_from(info->mode);
    if (state.mode == model::ChildMode::beet) state.selector = selector_from(info->sel);
    state.suite.aead = algorithm_from<xfrm_algo_aead>(attributes, XFRMA_ALG_AEAD, &xfrm_algo_aead::alg_icv_len);
    state.suite.cipher = algorithm_from<xfrm_algo>(attributes, XFRMA_ALG_CRYPT, nullptr);
    state.suite.integrity = algorithm_from<xfrm_algo_auth>(attributes, XFRMA_ALG_AUTH_TRUNC, &xfrm_algo_auth::alg_trunc_len);
    state.suite.compression = algorithm_from<xfrm_algo>(attributes, XFRMA_ALG_COMP, nullptr);
    state.esn = (info->flags & XFRM_STATE_ESN) != 0;
    state.copy_dscp_in = (info->flags & XFRM_STATE_DECAP_DSCP) != 0;
    state.copy_ecn = (info->flags & XFRM_STATE_NOECN) == 0;
    state.copy_df = (info->flags & XFRM_STATE_NOPMTUDISC) == 0;
    state.unrelated_icmp = (info->flags & XFRM_STATE_ICMP) != 0;
    const auto extra = attributes.value<std::uint32_t>(XFRMA_SA_EXTRA_FLAGS).value_or(0);
    state.copy_dscp_out = (extra & XFRM_SA_XFLAG_DONT_ENCAP_DSCP) == 0;
    state.replay = replay_from(attributes);
    if (const auto e = attributes.value<xfrm_encap_tmpl>(XFRMA_ENCAP))
        state.encapsulation = {in_network_order(e->encap_sport), in_network_order(e->encap_dport)};
    state.tfc_padding = attributes.value<std::uint32_t>(XFRMA_TFCPAD).value_or(0);
    state.limits = limits_from(info->lft);
    if (const auto value = attributes.value<std::uint32_t>(XFRMA_SET_MARK))
        state.set_mark = {*value, attributes.value<std::uint32_t>(XFRMA_SET_MARK_MASK).value_or(~0U)};
    state.interface = attributes.value<std::uint32_t>(XFRMA_IF_ID).value_or(0);
    state.offload = offload_from(attributes);
    state.bytes = info->curlft.bytes;
    state.packets = info->curlft.packets;
    state.last_used = attributes.value<std::uint64_t>(XFRMA_LASTUSED).value_or(0);
    return state;
}

Result<Policy> read_policy(ByteView body) {
    const auto info = front_of<xfrm_userpolicy_info>(body);
    if (!info) return fail(Errc::truncated, "policy");
    const auto attributes = Attributes::after<xfrm_userpolicy_info>(body);
    Policy policy{.name = {.direction = static_cast<Direction>(info->dir),
                           .selector = selector_from(info->sel),
                           .mark = mark_from(attributes),
                           .interface = attributes.value<std::uint32_t>(XFRMA_IF_ID).value_or(0)},
                  .action = {.drop = info->action == XFRM_POLICY_BLOCK, .priority = info->priority}};
    ByteView templates = attributes.bytes(XFRMA_TMPL);
    for (xfrm_user_tmpl t; read_front(templates, t); templates = templates.subspan(sizeof t))
        (t.id.proto == IPPROTO_COMP ? policy.action.compress : policy.action.protect) = template_from(t);
    policy.action.offload = offload_from(attributes);
    return policy;
}

std::optional<KernelEvent> read_event(std::uint16_t type, ByteView body) {
    if (type == XFRM_MSG_ACQUIRE) {
        const auto acquire = front_of<xfrm_user_acquire>(body);
        const auto wanted = Attributes::after<xfrm_user_acquire>(body).value<xfrm_user_tmpl>(XFRMA_TMPL);
        if (!acquire || !wanted) return std::nullopt;
        return Acquire{.reqid = wanted->reqid, .flow = selector_from(acquire->sel)};
    }
    if (type == XFRM_MSG_EXPIRE) {
        const auto expire = front_of<xfrm_user_expire>(body);
        if (!expire || !is_ours(expire->state.id.proto)) return std::nullopt;
        const xfrm_usersa_info& state = expire->state;
        return Expire{.id = {.spi = in_network_order(state.id.spi),
                             .destination = address_from(state.id.daddr, state.family),
                             .mark = mark_from(Attributes::after<xfrm_user_expire>(body)),
                             .protocol = state.id.proto},
                      .hard = expire->hard != 0,
                      .bytes = state.curlft.bytes,
                      .packets = state.curlft.packets};
    }
    if (type == XFRM_MSG_MAPPING) {
        const auto mapping = front_of<xfrm_user_mapping>(body);
        if (!mapping || !is_ours(mapping->id.proto)) return std::nullopt;
        return Mapping{.id = {.spi = in_network_order(mapping->id.spi),
                              .destination = address_from(mapping->id.daddr, mapping->id.family)},
                       .from = {address_from(mapping->new_saddr, mapping->id.family), in_network_order(mapping->new_sport)}};
    }
    return std::nullopt;
}

xfrm_userpolicy_info bypass_of_socket(model::Family family, Direction direction) {
    xfrm_userpolicy_info info{};
    info.sel.family = number_of(family);
    info.lft = forever();
    info.dir = static_cast<std::uint8_t>(direction);
    info.action = XFRM_POLICY_ALLOW;
    return info;
}

}  // namespace cygnet::dataplane::xfrm
