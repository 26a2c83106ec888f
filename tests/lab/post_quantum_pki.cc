// Certification authorities with keys that the `openssl` of this machine may not know: ML-DSA and SLH-DSA beside the others.
//
//   post_quantum_pki FOLDER ca KIND NAME [ISSUER]     FOLDER/NAME.key and .pem, self-signed or below FOLDER/ISSUER
//   post_quantum_pki FOLDER host KIND NAME ISSUER     the same with NAME as its DNS name
//
// KIND is the name of a key type without marks and in lower case: mldsa65, slhdsasha2128f, ecdsa256.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "crypto/test_pki.h"
#include "crypto/x509.h"

namespace {

using namespace cygnet;
namespace fs = std::filesystem;

constexpr std::int64_t day_s = 24 * 60 * 60;

[[noreturn]] void give_up(const std::string& why) {
    std::cerr << "post_quantum_pki: " << why << '\n';
    std::exit(1);
}

crypto::KeyType kind_of(std::string_view word) {
    for (std::size_t i = 0; i < crypto::key_type_count; ++i) {
        const auto type = static_cast<crypto::KeyType>(i);
        std::string name;
        for (const unsigned char c : crypto::name_of(type))
            if (std::isalnum(c)) name += static_cast<char>(std::tolower(c));
        if (name == word && crypto::supports(type)) return type;
    }
    give_up("no keys of the kind " + std::string(word) + " here");
}

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) give_up("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, std::string_view content) {
    std::ofstream file(path, std::ios::binary);
    if (!(file << content)) give_up("cannot write " + path.string());
}

std::string pem_of(ByteView der) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0, column = 0; i < der.size(); i += 3) {
        const auto at = [&](std::size_t place) { return place < der.size() ? unsigned{der[place]} : 0U; };
        const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        for (unsigned part = 0; part < 4; ++part)
            text += i + part > der.size() ? '=' : digits[group >> (18 - 6 * part) & 0x3f];
        if (++column % 16 == 0) text += '\n';
    }
    return text + (text.back() == '\n' ? "" : "\n") + "-----END CERTIFICATE-----\n";
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 4 || words.size() > 5 || (words[1] != "ca" && words.size() != 5))
        give_up("FOLDER ca KIND NAME [ISSUER] or FOLDER host KIND NAME ISSUER");
    const fs::path folder = words[0];
    const std::string& name = words[3];
    const bool is_ca = words[1] == "ca", self_signed = words.size() == 4;
    const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                                 std::chrono::system_clock::now().time_since_epoch()).count();
    const std::string key = crypto::make_test_key(kind_of(words[2]));
    const std::string issuer_key = self_signed ? key : read(folder / (words[4] + ".key"));
    Bytes issuer;
    if (!self_signed) {
        const std::string pem = read(folder / (words[4] + ".pem"));
        const auto certificate = crypto::Certificate::parse(bytes_of(pem));
        if (!certificate) give_up(words[4] + ".pem is no certificate");
        issuer = certificate->der();
    }
    crypto::TestCertificate wanted{.subject = "C=CH, O=Cygnet, CN=" + name, .not_before = now - day_s, .not_after = now + 10 * day_s};
    if (is_ca) {
        wanted.basic_constraints = "critical,CA:TRUE";
        wanted.key_usage = "critical,keyCertSign,cRLSign";
    } else {
        wanted.alternative_names = "DNS:" + name;
        wanted.key_usage = "critical,digitalSignature";
    }
    write(folder / (name + ".key"), key);
    write(folder / (name + ".pem"), pem_of(crypto::make_test_certificate(wanted, key, issuer, issuer_key)));
    return 0;
}
