#include "ike/ticket.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"
#include "ike/auth/auth.h"
#include "model/limits.h"

namespace cygnet::ike {
namespace {

constexpr std::uint8_t by_value = 1, by_reference = 2;
constexpr std::uint8_t state_version = 3;
constexpr std::size_t head_octets = 1 + 8, iv_octets = 8, icv_octets = 16;
constexpr const char* where = "ticket";
constexpr std::int64_t key_life_seconds = std::chrono::duration_cast<seconds>(model::limits::ticket_key_life).count();

std::unexpected<Error> useless(std::string why) { return fail(Errc::not_found, where, std::move(why)); }

crypto::Cipher cipher_of(const TicketKey& key) {
    const crypto::CipherSuite suite{.encr = model::Encr::aes_gcm_16, .key_bits = 256};
    auto cipher = crypto::Cipher::make(suite, key.key.reveal(), {});
    ASSERT(cipher.has_value());  // Every build has AES-GCM.
    return std::move(*cipher);
}

// ---- the state as octets --------------------------------------------------------------------------

void write_sized(Writer& writer, ByteView octets) {
    writer.u16(static_cast<std::uint16_t>(octets.size()));
    writer.bytes(octets);
}

Result<ByteView> read_sized(Reader& reader) {
    const std::size_t size = TRY(reader.u16(where));
    return reader.take(size, where);
}

void write_identity(Writer& writer, const model::Identity& id) {
    writer.u8(static_cast<std::uint8_t>(id.type));
    write_sized(writer, id.data);
}

Result<model::Identity> read_identity(Reader& reader) {
    model::Identity id;
    id.type = static_cast<model::IdType>(TRY(reader.u8(where)));
    id.data = keep(TRY(read_sized(reader)));
    return id;
}

std::size_t size_of(const Ticket& ticket) {
    const ResumptionState& state = ticket.state;
    return 256 + state.connection.size() + state.own_id.data.size() + state.peer_id.data.size() +
           5 * state.transforms.size() + state.d.size() + state.ppk_id.size();
}

void write_ticket(Writer& writer, const Ticket& ticket) {
    const ResumptionState& state = ticket.state;
    writer.u8(state_version);
    writer.bytes(ticket.serial);
    writer.u64(static_cast<std::uint64_t>(ticket.expires));
    writer.u64(ticket.spis.initiator);
    writer.u64(ticket.spis.responder);
    write_sized(writer, bytes_of(state.connection));
    write_identity(writer, state.own_id);
    write_identity(writer, state.peer_id);
    writer.u8(static_cast<std::uint8_t>(state.transforms.size()));
    for (const model::Transform& transform : state.transforms) {
        writer.u8(static_cast<std::uint8_t>(transform.type));
        writer.u16(transform.id);
        writer.u16(transform.key_bits.value_or(0));
    }
    write_sized(writer, state.d.reveal());
    writer.bytes(state.policy);
    writer.u64(static_cast<std::uint64_t>(state.authenticated_at));
    write_sized(writer, state.ppk_id);
    writer.u8(state.full_transcript ? 1 : 0);
}

template <std::size_t n>
Result<> read_array(Reader& reader, std::array<std::uint8_t, n>& into) {
    std::ranges::copy(TRY(reader.take(n, where)), into.begin());
    return {};
}

Result<Ticket> read_ticket(ByteView octets) {
    Reader reader(octets);
    if (TRY(reader.u8(where)) != state_version) return useless("it was made by another version");
    Ticket ticket;
    ResumptionState& state = ticket.state;
    TRY(read_array(reader, ticket.serial));
    ticket.expires = static_cast<std::int64_t>(TRY(reader.u64(where)));
    ticket.spis.initiator = TRY(reader.u64(where));
    ticket.spis.responder = TRY(reader.u64(where));
    state.connection = std::string(base::text_of(TRY(read_sized(reader))));
    state.own_id = TRY(read_identity(reader));
    state.peer_id = TRY(read_identity(reader));
    const unsigned transforms = TRY(reader.u8(where));
    for (unsigned i = 0; i < transforms; ++i) {
        model::Transform transform{.type = static_cast<model::TransformType>(TRY(reader.u8(where)))};
        transform.id = TRY(reader.u16(where));
        const std::uint16_t bits = TRY(reader.u16(where));
        if (bits != 0) transform.key_bits = bits;
        state.transforms.push_back(std::move(transform));
    }
    state.d = SecretBytes::copy_of(TRY(read_sized(reader)));
    TRY(read_array(reader, state.policy));
    state.authenticated_at = static_cast<std::int64_t>(TRY(reader.u64(where)));
    state.ppk_id = keep(TRY(read_sized(reader)));
    state.full_transcript = TRY(reader.u8(where)) != 0;
    TRY(reader.finish(where));
    return ticket;
}

// ---- by value -------------------------------------------------------------------------------------

Bytes sealed(const Ticket& ticket, const TicketKey& key, std::uint64_t iv) {
    Bytes octets;
    octets.reserve(size_of(ticket) + head_octets + iv_octets + icv_octets);  // The plaintext must not move.
    Writer writer(octets);
    writer.u8(by_value);
    writer.u64(key.id);
    writer.u64(iv);
    write_ticket(writer, ticket);
    const std::size_t text_end = octets.size();
    writer.zeros(icv_octets);
    const MutableByteView whole(octets);
    const auto done = cipher_of(key).seal(whole.first(head_octets), whole.subspan(head_octets, iv_octets),
                                          whole.subspan(head_octets + iv_octets, text_end - head_octets - iv_octets),
                                          whole.last(icv_octets));
    ASSERT(done.has_value());
    return octets;
}

Result<Ticket> opened(ByteView octets, const TicketKey& key) {
    SecretBytes copy = SecretBytes::copy_of(octets);
    const MutableByteView whole = copy.reveal_for_writing();
    const MutableByteView text =
        whole.subspan(head_octets + iv_octets, whole.size() - head_octets - iv_octets - icv_octets);
    if (!cipher_of(key).open(whole.first(head_octets), whole.subspan(head_octets, iv_octets), text,
                             whole.last(icv_octets)))
        return useless("it is forged or damaged");
    return read_ticket(text);
}

}  // namespace

Result<model::ChosenProposal> ResumptionState::proposal() const {
    const std::array only{
        model::Proposal{.number = 1, .protocol = model::Protocol::ike, .transforms = transforms}};
    return model::choose(only, only, {});
}

// RFC 5723 §9.5: keys change regularly. The old ones open what they sealed until it has expired.
bool TicketOffice::renew_key(KeptSecrets& kept, std::int64_t now, Rng& rng) {
    std::vector<TicketKey>& keys = kept.ticket_keys;
    const auto current = std::ranges::find(keys, sealing_key_, &TicketKey::id);
    if (sealing_key_ != 0 && current != keys.end() && now - current->made_at < key_life_seconds) return false;
    constexpr std::int64_t ticket_life = std::chrono::duration_cast<seconds>(model::limits::ticket_life).count();
    std::erase_if(keys, [&](const TicketKey& key) { return now - key.made_at > key_life_seconds + ticket_life; });
    if (keys.size() == model::limits::ticket_keys) keys.erase(keys.begin());
    TicketKey key{.id = rng.u64() | 1, .made_at = now, .key = SecretBytes(ticket_key_octets)};
    rng.fill(key.key.reveal_for_writing());
    sealing_key_ = key.id;
    next_iv_ = 1;
    keys.push_back(std::move(key));
    return true;
}

TicketOffice::Issued TicketOffice::issue(Ticket ticket, model::Resumption kind, KeptSecrets& kept, std::int64_t now,
                                         Rng& rng) {
    rng.fill(ticket.serial);
    Issued issued{.serial = ticket.serial};
    if (kind == model::Resumption::ticket) {
        issued.new_key = renew_key(kept, now, rng);
        const auto key = std::ranges::find(kept.ticket_keys, sealing_key_, &TicketKey::id);
        issued.octets = sealed(ticket, *key, next_iv_++);
    } else {
        issued.octets = concat({ByteView(&by_reference, 1), ticket.serial});
        remember(ticket.serial, ticket.expires, now);
        kept_[ticket.serial] = std::move(ticket);
    }
    return issued;
}

Result<Ticket> TicketOffice::open(ByteView octets, const KeptSecrets& kept, std::int64_t now) {
    if (octets.size() == 1 + sizeof(TicketSerial) && octets[0] == by_reference) {
        TicketSerial serial{};
        std::ranges::copy(octets.subspan(1), serial.begin());
        const auto found = kept_.find(serial);
        if (found == kept_.end()) return useless("it names nothing that is kept here: unknown, used or revoked");
        const Ticket& known = found->second;
        if (known.expires <= now) return useless("it has expired");
        Ticket copy{.serial = known.serial, .expires = known.expires, .spis = known.spis};
        copy.state = {.connection = known.state.connection, .own_id = known.state.own_id,
                      .peer_id = known.state.peer_id, .transforms = known.state.transforms,
                      .d = known.state.d.clone(), .policy = known.state.policy,
                      .authenticated_at = known.state.authenticated_at, .ppk_id = known.state.ppk_id,
                      .full_transcript = known.state.full_transcript};
        return copy;
    }
    if (octets.size() <= head_octets + iv_octets + icv_octets || octets[0] != by_value)
        return useless("it is not one of ours");
    Reader reader(octets.subspan(1));
    const auto key = std::ranges::find(kept.ticket_keys, *reader.u64(where), &TicketKey::id);
    if (key == kept.ticket_keys.end()) return useless("the key that sealed it is gone");
    Ticket ticket = TRY(opened(octets, *key));
    if (ticket.expires <= now) return useless("it has expired");
    if (invalid_.contains(ticket.serial)) return useless("it was used or revoked");
    return ticket;
}

void TicketOffice::invalidate(const TicketSerial& serial, std::int64_t expires, std::int64_t now) {
    if (kept_.contains(serial)) return forget(serial, expires);
    if (expires <= now) return;
    remember(serial, expires, now);
    invalid_.insert(serial);
}

// What has expired makes room first, then what expires soonest.
void TicketOffice::remember(const TicketSerial& serial, std::int64_t expires, std::int64_t now) {
    while (!by_expiry_.empty() &&
           (by_expiry_.begin()->first <= now || by_expiry_.size() >= model::limits::tickets_remembered)) {
        const auto [soonest, oldest] = *by_expiry_.begin();
        forget(oldest, soonest);
    }
    by_expiry_.emplace(expires, serial);
}

void TicketOffice::forget(const TicketSerial& serial, std::int64_t expires) {
    kept_.erase(serial);
    invalid_.erase(serial);
    by_expiry_.erase({expires, serial});
}

PolicyDigest policy_digest(const model::Connection& connection, const model::Config& config,
                           const Credentials& credentials, const ResumptionState& state) {
    Bytes octets;
    Writer writer(octets);
    write_sized(writer, bytes_of(connection.name));
    writer.u8(connection.ppk_use().required ? 1 : 0);  // An SA without a PPK does not come back when one is demanded.
    for (const auto* rounds : {&connection.local, &connection.remote}) {
        for (const model::AuthConfig& round : *rounds) {
            write_sized(writer, bytes_of(round.auth_text));
            write_identity(writer, round.id);
            for (const auto* certificates : {&round.certificates, &round.ca_certificates})
                for (const Bytes& certificate : *certificates) writer.bytes(crypto::sha2_256({certificate}));
            writer.u8(0);
        }
    }
    const auto any_remote = [&](auto condition) {
        return std::ranges::any_of(connection.remote, condition, &model::AuthConfig::auth);
    };
    if (any_remote([](model::AuthClass auth) { return auth != model::AuthClass::psk; })) {
        for (const crypto::Certificate& authority : credentials.authorities)
            writer.bytes(crypto::sha2_256({authority.der()}));
    }
    SecretBytes shared;
    if (any_remote([](model::AuthClass auth) { return auth != model::AuthClass::pubkey; }))
        if (const auto secret = find_shared_secret(config, state.own_id, state.peer_id)) shared = secret->secret.clone();
    return crypto::hmac_sha2_256(state.d.reveal(), {octets, shared.reveal()});
}

}  // namespace cygnet::ike
