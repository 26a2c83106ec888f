// NIST's PKITS: each end entity's certificate with all the suite's CA certificates as intermediates and
// its root as the only anchor, under PKITS's default settings (any policy, no explicit one required).
#include <gtest/gtest.h>

#include <iostream>
#include <regex>

#include "crypto/x509.h"
#include "tests/vectors/vector_files.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;

struct NotApplicable {
    const char* pattern;  // of the test's name
    const char* reason;
};
constexpr NotApplicable not_applicable[] = {
    {"^Invalid.*(CRL|cRL|Revoked|istributionPoint|onlySomeReasons|onlyContains|IDPwithindirect)",
     "invalid only by a CRL; revocation is not checked yet"},
    {"^Invalid(Long|Negative)SerialNumber", "invalid only by a CRL; revocation is not checked yet"},
    {"^InvalidBasicSelfIssued", "invalid only by a CRL; revocation is not checked yet"},
    {"^InvalidSeparateCertificateandCRLKeys", "invalid only by a CRL; revocation is not checked yet"},
    {"^Valid.*DSA", "DSA keys are not in the catalogue"},
    {"^(AllCertificates|AnyPolicy|DifferentPolicies|OverlappingPolicies|CPSPointer|UserNotice|inhibitAnyPolicyTest3)",
     "the outcome depends on policies that the application asks for; we ask for none"},
};

const char* why_not(const std::string& name) {
    for (const NotApplicable& each : not_applicable)
        if (std::regex_search(name, std::regex(each.pattern))) return each.reason;
    return nullptr;
}

// 2020-01-01: inside of the suite's validity, which ends in 2030.
constexpr std::int64_t now = 1577836800;

struct Suite {
    std::vector<Certificate> anchors, intermediates;
    std::map<std::string, Bytes> leaves;
};

Suite read_suite(const std::filesystem::path& folder) {
    Suite suite;
    const std::regex leaf(".*Test[0-9]+EE");
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem().string(), text = read_text(entry.path());
        if (std::regex_match(name, leaf)) {
            suite.leaves[name] = keep(bytes_of(text));
            continue;
        }
        const auto certificate = Certificate::parse(bytes_of(text));
        if (certificate)
            (name.starts_with("TrustAnchor") ? suite.anchors : suite.intermediates).push_back(*certificate);
    }
    return suite;
}

TEST(Pkits, PathsAreValidOrInvalidAsTheirNamesSay) {
    const auto folder = debian_folder() / "x509/PKITS_data/certs";
    NEED_FILE(folder, "python3-cryptography-vectors");
    const Suite suite = read_suite(folder);
    ASSERT_EQ(suite.anchors.size(), 1U);
    int run = 0;
    for (const auto& [name, der] : suite.leaves) {
        if (const char* reason = why_not(name)) {
            std::cout << "not applicable: " << name << ": " << reason << '\n';
            continue;
        }
        const auto leaf = Certificate::parse(der);
        const auto anchor = leaf ? validate_path(*leaf, suite.intermediates, suite.anchors, now)
                                 : Result<Certificate>(std::unexpected(leaf.error()));
        EXPECT_EQ(anchor.has_value(), name.starts_with("Valid"))
            << name << ": " << (anchor ? "valid" : anchor.error().text());
        ++run;
    }
    EXPECT_GT(run, 100);
}

}  // namespace
}  // namespace cygnet::vectors
