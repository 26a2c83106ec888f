// NIST's PKITS: each end entity's certificate with all the suite's CA certificates as intermediates, its CRLs, and its root as
// the only anchor; revocation must be known, as with remote.revocation = strict.
#include <gtest/gtest.h>

#include <iostream>
#include <regex>
#include <set>

#include "crypto/revocation.h"
#include "crypto/x509.h"
#include "tests/vectors/vector_files.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;

// 2020-01-01: inside of the suite's validity, which ends in 2030.
constexpr std::int64_t now = 1577836800;

struct Suite {
    std::vector<Certificate> anchors, intermediates;
    std::vector<Crl> crls;
    std::map<std::string, Bytes> leaves;
};

// By name: the order of a folder's files is not the same on every machine.
std::set<std::filesystem::path> files_in(const std::filesystem::path& folder) {
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path());
    return files;
}

Suite read_suite(const std::filesystem::path& folder) {
    Suite suite;
    const std::regex leaf(".*Test[0-9]+EE");
    for (const std::filesystem::path& path : files_in(folder / "certs")) {
        const std::string name = path.stem().string(), text = read_text(path);
        if (std::regex_match(name, leaf)) {
            suite.leaves[name] = keep(bytes_of(text));
            continue;
        }
        const auto certificate = Certificate::parse(bytes_of(text));
        if (certificate)
            (name.starts_with("TrustAnchor") ? suite.anchors : suite.intermediates).push_back(*certificate);
    }
    for (const std::filesystem::path& path : files_in(folder / "crls"))
        if (const auto crl = Crl::parse(bytes_of(read_text(path)))) suite.crls.push_back(*crl);
    return suite;
}

class Pkits : public testing::Test {
protected:
    static std::filesystem::path folder() { return debian_folder() / "x509/PKITS_data"; }

    Result<ValidPath> path(const std::string& name, const std::vector<std::string>& policies) const {
        const Certificate leaf = TRY(Certificate::parse(suite_.leaves.at(name)));
        return validate_path(leaf, suite_.intermediates, suite_.anchors, {.now = now, .policies = policies});
    }
    // Empty: valid and not revoked.
    std::string problem(const std::string& name, const std::vector<std::string>& policies = {}) const {
        const auto valid = path(name, policies);
        if (!valid) return valid.error().text();
        const std::span<const Certificate> all = valid->certificates;
        for (std::size_t i = 0; i + 1 < all.size(); ++i) {
            const Verdict verdict = judge_by_crls(all, i, suite_.intermediates, suite_.crls, now);
            if (verdict.standing != Verdict::Standing::good) return all[i].subject_text() + " " + verdict.detail;
        }
        return "";
    }

    void load() { suite_ = read_suite(folder()); }
    Suite suite_;
};

TEST_F(Pkits, PathsAreValidOrInvalidAsTheirNamesSay) {
    NEED_FILE(folder(), "python3-cryptography-vectors");
    load();
    ASSERT_EQ(suite_.anchors.size(), 1U);
    ASSERT_EQ(suite_.crls.size(), 173U);
    int run = 0;
    for (const auto& [name, der] : suite_.leaves) {
        const bool valid = name.starts_with("Valid");
        if (!valid && !name.starts_with("Invalid")) continue;  // policies decide, see below
        if (valid && name.find("DSA") != name.npos) {
            std::cout << "not applicable: " << name << ": DSA keys are not in the catalogue\n";
            continue;
        }
        const std::string why_not = problem(name);
        // An indirect CRL whose issuer no other CRL covers: refused, as strict revocation refuses what is not known.
        if (name == "ValidcRLIssuerTest30EE") {
            std::cout << "open: " << name << ": " << why_not << "\n";
            EXPECT_FALSE(why_not.empty()) << "the gap is closed: take this case out";
            continue;
        }
        EXPECT_EQ(why_not.empty(), valid) << name << ": " << why_not;
        ++run;
    }
    EXPECT_GE(run, 200);
}

// PKITS 4.8: which paths are valid for any policy, and for each of the suite's first three when it is asked for.
TEST_F(Pkits, PathsAreValidForThePoliciesThatTheSuiteSays) {
    NEED_FILE(folder(), "python3-cryptography-vectors");
    load();
    struct Row {
        const char* name;
        bool any, first, second, third;
    };
    constexpr Row rows[] = {
        {"ValidCertificatePathTest1EE", true, true, false, false},
        {"AllCertificatesNoPoliciesTest2EE", true, false, false, false},
        {"DifferentPoliciesTest3EE", true, false, false, false},
        {"DifferentPoliciesTest4EE", false, false, false, false},
        {"DifferentPoliciesTest5EE", false, false, false, false},
        {"OverlappingPoliciesTest6EE", true, true, false, false},
        {"DifferentPoliciesTest7EE", false, false, false, false},
        {"DifferentPoliciesTest8EE", false, false, false, false},
        {"DifferentPoliciesTest9EE", false, false, false, false},
        {"AllCertificatesSamePoliciesTest10EE", true, true, true, false},
        {"AllCertificatesanyPolicyTest11EE", true, true, true, true},
        {"DifferentPoliciesTest12EE", false, false, false, false},
        {"AllCertificatesSamePoliciesTest13EE", true, true, true, true},
        {"AnyPolicyTest14EE", true, true, false, false},
        {"UserNoticeQualifierTest15EE", true, true, false, false},
        {"UserNoticeQualifierTest16EE", true, true, false, false},
        {"UserNoticeQualifierTest17EE", true, true, false, false},
        {"UserNoticeQualifierTest18EE", true, true, true, false},
        {"UserNoticeQualifierTest19EE", true, true, false, false},
        {"CPSPointerQualifierTest20EE", true, true, false, false},
        {"inhibitAnyPolicyTest3EE", true, true, false, false},
    };
    const std::string policy = "2.16.840.1.101.3.2.1.48.";
    for (const Row& row : rows) {
        EXPECT_EQ(problem(row.name).empty(), row.any) << row.name << " for any: " << problem(row.name);
        const bool expected[] = {row.first, row.second, row.third};
        for (int number = 1; number <= 3; ++number)
            EXPECT_EQ(problem(row.name, {policy + std::to_string(number)}).empty(), expected[number - 1])
                << row.name << " for policy " << number << ": " << problem(row.name, {policy + std::to_string(number)});
    }
}

}  // namespace
}  // namespace cygnet::vectors
