// Writes the seed corpora of the IKE targets from our own writer: fuzz_make_seeds FOLDER. The
// result is the same on every machine.
#include <filesystem>
#include <fstream>
#include <string>

#include "wire/arbitrary.h"
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
    for (std::uint64_t seed = 1; seed <= seeds_each; ++seed) save_messages(seed);
    return 0;
}
