#include "crypto/catalogue.h"

#include <gtest/gtest.h>

#include "crypto/key_exchange.h"

namespace cygnet::crypto {
namespace {

using model::Encr;
using model::Protocol;
using model::Transform;

TEST(Catalogue, NamesALibraryForEachRow) {
    ASSERT_FALSE(catalogue().empty());
    for (const CatalogueRow& row : catalogue()) {
        EXPECT_FALSE(row.kind.empty());
        EXPECT_FALSE(row.algorithm.empty());
        EXPECT_NE(row.implementation.find(' '), std::string::npos) << row.algorithm << ": " << row.implementation;
    }
}

TEST(Catalogue, SortsItsRowsIntoViciSections) {
    const auto kind_of = [](std::string_view algorithm) {
        for (const CatalogueRow& row : catalogue())
            if (row.algorithm == algorithm && row.kind != "ESP packets") return row.kind;
        return std::string("none");
    };
    EXPECT_EQ(kind_of("AES_GCM_16_256"), "aead");
    EXPECT_EQ(kind_of("AES_CBC_256"), "encryption");
    EXPECT_EQ(kind_of("HMAC_SHA2_256_128"), "integrity");
    EXPECT_EQ(kind_of("PRF_HMAC_SHA2_384"), "prf");
    EXPECT_EQ(kind_of("ML_KEM_768"), "ke");
}

// RFC 8247 §2 [56], RFC 8221 §5 [57]: the mandatory algorithms are there.
TEST(Catalogue, SupportsWhatTheDefaultProposalsOffer) {
    for (const auto& [protocol, proposals] : {std::pair{Protocol::ike, model::default_ike_proposals()},
                                              std::pair{Protocol::esp, model::default_esp_proposals()}})
        for (const model::Proposal& proposal : proposals)
            for (const Transform& transform : proposal.transforms)
                EXPECT_TRUE(supports(protocol, transform)) << transform.text();
}

// RFC 7383 §2.5: IKE_SA_INIT is not fragmented.
TEST(Catalogue, KnowsWhatFitsTheFirstMessage) {
    EXPECT_TRUE(fits_first_message(model::Ke::ml_kem_1024));
    EXPECT_TRUE(fits_first_message(model::Ke::modp_4096));
    const bool has_frodo = supports(Protocol::ike, Transform::additional(1, model::Ke::frodokem_640_aes));
    EXPECT_EQ(fits_first_message(model::Ke::frodokem_640_aes), !has_frodo);
}

TEST(Catalogue, SupportsNoTransformThatItCannotRun) {
    EXPECT_TRUE(supports(Protocol::ike, Transform::of(Encr::aes_cbc, 256)));
    EXPECT_TRUE(supports(Protocol::esp, Transform::of(Encr::aes_cbc, 256)));
    EXPECT_TRUE(supports(Protocol::ike, Transform::of(Encr::aes_gcm_8, 128)));
    EXPECT_TRUE(supports(Protocol::esp, Transform::of(Encr::aes_gcm_8, 128)));
    // RFC 8750 §7 [190]: implicit IVs are for ESP; RFC 7296 §5: so is the NULL cipher.
    for (const Transform& transform :
         {Transform::of(Encr::aes_gcm_16_iiv, 256), Transform::of(Encr::aes_ccm_8_iiv, 128),
          Transform::of(Encr::chacha20_poly1305_iiv), Transform::of(Encr::null), Transform::of(Encr::aes_ctr, 128),
          Transform::of(Encr::null_auth_aes_gmac, 256)}) {
        EXPECT_TRUE(supports(Protocol::esp, transform)) << transform.text();
        EXPECT_FALSE(supports(Protocol::ike, transform)) << transform.text();
    }
    EXPECT_FALSE(supports(Protocol::esp, Transform::of(Encr::null, 128)));
    EXPECT_FALSE(supports(Protocol::esp, Transform::of(Encr::aes_ctr)));
    EXPECT_FALSE(supports(Protocol::esp, Transform::of(Encr::camellia_cbc, 128)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(Encr::aes_gcm_16)));
    EXPECT_FALSE(supports(Protocol::esp, Transform::of(Encr::aes_gcm_16, 130)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(Encr::chacha20_poly1305, 256)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(Encr::triple_des)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(model::Prf::hmac_md5)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(model::Integ::aes_xcbc_96)));
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(model::Ke::modp_1024)));
    // Whatever libraries are there: its public key does not fit a KE payload.
    EXPECT_FALSE(supports(Protocol::ike, Transform::of(model::Ke::mceliece_348864)));
    EXPECT_EQ(supports(Protocol::ike, Transform::additional(1, model::Ke::mceliece_348864)),
              shape_of(model::Ke::mceliece_348864).has_value());
    EXPECT_TRUE(supports(Protocol::ike, Transform::additional(1, model::Ke::none)));
    Transform strange = Transform::of(Encr::aes_gcm_16, 256);
    strange.other_attributes.push_back({99, true, {0, 1}});
    EXPECT_FALSE(supports(Protocol::ike, strange));
}

}  // namespace
}  // namespace cygnet::crypto
