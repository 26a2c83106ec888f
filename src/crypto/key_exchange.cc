#include "crypto/key_exchange.h"

#include <fmt/format.h>

#include "crypto/rows.h"

namespace cygnet::crypto {

struct KePrivate::Impl {
    const KeRow* row;
    SecretBytes value;
};

namespace {

Result<const KeRow*> row_of(model::Ke method) {
    const KeRow* row = best_key_exchange(method);
    if (!row)
        return fail(Errc::unsupported, "key exchange",
                    fmt::format("{} is not in the catalogue of this build", name_of(method)));
    return row;
}

Result<> check_size(model::Ke method, ByteView peer_public, std::size_t size) {
    if (peer_public.size() != size)
        return fail(
            Errc::bad_length, "KE payload",
            fmt::format("{} has values of {} octets, the peer sent {}", name_of(method), size, peer_public.size()));
    return {};
}

// A random seed is a private value of its group except with negligible probability for most methods,
// and with probability above one half for all (ECP-521 after masking): a handful of draws is plenty.
Result<KePair> draw_pair(const KeRow& row) {
    SecretBytes seed(row.seed_size);
    for (int draws = 0; draws < 64; ++draws) {
        fill_random(seed.reveal_for_writing());
        auto pair = row.pair(row.method, seed.reveal());
        if (pair || pair.error().code != Errc::bad_value) return pair;
    }
    return fail(Errc::system, "key exchange", "no private value after 64 draws");
}

}  // namespace

KePrivate::KePrivate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KePrivate::KePrivate(KePrivate&&) noexcept = default;
KePrivate& KePrivate::operator=(KePrivate&&) noexcept = default;
KePrivate::~KePrivate() = default;

std::optional<KeShape> shape_of(model::Ke method) {
    const KeRow* row = best_key_exchange(method);
    if (!row) return std::nullopt;
    return row->shape;
}

Result<KeOffer> ke_offer(model::Ke method) {
    const KeRow* row = TRY(row_of(method));
    KePair pair = TRY(draw_pair(*row));
    return KeOffer{method, std::move(pair.public_value),
                   KePrivate(std::make_unique<KePrivate::Impl>(row, std::move(pair.private_value)))};
}

Result<KeAnswer> ke_answer(model::Ke method, ByteView peer_public) {
    const KeRow* row = TRY(row_of(method));
    TRY(check_size(method, peer_public, row->shape.initiator_size));
    if (row->shape.kem) {
        SecretBytes seed(row->encapsulation_seed_size);
        fill_random(seed.reveal_for_writing());
        return row->encapsulate(row->method, peer_public, seed.reveal());
    }
    KePair pair = TRY(draw_pair(*row));
    SecretBytes secret = TRY(row->agree(row->method, pair.private_value.reveal(), peer_public));
    return KeAnswer{std::move(pair.public_value), std::move(secret)};
}

Result<SecretBytes> ke_finish(const KeOffer& offer, ByteView peer_public) {
    const KePrivate::Impl& own = offer.private_value.impl();
    TRY(check_size(offer.method, peer_public, own.row->shape.responder_size));
    const auto finish = own.row->shape.kem ? own.row->decapsulate : own.row->agree;
    return finish(own.row->method, own.value.reveal(), peer_public);
}

}  // namespace cygnet::crypto
