// The codec laws, for every struct on the wire.
#include <gtest/gtest.h>

#include <memory>

#include "wire/arbitrary.h"
#include "wire/key_piece.h"
#include "wire/notify_data.h"

namespace cygnet::wire {
namespace {

constexpr std::uint64_t iterations = 300;

template <class T>
class PayloadLaws : public testing::Test {};

using Bodies = testing::Types<Header, SaPayload, KePayload, IdiPayload, IdrPayload, CertPayload, CertreqPayload,
                              AuthPayload, NoncePayload, NotifyPayload, DeletePayload, VendorIdPayload, TsiPayload,
                              TsrPayload, SkPayload, SkfPayload, ConfigurationAttribute, CpPayload, EapPayload,
                              PsPayload, GatewayData, IpcompData, AuthAnnouncement, KeyPiece>;
TYPED_TEST_SUITE(PayloadLaws, Bodies);

// Copies into memory of exactly this size, so that the sanitizers see a read beyond it.
template <class T>
std::optional<Bytes> rewritten(ByteView octets) {
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[octets.size()]);
    std::ranges::copy(octets, exact.get());
    const auto value = parse<T>({exact.get(), octets.size()});
    if (!value) return std::nullopt;
    return written(*value);
}

TYPED_TEST(PayloadLaws, WhatIsWrittenParsesBack) {
    for (std::uint64_t seed = 1; seed <= iterations; ++seed) {
        Arbitrary source(seed);
        const auto value = arbitrary<TypeParam>(source);
        const Bytes octets = written(value);
        const auto parsed = parse<TypeParam>(octets);
        ASSERT_TRUE(parsed) << "seed " << seed << ": " << parsed.error().text() << " in " << hex(octets);
        ASSERT_TRUE(*parsed == value) << "seed " << seed << "\n" << print(*parsed) << "\n" << print(value);
    }
}

TYPED_TEST(PayloadLaws, DifferentOctetsAreDifferentValues) {
    for (std::uint64_t seed = 1; seed <= iterations; ++seed) {
        Arbitrary source(seed);
        const auto a = arbitrary<TypeParam>(source);
        const auto b = arbitrary<TypeParam>(source);
        ASSERT_EQ(written(a) == written(b), a == b) << "seed " << seed;
    }
}

// Any octets at all: what parses is written in canonical form, of the same size, and is then
// stable.
TYPED_TEST(PayloadLaws, OctetsThatParseAreWrittenBackUpToReservedBits) {
    std::size_t accepted = 0;
    for (std::uint64_t seed = 1; seed <= iterations; ++seed) {
        Arbitrary source(seed);
        Bytes octets = written(arbitrary<TypeParam>(source));
        for (std::size_t changes = source.below(4); changes-- > 0 && !octets.empty();)
            octets[source.below(octets.size())] = source.number<std::uint8_t>();
        const auto canonical = rewritten<TypeParam>(octets);
        if (!canonical) continue;
        ++accepted;
        ASSERT_EQ(canonical->size(), octets.size()) << "seed " << seed;
        ASSERT_EQ(rewritten<TypeParam>(*canonical), canonical) << "seed " << seed;
    }
    EXPECT_GT(accepted, iterations / 5);
}

// A shorter payload either ends inside a field, or is a payload of its own that ends there.
TYPED_TEST(PayloadLaws, EveryTruncationIsRefusedOrComplete) {
    for (std::uint64_t seed = 1; seed <= iterations / 10; ++seed) {
        Arbitrary source(seed);
        const Bytes octets = written(arbitrary<TypeParam>(source));
        for (std::size_t size = 0; size < octets.size(); ++size) {
            const ByteView front = ByteView(octets).first(size);
            const auto canonical = rewritten<TypeParam>(front);
            if (!canonical) continue;
            ASSERT_TRUE(equal(*canonical, front)) << "seed " << seed << " size " << size;
        }
    }
}

TYPED_TEST(PayloadLaws, EveryValueIsPrintedOnOneLine) {
    for (std::uint64_t seed = 1; seed <= iterations / 10; ++seed) {
        Arbitrary source(seed);
        const std::string line = print(arbitrary<TypeParam>(source));
        ASSERT_EQ(line.find('\n'), line.npos) << line;
    }
}

}  // namespace
}  // namespace cygnet::wire
