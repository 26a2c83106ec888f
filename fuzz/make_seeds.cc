// Writes the seed corpora of the IKE targets from our own writer: fuzz_make_seeds FOLDER. The
// result is the same on every machine.
#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "wire/arbitrary.h"
#include "wire/key_piece.h"
#include "wire/notify_data.h"
#include "wire/protected.h"

using namespace cygnet;
using namespace cygnet::wire;

namespace {

constexpr std::uint64_t seeds_each = 3;
constexpr std::size_t piece_size = 200;  // octets per fragment

std::filesystem::path corpus;

void save(const std::string& target, std::uint64_t seed, ByteView octets) {
    std::filesystem::create_directories(corpus / target);
    std::ofstream file(corpus / target / std::to_string(seed), std::ios::binary);
    file << text_of(octets);
}

template <class T>
void save_bodies(const std::string& target) {
    for (std::uint64_t seed = 1; seed <= seeds_each; ++seed) {
        Arbitrary source(seed);
        save(target, seed, written(arbitrary<T>(source)));
    }
}

MessageBuilder arbitrary_payloads(Arbitrary& source) {
    MessageBuilder builder;
    builder.add(arbitrary<SaPayload>(source)).add(arbitrary<KePayload>(source)).add(arbitrary<TsiPayload>(source));
    builder.add(arbitrary<NotifyPayload>(source)).add(arbitrary<UnknownPayload>(source));
    return builder;
}

void save_messages(std::uint64_t seed) {
    Arbitrary source(seed);
    const auto header = arbitrary<Header>(source);
    save("ike_message", seed, arbitrary_payloads(source).finish(header));
    const Chain chain = arbitrary_payloads(source).take_chain();
    const ProtectionSizes sizes{.iv = 8, .block = 1, .icv = 16};
    const Unsealed whole = lay_out(header, chain, sizes).value();
    const auto fragments = lay_out_fragments(header, chain, sizes, 576, 28).value();
    const Bytes cipher{0};
    save("ike_protected", 2 * seed, concat({cipher, whole.octets}));
    save("ike_protected", 2 * seed + 1, concat({cipher, fragments[0].octets}));
    Bytes stream;
    Writer writer(stream);
    const ByteView text = chain.octets;
    const std::size_t total = (text.size() + piece_size - 1) / piece_size;
    for (std::size_t i = 0; i < total; ++i) {
        const ByteView piece = text.subspan(i * piece_size, std::min(piece_size, text.size() - i * piece_size));
        writer.u16(static_cast<std::uint16_t>(i + 1));
        writer.u16(static_cast<std::uint16_t>(total));
        writer.u8(std::to_underlying(i == 0 ? chain.first : PayloadType::none));
        writer.u8(static_cast<std::uint8_t>(piece.size()));
        writer.bytes(piece);
    }
    save("ike_reassembly", seed, stream);
}

// A script for ike_engine: the scene, then one action per call.
class Script {
public:
    explicit Script(std::uint8_t scene) { out_.u8(scene); }

    Script& act(std::uint8_t kind, std::uint8_t number, MessageBuilder message = {}) {
        const Chain chain = message.take_chain();
        out_.u8(kind);
        out_.u8(number);
        out_.u8(std::to_underlying(chain.first));
        out_.u16(static_cast<std::uint16_t>(chain.octets.size()));
        out_.bytes(chain.octets);
        return *this;
    }
    Script& request(model::ExchangeType exchange, MessageBuilder message) {
        return act(0, std::to_underlying(exchange), std::move(message));
    }
    Script& response(model::ExchangeType exchange, MessageBuilder message) {
        return act(1, std::to_underlying(exchange), std::move(message));
    }
    const Bytes& octets() const { return octets_; }

private:
    Bytes octets_{};
    Writer out_{octets_};
};

// CREATE_CHILD_SA as it should be: for a child, which may replace another, or for an IKE SA.
MessageBuilder offer(model::Protocol protocol, const char* text, ByteView replaced = {}, bool answer = false) {
    const Bytes nonce(32, 5), key(32, 9);
    auto proposals = *model::parse_proposals(protocol, text);
    const bool child = protocol == model::Protocol::esp;
    for (model::Proposal& proposal : proposals) proposal.spi = Bytes(child ? 4 : 8, 6);
    MessageBuilder message;
    if (!replaced.empty())
        message.add(NotifyPayload{
            .protocol = protocol, .message_type = model::NotifyType::rekey_sa, .spi = replaced, .data = {}});
    message.add(SaPayload{proposals}).add(NoncePayload{nonce});
    message.add(KePayload{.method = model::Ke::curve25519, .data = key});
    if (!child) return message;
    const std::array mine{model::TrafficSelector::of(*model::AddressRange::parse("10.1.0.0/16"))};
    const std::array theirs{model::TrafficSelector::of(*model::AddressRange::parse("10.2.0.0/16"))};
    message.add(TsiPayload::of(answer ? theirs : mine)).add(TsrPayload::of(answer ? mine : theirs));
    return message;
}

void save_scripts() {
    using enum model::ExchangeType;
    constexpr std::uint8_t pfs = 1, established = 2, hybrid = 4;
    constexpr std::uint8_t rekey_child = 3, rekey_ike = 4, initiate = 5, terminate = 6, wait = 7, fragments = 8;
    const Bytes spi{1, 2, 3, 4};
    const auto remove = [](model::Protocol protocol, ByteView spis) {
        MessageBuilder message;
        message.add(
            DeletePayload{.protocol = protocol, .spi_size = static_cast<std::uint8_t>(spis.size()), .spis = spis});
        return message;
    };
    const auto notify = [](model::NotifyType type) {
        MessageBuilder message;
        message.notify(type);
        return message;
    };
    const auto esp = [&](ByteView replaced) { return offer(model::Protocol::esp, "aes256gcm16", replaced); };
    const MessageBuilder child_answer = offer(model::Protocol::esp, "aes256gcm16", {}, true);
    const auto ike = [](const char* text) { return offer(model::Protocol::ike, text); };
    std::uint64_t seed = 0;
    const auto store = [&](const Script& script) { save("ike_engine", ++seed, script.octets()); };

    store(Script(established).request(create_child_sa, esp({})).request(create_child_sa, esp(spi)));
    store(Script(established)
              .request(create_child_sa, esp(spi))
              .request(informational, remove(model::Protocol::esp, spi)));
    store(Script(established | pfs)
              .request(create_child_sa, offer(model::Protocol::esp, "aes256gcm16-x25519-ke1_mlkem512", spi))
              .request(ike_followup_ke, esp({})));
    store(Script(established)
              .request(create_child_sa, ike("aes256gcm16-prfsha384-x25519"))
              .request(informational, remove(model::Protocol::ike, {})));
    store(Script(established).request(create_child_sa, ike("aes256gcm16-prfsha384-x25519-ke1_mlkem768")).act(wait, 30));
    store(Script(established)
              .act(rekey_child, 0)
              .response(create_child_sa, child_answer)
              .response(informational, remove(model::Protocol::esp, spi)));
    store(Script(established)
              .act(rekey_child, 0)
              .request(create_child_sa, esp(spi))
              .response(create_child_sa, child_answer));
    store(Script(established)
              .act(rekey_ike, 0)
              .response(create_child_sa, ike("aes256gcm16-prfsha384-x25519-ke1_mlkem768"))
              .response(informational, {}));
    store(Script(established)
              .act(rekey_ike, 0)
              .request(create_child_sa, ike("aes256gcm16-prfsha384-x25519"))
              .response(create_child_sa, notify(model::NotifyType::temporary_failure)));
    store(Script(established)
              .act(initiate, 0)
              .response(create_child_sa, notify(model::NotifyType::no_proposal_chosen))
              .act(terminate, 1)
              .response(informational, {}));
    store(Script(established).act(terminate, 0).response(informational, {}).act(wait, 200));
    store(Script(hybrid).request(ike_intermediate, ike("aes256gcm16-prfsha384-x25519")).request(ike_auth, esp({})));
    store(Script(0).request(ike_auth, esp({})).act(wait, 60));
    const Bytes much(1000, 7);
    const auto big = [&] {
        MessageBuilder message = esp({});
        return std::move(message.add(VendorIdPayload{much}));
    };
    const auto number = std::to_underlying(create_child_sa);
    store(Script(established).act(fragments, number, big()).act(fragments, number, esp(spi)));
    store(Script(0).act(fragments, std::to_underlying(ike_auth), big()).act(wait, 60));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    corpus = argv[1];
    save_bodies<Header>("ike_header");
    save_bodies<SaPayload>("ike_sa");
    save_bodies<KePayload>("ike_ke");
    save_bodies<IdiPayload>("ike_id");
    save_bodies<CertPayload>("ike_cert");
    save_bodies<CertreqPayload>("ike_certreq");
    save_bodies<GatewayData>("ike_gateway");
    save_bodies<IpcompData>("ike_ipcomp");
    save_bodies<AuthAnnouncement>("ike_announcement");
    save_bodies<KeyPiece>("ike_key_piece");
    save_bodies<AuthPayload>("ike_auth");
    save_bodies<NoncePayload>("ike_nonce");
    save_bodies<NotifyPayload>("ike_notify");
    save_bodies<DeletePayload>("ike_delete");
    save_bodies<VendorIdPayload>("ike_vendor_id");
    save_bodies<TsiPayload>("ike_ts");
    save_bodies<SkPayload>("ike_sk");
    save_bodies<SkfPayload>("ike_skf");
    save_bodies<CpPayload>("ike_cp");
    save_bodies<EapPayload>("ike_eap");
    save_bodies<PsPayload>("ike_ps");
    for (std::uint64_t seed = 1; seed <= seeds_each; ++seed) save_messages(seed);
    save_scripts();
    return 0;
}
