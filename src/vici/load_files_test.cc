#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/test_pki.h"
#include "vici/store.h"
#include "vici/test_credentials.h"
#include "vici/test_files.h"

namespace cygnet::vici {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct LoadFiles : testing::Test {
    TestFiles files;
    ConfigStore store;

    LoadFiles() {
        files.contents["/etc/cygnet/x509/moon.pem"] = test_certificate_pem;
        files.contents["/etc/cygnet/x509ca/ca.pem"] = test_ca_pem;
        files.contents["/etc/cygnet/private/moon.pem"] = test_key_pem;
    }
    std::vector<std::string> load(std::string text) {
        files.contents["/etc/cygnet/cygnet.conf"] = std::move(text);
        std::vector<std::string> lines;
        for (const Complaint& complaint : load_files(store, files, "/etc/cygnet/cygnet.conf")) lines.push_back(complaint.line());
        return lines;
    }
};

TEST_F(LoadFiles, BringsConnectionsSecretsPoolsAuthoritiesAndTheFoldersBeside) {
    ASSERT_THAT(load("connections {\n home {\n remote_addrs = 192.0.2.2\n local {\n certs = moon.pem\n id = moon.example\n }\n"
                     " remote {\n cacerts = ca.pem\n }\n children {\n net {\n }\n }\n }\n}\n"
                     "secrets {\n ike-home {\n id-1 = moon.example\n id-2 = sun.example\n secret = 0x616263\n }\n ppk-home {\n id = k1\n secret = 0s"
                     "ZGVm\n }\n}\n"
                     "pools {\n addresses {\n addrs = 10.3.0.0/24\n }\n}\n"
                     "authorities {\n test {\n cacert = ca.pem\n }\n}\n"),
                IsEmpty());
    const auto config = store.config();
    const auto& home = *config->connections.at("home");
    EXPECT_EQ(home.local.at(0).certificates.size(), 1u);
    EXPECT_EQ(home.remote.at(0).ca_certificates.size(), 1u);
    EXPECT_TRUE(config->secrets.at("ike-home")->secret.equals(bytes_of("abc")));
    EXPECT_TRUE(config->ppks.at("ppk-home")->key.equals(bytes_of("def")));
    EXPECT_EQ(config->secrets.at("ike-home")->owners.size(), 2u);
    EXPECT_EQ(config->pools.at("addresses")->addresses.text(), "10.3.0.1..10.3.0.254");
    EXPECT_THAT(store.authority_names(), ElementsAre("test"));
    const auto credentials = store.credentials();
    EXPECT_EQ(credentials->certificates.size(), 1u);
    EXPECT_EQ(credentials->authorities.size(), 1u) << "the folder's and the authority's are the same";
    ASSERT_EQ(credentials->private_keys.size(), 1u);
    EXPECT_EQ(credentials->certificates[0].public_key()->key_id(), credentials->private_keys.begin()->first);
}

TEST_F(LoadFiles, NamesFileLineKeyAndWhatIsAcceptedForEveryMistakeAtOnce) {
    const auto lines = load("connections {\n  home {\n    remote_adrs = 192.0.2.2\n    local {\n      certs = sun.pem\n    }\n"
                            "    children {\n      net {\n        mode = sideways\n      }\n    }\n  }\n"
                            "  good {\n  }\n}\nsecrets {\n  eap-carol {\n    secret = x\n  }\n}\npols {\n}\n");
    EXPECT_THAT(lines, Contains("/etc/cygnet/cygnet.conf:5: connections.home.local.certs: cannot read "
                                "/etc/cygnet/x509/sun.pem: no such file"));
    EXPECT_THAT(lines, Contains(testing::AllOf(HasSubstr("cygnet.conf:17: secrets.eap-carol"), HasSubstr("not supported"))));
    EXPECT_THAT(lines, Contains(testing::AllOf(HasSubstr("cygnet.conf:21: pols: unknown section; did you mean pools?"))));
    EXPECT_THAT(lines, Contains(testing::AllOf(HasSubstr("cygnet.conf:3: connections.home.remote_adrs: unknown key"),
                                               HasSubstr("did you mean remote_addrs?"))));
    EXPECT_THAT(lines, Contains(HasSubstr("cygnet.conf:9: connections.home.children.net.mode: ")));
    EXPECT_THAT(store.config()->connections, testing::SizeIs(1)) << "what is right is loaded";
}

TEST_F(LoadFiles, UnloadsWhatIsGoneButNothingThatViciBrought) {
    Section vici;
    vici.add_section("by-vici").add_section("local").add("auth", "psk");
    ASSERT_THAT(store.load_connection(vici), IsEmpty());
    load("connections {\n a {\n }\n b {\n }\n}\nsecrets {\n ike {\n secret = x\n }\n}\n");
    EXPECT_EQ(store.config()->connections.size(), 3u);
    files.contents.erase("/etc/cygnet/x509ca/ca.pem");
    files.contents.erase("/etc/cygnet/private/moon.pem");
    load("connections {\n a {\n }\n}\n");
    const auto config = store.config();
    EXPECT_TRUE(config->connections.contains("a") && config->connections.contains("by-vici"));
    EXPECT_FALSE(config->connections.contains("b"));
    EXPECT_THAT(config->secrets, IsEmpty());
    EXPECT_THAT(store.credentials()->authorities, IsEmpty());
    EXPECT_THAT(store.key_ids(), IsEmpty());
    EXPECT_EQ(store.credentials()->certificates.size(), 1u);
}

TEST_F(LoadFiles, KeepsAConnectionWhoseNewTextIsWrong) {
    load("connections {\n a {\n remote_port = 4500\n }\n}\n");
    EXPECT_THAT(load("connections {\n a {\n remote_port = high\n }\n}\n"), testing::SizeIs(1));
    EXPECT_EQ(store.config()->connections.at("a")->remote_port, 4500);
}

TEST_F(LoadFiles, ReportsFilesThatAreNotWhatTheirFolderSays) {
    files.contents["/etc/cygnet/x509/readme.txt"] = "hello";
    files.contents["/etc/cygnet/x509ca/leaf.pem"] = test_certificate_pem;
    files.contents["/etc/cygnet/private/readme.txt"] = "hello";
    files.contents["/etc/cygnet/pkcs12/all.p12"] = "x";
    EXPECT_THAT(load(""), ElementsAre(HasSubstr("/etc/cygnet/x509/readme.txt: parsing X509 certificate failed"),
                                      "/etc/cygnet/x509ca/leaf.pem: ca certificate lacks CA basic constraint, rejected",
                                      HasSubstr("/etc/cygnet/private/readme.txt: parsing private key failed"),
                                      HasSubstr("/etc/cygnet/pkcs12/all.p12: files of the folder pkcs12")));
}

TEST_F(LoadFiles, TakesTemplatesThatSectionsInheritFrom) {
    EXPECT_THAT(load("common {\n dpd_delay = 30s\n}\nconnections {\n a : common {\n }\n}\n"), IsEmpty());
    EXPECT_EQ(store.config()->connections.at("a")->dpd_delay, seconds(30));
    EXPECT_THAT(load("comon {\n dpd_delay = 30s\n}\n"), ElementsAre(HasSubstr("cygnet.conf:1: comon: unknown section")));
}

TEST_F(LoadFiles, SaysThatItCannotReadTheFile) {
    std::vector<Complaint> complaints = load_files(store, files, "/nowhere/cygnet.conf");
    ASSERT_EQ(complaints.size(), 1u);
    EXPECT_EQ(complaints[0].line(), "cannot read /nowhere/cygnet.conf: no such file");
}

TEST_F(LoadFiles, BringsCrlsAndWhereToLookRevocationsUp) {
    const std::string key = crypto::make_test_key(crypto::KeyType::ecdsa_256);
    const Bytes ca = crypto::make_test_certificate({.subject = "CN=ca", .basic_constraints = "critical,CA:TRUE"}, key, {}, key);
    files.contents["/etc/cygnet/x509crl/ca.crl"] = text_of(crypto::make_test_crl({}, ca, key));
    const std::string authority = "authorities {\n test {\n cacert = ca.pem\n crl_uris = http://pki.example/ca.crl, http://other.example/ca.crl\n"
                                  " ocsp_uris = http://ocsp.example/\n cert_uri_base = http://pki.example/certs/\n }\n}\n";
    ASSERT_THAT(load(authority), IsEmpty());
    const auto revocation = store.credentials()->revocation;
    ASSERT_EQ(revocation->crls.size(), 1u);
    EXPECT_EQ(revocation->crls.front().issuer_text(), "CN=ca");
    ASSERT_EQ(revocation->authorities.size(), 1u);
    EXPECT_THAT(revocation->authorities.front().crl_uris, ElementsAre("http://pki.example/ca.crl", "http://other.example/ca.crl"));
    EXPECT_THAT(revocation->authorities.front().ocsp_uris, ElementsAre("http://ocsp.example/"));
    EXPECT_EQ(revocation->authorities.front().cert_uri_base, "http://pki.example/certs/");
    // What is gone is unloaded; what is wrong is named.
    files.contents.erase("/etc/cygnet/x509crl/ca.crl");
    ASSERT_THAT(load(authority), IsEmpty());
    EXPECT_THAT(store.credentials()->revocation->crls, IsEmpty());
    files.contents["/etc/cygnet/x509crl/bad.crl"] = "garbage";
    EXPECT_THAT(load(authority), ElementsAre(HasSubstr("/etc/cygnet/x509crl/bad.crl: parsing X509_CRL certificate failed")));
    files.contents.erase("/etc/cygnet/x509crl/bad.crl");
    EXPECT_THAT(load("authorities {\n test {\n cacert = ca.pem\n crl_uris = ldap://pki.example/ca\n }\n}\n"),
                ElementsAre(HasSubstr("accepted are URLs that begin with http://")));
}

TEST_F(LoadFiles, ReplacesWhatChangedAndTouchesNothingElse) {
    constexpr int many = 300;
    const auto text = [](int changed) {
        std::string connections, secrets;
        for (int i = 0; i < many; ++i) {
            const std::string number = std::to_string(i);
            connections += "c" + number + " {\n remote_addrs = 192.0.2." + std::to_string(i == changed ? 250 : 1) +
                           "\n local {\n auth = psk\n }\n remote {\n auth = psk\n id = peer" + number +
                           ".example\n }\n children {\n net {\n local_ts = 10.1.0.0/24\n }\n }\n }\n";
            secrets += "ike-" + number + " {\n id = peer" + number + ".example\n secret = s" + number + "\n }\n";
        }
        return "connections {\n" + connections + "}\nsecrets {\n" + secrets + "}\n";
    };
    ASSERT_THAT(load(text(-1)), IsEmpty());
    const auto before = store.config();
    ASSERT_EQ(before->connections.size(), static_cast<std::size_t>(many));
    ASSERT_THAT(load(text(7)), IsEmpty());
    const auto after = store.config();
    for (const auto& [name, connection] : after->connections)
        EXPECT_EQ(connection == before->connections.at(name), name != "c7") << name;
    EXPECT_EQ(after->connections.at("c7")->remote_addrs.front().text, "192.0.2.250");
}

TEST_F(LoadFiles, TriesOutOnACopyWithoutChangingTheOriginal) {
    ASSERT_THAT(load("connections {\n gw {\n children {\n net {\n }\n }\n }\n}\n"), IsEmpty());
    const auto before = store.config();
    ConfigStore trial = store.copy();
    files.contents["/etc/cygnet/cygnet.conf"] = "connections {\n other {\n children {\n net {\n }\n }\n }\n}\n";
    EXPECT_THAT(load_files(trial, files, "/etc/cygnet/cygnet.conf"), IsEmpty());
    EXPECT_FALSE(trial.config()->connections.contains("gw"));
    EXPECT_EQ(store.config(), before);
    store = std::move(trial);
    EXPECT_TRUE(store.config()->connections.contains("other"));
}

}  // namespace
}  // namespace cygnet::vici
