#include "ike/kept_secrets.h"

#include "base/reader.h"
#include "model/limits.h"

namespace cygnet::ike {
namespace {

constexpr std::uint8_t version = 1;
constexpr const char* where = "kept secrets";

}  // namespace

SecretBytes KeptSecrets::encoded() const {
    ASSERT(ticket_keys.size() <= model::limits::ticket_keys);
    Bytes octets;
    octets.reserve(2 + crash_secret_octets + ticket_keys.size() * (16 + ticket_key_octets));  // No copy left behind.
    Writer writer(octets);
    writer.u8(version);
    if (crash.empty())
        writer.zeros(crash_secret_octets);
    else
        writer.bytes(crash.reveal());
    writer.u8(static_cast<std::uint8_t>(ticket_keys.size()));
    for (const TicketKey& key : ticket_keys) {
        writer.u64(key.id);
        writer.u64(static_cast<std::uint64_t>(key.made_at));
        writer.bytes(key.key.reveal());
    }
    return SecretBytes::take(std::move(octets));
}

Result<KeptSecrets> KeptSecrets::decoded(ByteView octets) {
    Reader reader(octets);
    if (TRY(reader.u8(where)) != version) return fail(Errc::unsupported, where, "they are of another version");
    KeptSecrets kept;
    kept.crash = SecretBytes::copy_of(TRY(reader.take(crash_secret_octets, where)));
    if (kept.crash.equals(Bytes(crash_secret_octets, 0))) kept.crash.clear();
    const std::size_t count = TRY(reader.u8(where));
    if (count > model::limits::ticket_keys) return fail(Errc::limit, where, "too many ticket keys");
    for (std::size_t i = 0; i < count; ++i) {
        TicketKey key;
        key.id = TRY(reader.u64(where));
        key.made_at = static_cast<std::int64_t>(TRY(reader.u64(where)));
        key.key = SecretBytes::copy_of(TRY(reader.take(ticket_key_octets, where)));
        kept.ticket_keys.push_back(std::move(key));
    }
    TRY(reader.finish(where));
    return kept;
}

}  // namespace cygnet::ike
