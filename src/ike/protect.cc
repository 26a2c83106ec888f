#include "ike/protect.h"

#include <algorithm>
#include <utility>

namespace cygnet::ike {

wire::ProtectionSizes sizes_of(const crypto::CipherShape& shape) {
    return {.iv = shape.iv_size, .block = shape.block_size, .icv = shape.icv_size};
}

Result<Protection> Protection::make(const model::ChosenProposal& proposal, IkeKeys keys, bool initiator) {
    const crypto::CipherSuite suite{.encr = proposal.encr, .key_bits = proposal.key_bits, .integ = proposal.integ};
    if (!crypto::shape_of(suite)) return fail(Errc::unsupported, "IKE cipher", "not in the catalogue of this build");
    return Protection(suite, std::move(keys), initiator);
}

Protection::Protection(const crypto::CipherSuite& suite, IkeKeys keys, bool initiator)
    : suite_(suite), initiator_(initiator), sk_d_(std::move(keys.d)),
      sk_(keys.ai.size() + keys.ei.size() + keys.ar.size() + keys.er.size()),
      auth_(AuthKeys{.of_initiator = std::move(keys.pi), .of_responder = std::move(keys.pr)}) {
    MutableByteView rest = sk_.reveal_for_writing();
    for (const SecretBytes* key : {&keys.ai, &keys.ei, &keys.ar, &keys.er}) {
        std::ranges::copy(key->reveal(), rest.begin());
        rest = rest.subspan(key->size());
    }
}

Protection::Unmixed Protection::mix_ppk(model::Prf prf, const SecretBytes& ppk) {
    const auto mix = [&](SecretBytes& key) { return std::exchange(key, mixed_with_ppk(prf, ppk, key)); };
    return {.d = mix(sk_d_), .pi = mix(auth_->of_initiator), .pr = mix(auth_->of_responder)};
}

void Protection::take_back(Unmixed before) {
    sk_d_ = std::move(before.d);
    auth_->of_initiator = std::move(before.pi);
    auth_->of_responder = std::move(before.pr);
}

Result<crypto::Cipher> Protection::cipher(bool by_initiator) const {
    const ByteView both = sk_.reveal();
    const ByteView own = by_initiator ? both.first(both.size() / 2) : both.last(both.size() / 2);
    const std::size_t integ_size = crypto::shape_of(suite_)->integ_key_size;
    return crypto::Cipher::make(suite_, own.subspan(integ_size), own.first(integ_size));
}

Result<SentMessage> Protection::seal(const wire::Header& header, const wire::Chain& chain,
                                     std::optional<FragmentLimit> limit, Rng& rng) {
    const crypto::Cipher out = TRY(cipher(initiator_));
    const wire::ProtectionSizes sizes = sizes_of(out.shape());
    const std::size_t whole =
        wire::outside_size(chain.puzzle_solution) + wire::protected_message_size(chain.octets.size(), sizes);
    SentMessage datagrams;
    if (!limit || whole + limit->overhead <= limit->ip_octets) {
        wire::Unsealed unsealed = TRY(wire::lay_out(header, chain, sizes));
        datagrams.push_back(TRY(seal_one(out, std::move(unsealed), rng)));
        return datagrams;
    }
    auto fragments = TRY(wire::lay_out_fragments(header, chain, sizes, limit->ip_octets, limit->overhead));
    for (wire::Unsealed& fragment : fragments) datagrams.push_back(TRY(seal_one(out, std::move(fragment), rng)));
    return datagrams;
}

// An AEAD must never see an IV twice under one key (RFC 5282 §3.1): a counter. CBC needs IVs that nobody can
// predict (RFC 7296 §3.14): random octets.
Result<Bytes> Protection::seal_one(const crypto::Cipher& cipher, wire::Unsealed unsealed, Rng& rng) {
    Bytes& octets = unsealed.octets;
    const auto& layout = unsealed.layout;
    const MutableByteView iv = layout.iv(octets);
    if (cipher.shape().aead()) {
        const std::uint64_t counter = next_iv_++;
        for (std::size_t i = 0; i < iv.size(); ++i)
            iv[iv.size() - 1 - i] = static_cast<std::uint8_t>(i < 8 ? counter >> (8 * i) : 0);
    } else {
        rng.fill(iv);
    }
    const ByteView whole(octets);
    TRY(cipher.seal(layout.aad(whole), layout.iv(whole), layout.text(octets), layout.icv(octets)));
    return std::move(octets);
}

Result<SentMessage> Protection::recut(const SentMessage& sent, std::optional<FragmentLimit> limit, Rng& rng) {
    const crypto::Cipher out = TRY(cipher(initiator_));
    wire::Reassembly fragments;
    for (const Bytes& datagram : sent)
        if (auto whole = TRY(open_with(out, datagram, &fragments))) {
            // RFC 8019 §7.2.2: what stands before the Encrypted payload goes along.
            whole->chain.puzzle_solution = keep(TRY(wire::glance(sent.front())).solution);
            return seal(TRY(wire::parse_header(datagram)), whole->chain, limit, rng);
        }
    return fail(Errc::state, "recut", "not a whole protected message");
}

Result<std::optional<wire::Reassembled>> Protection::open(ByteView datagram, wire::Reassembly* fragments) const {
    return open_with(TRY(cipher(!initiator_)), datagram, fragments);
}

Result<std::optional<wire::Reassembled>> Protection::open_with(const crypto::Cipher& cipher, ByteView datagram,
                                                               wire::Reassembly* fragments) {
    const wire::ProtectedMessage place = TRY(wire::locate_protected(datagram, sizes_of(cipher.shape())));
    if (place.fragment) {
        if (fragments == nullptr) return fail(Errc::state, "SKF", "a fragment, but fragmentation was not negotiated");
        if (fragments->classify(*place.fragment) != wire::Reassembly::Verdict::fresh)
            return fail(Errc::state, "SKF", "a repeated, outdated or excessive fragment");
    }
    Bytes octets = keep(datagram);
    const ByteView whole(octets);
    TRY(cipher.open(place.layout.aad(whole), place.layout.iv(whole), place.layout.text(octets), place.layout.icv(whole)));
    const ByteView chain = TRY(wire::remove_padding(place.layout.text(whole)));
    if (place.fragment) return fragments->add(*place.fragment, place.first, place.layout.aad(whole), chain);
    Bytes aad = keep(place.layout.aad(whole));
    // The chain in the memory of the datagram.
    const auto begin = octets.begin() + (chain.data() - octets.data());
    octets.erase(begin + static_cast<std::ptrdiff_t>(chain.size()), octets.end());
    octets.erase(octets.begin(), begin);
    return wire::Reassembled{.chain = {place.first, std::move(octets)}, .aad = std::move(aad)};
}

}  // namespace cygnet::ike
