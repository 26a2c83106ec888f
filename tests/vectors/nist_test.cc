// NIST's CAVP files, and the RFCs' in the same form, as python3-cryptography-vectors has them.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/der.h"
#include "crypto/rows.h"
#include "tests/vectors/vector_files.h"

namespace cygnet::vectors {
namespace {

using namespace crypto;
using model::Ke;
using model::SignatureHash;
using Kind = SignatureScheme::Kind;

constexpr const char* package = "python3-cryptography-vectors";

// The rows of all libraries in one table that `wanted` accepts, with the library's name for traces.
template <class Row, class Wanted>
std::vector<std::pair<const char*, const Row*>> rows_of(std::span<const Row> Library::* table, Wanted wanted) {
    std::vector<std::pair<const char*, const Row*>> rows;
    for (const Library& library : libraries())
        for (const Row& row : library.*table)
            if (wanted(row)) rows.emplace_back(library.name, &row);
    EXPECT_FALSE(rows.empty());
    return rows;
}

bool passes(const Record& record) { return record.at("result").starts_with('P'); }

void check_gcm(const Record& record, std::span<const std::pair<const char*, const AeadRow*>> rows) {
    const Bytes nonce = octets(record, "iv"), aad = octets(record, "aad"), tag = octets(record, "tag");
    for (const auto& [name, row] : rows) {
        if (!row->make) continue;
        SCOPED_TRACE(name);
        const auto aead = row->make(row->kind, octets(record, "key"), tag.size());
        Bytes text = octets(record, "ct");
        const bool good = aead->open(nonce, aad, text, tag);
        EXPECT_EQ(good, !record.contains("fail"));
        if (!good) continue;
        EXPECT_EQ(text, octets(record, "pt"));
        Bytes icv(tag.size());
        aead->seal(nonce, aad, text, icv);
        EXPECT_EQ(text, octets(record, "ct"));
        EXPECT_EQ(icv, tag);
    }
}

void run_gcm(std::size_t key_bits) {
    const auto folder = debian_folder() / "ciphers/AES/GCM";
    const auto rows = rows_of(&Library::aeads, [&](const AeadRow& row) {
        return row.kind == AeadKind::aes_gcm && row.key_size * 8 == key_bits;
    });
    int run = 0;
    for (const char* kind : {"gcmDecrypt", "gcmEncryptExtIV"}) {
        const auto path = folder / (kind + std::to_string(key_bits) + ".rsp");
        NEED_FILE(path, package);
        for (const Record& record : read_records(path)) {
            // RFC 4106 §4 and §6: nonces of 12 octets, ICVs of 8, 12 and 16.
            const std::string& tag_bits = record.at("taglen");
            if (record.at("ivlen") != "96" || (tag_bits != "64" && tag_bits != "96" && tag_bits != "128")) continue;
            SCOPED_TRACE(std::string(kind) + " key " + record.at("key"));
            check_gcm(record, rows);
            ++run;
        }
    }
    EXPECT_GT(run, 1000);
}

TEST(Nist, AesGcm128) { run_gcm(128); }
TEST(Nist, AesGcm192) { run_gcm(192); }
TEST(Nist, AesGcm256) { run_gcm(256); }

TEST(Nist, AesCbc) {
    const auto folder = debian_folder() / "ciphers/AES/CBC";
    NEED_FILE(folder, package);
    int run = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        SCOPED_TRACE(entry.path().filename());
        for (const Record& record : read_records(entry.path())) {
            const Bytes key = octets(record, "key"), iv = octets(record, "iv");
            for (const auto& [name, row] :
                 rows_of(&Library::cbcs, [&](const CbcRow& each) { return each.key_size == key.size(); })) {
                const auto cbc = row->make(key);
                Bytes text = octets(record, "plaintext");
                cbc->encrypt(iv, text);
                EXPECT_EQ(hex(text), hex(octets(record, "ciphertext"))) << name;
                cbc->decrypt(iv, text);
                EXPECT_EQ(hex(text), hex(octets(record, "plaintext"))) << name;
                ++run;
            }
        }
    }
    EXPECT_GT(run, 2000);
}

TEST(Nist, ChaCha20Poly1305) {
    const auto path = debian_folder() / "ciphers/ChaCha20Poly1305/openssl.txt";
    NEED_FILE(path, package);
    for (const Record& record : read_records(path)) {
        if (octets(record, "iv").size() != 12 || octets(record, "tag").size() != 16) continue;
        for (const auto& [name, row] : rows_of(&Library::aeads, [](const AeadRow& each) {
                 return each.kind == AeadKind::chacha20_poly1305 && each.make;
             })) {
            Bytes text = octets(record, "ciphertext");
            const auto aead = row->make(row->kind, octets(record, "key"), 16);
            const bool good = aead->open(octets(record, "iv"), octets(record, "aad"), text, octets(record, "tag"));
            EXPECT_EQ(good, !record.contains("result")) << name << ' ' << record.at("count");
            if (good) {
                EXPECT_EQ(hex(text), hex(octets(record, "plaintext")));
            }
        }
    }
}

TEST(Nist, Hmac) {
    for (const auto& [file, hash] :
         {std::pair{"rfc-2202-sha1.txt", Hash::sha1}, std::pair{"rfc-4231-sha256.txt", Hash::sha2_256},
          std::pair{"rfc-4231-sha384.txt", Hash::sha2_384}, std::pair{"rfc-4231-sha512.txt", Hash::sha2_512}}) {
        const auto path = debian_folder() / "HMAC" / file;
        NEED_FILE(path, package);
        for (const Record& record : read_records(path)) {
            if (!record.contains("md")) continue;
            const Bytes message = octets(record, "msg");
            const std::vector<ByteView> parts = {message};
            for (const auto& [name, row] :
                 rows_of(&Library::hashes, [&](const HashRow& each) { return each.hash == hash; })) {
                Bytes mac(size_of(hash));
                row->hmac(hash, octets(record, "key"), parts, mac);
                EXPECT_EQ(hex(mac), hex(octets(record, "md"))) << name;
            }
        }
    }
}

TEST(Nist, Hashes) {
    for (const auto& [file, hash] :
         {std::pair{"SHA1/SHA1ShortMsg.rsp", Hash::sha1}, std::pair{"SHA2/SHA256ShortMsg.rsp", Hash::sha2_256},
          std::pair{"SHA2/SHA384ShortMsg.rsp", Hash::sha2_384}, std::pair{"SHA2/SHA512ShortMsg.rsp", Hash::sha2_512}}) {
        const auto path = debian_folder() / "hashes" / file;
        NEED_FILE(path, package);
        for (const Record& record : read_records(path)) {
            if (!record.contains("md")) continue;
            Bytes message = octets(record, "msg");
            message.resize(std::stoul(record.at("len")) / 8);
            const std::vector<ByteView> parts = {message};
            for (const auto& [name, row] :
                 rows_of(&Library::hashes, [&](const HashRow& each) { return each.hash == hash; })) {
                Bytes digest(size_of(hash));
                row->digest(hash, parts, digest);
                EXPECT_EQ(hex(digest), hex(octets(record, "md"))) << name;
            }
        }
    }
}

auto key_exchange_rows(Ke method) {
    return rows_of(&Library::key_exchanges, [method](const KeRow& row) { return row.method == method; });
}

TEST(Nist, X25519OfRfc7748) {
    const auto path = debian_folder() / "asymmetric/X25519/rfc7748.txt";
    NEED_FILE(path, package);
    for (const Record& record : read_records(path)) {
        for (const auto& [name, row] : key_exchange_rows(Ke::curve25519)) {
            const auto secret = row->agree(Ke::curve25519, octets(record, "input_scalar"), octets(record, "input_u"));
            ASSERT_TRUE(secret) << name;
            EXPECT_EQ(hex(secret->reveal()), hex(octets(record, "output_u"))) << name;
        }
    }
}

// A number at its curve's size: the files leave out or add leading zeros.
Bytes padded(Bytes number, std::size_t size) {
    while (number.size() > size && number.front() == 0) number.erase(number.begin());
    number.insert(number.begin(), size - std::min(size, number.size()), 0);
    return number;
}

struct Curve {
    const char* section;  // of the ECDH files
    const char* name;
    Ke method;
    KeyType type;
    const char* oid;
    std::size_t size;
};
constexpr Curve curves[] = {
    {"ec", "p-256", Ke::ecp_256, KeyType::ecdsa_256, "1.2.840.10045.3.1.7", 32},
    {"ed", "p-384", Ke::ecp_384, KeyType::ecdsa_384, "1.3.132.0.34", 48},
    {"ee", "p-521", Ke::ecp_521, KeyType::ecdsa_521, "1.3.132.0.35", 66},
};

// The curve that the record's heading names, in "[EC - SHA256]" or "[P-256,SHA-256]".
const Curve* curve_of(const Record& record, const char* Curve::* name) {
    for (const Curve& curve : curves)
        for (const auto& [field, value] : record)
            if (field.starts_with(curve.*name) && field.find("sha") != std::string::npos) return &curve;
    return nullptr;
}

TEST(Nist, Ecdh) {
    int run = 0;
    for (const char* role : {"init", "resp"}) {
        const auto path = debian_folder() / "asymmetric/ECDH" /
                          (std::string("KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_") + role + ".fax");
        NEED_FILE(path, package);
        for (const Record& record : read_records(path)) {
            const Curve* curve = curve_of(record, &Curve::section);
            if (!curve || !record.contains("z")) continue;
            // "IUT's key changed" tests the owner of the key, who never sends its own to itself.
            if (record.at("result").find("IUT") != std::string::npos) continue;
            const Bytes peer = concat(
                {padded(octets(record, "qscavsx"), curve->size), padded(octets(record, "qscavsy"), curve->size)});
            for (const auto& [name, row] : key_exchange_rows(curve->method)) {
                SCOPED_TRACE(std::string(curve->name) + ' ' + record.at("count") + ' ' + record.at("result") + name);
                const auto secret = row->agree(curve->method, padded(octets(record, "dsiut"), curve->size), peer);
                const Bytes expected = padded(octets(record, "z"), curve->size);
                EXPECT_EQ(secret && secret->equals(expected), passes(record));
                ++run;
            }
        }
    }
    EXPECT_GT(run, 100);
}

Bytes spki(const char* algorithm, ByteView parameters, ByteView key) {
    const Bytes identifier =
        der::element(der::sequence, {der::element(der::object_identifier, {der::oid_content(algorithm)}), parameters});
    const std::uint8_t no_unused_bits = 0;
    return der::element(der::sequence, {identifier, der::element(der::bit_string, {{&no_unused_bits, 1}, key})});
}

Bytes integer(Bytes number) {
    while (!number.empty() && number.front() == 0) number.erase(number.begin());
    if (number.empty() || number.front() & 0x80) number.insert(number.begin(), 0);
    return der::element(der::integer, {number});
}

std::optional<SignatureHash> hash_of(std::string_view text) {
    if (text.ends_with("256")) return SignatureHash::sha2_256;
    if (text.ends_with("384")) return SignatureHash::sha2_384;
    if (text.ends_with("512")) return SignatureHash::sha2_512;
    return std::nullopt;
}

// Counts the rows that gave the expected answer about one signature.
int check_signature(KeyType type, const Bytes& key, const SignatureScheme& scheme, const Record& record,
                    const Bytes& signature) {
    int run = 0;
    for (const auto& [name, row] :
         rows_of(&Library::signatures, [type](const SignatureRow& each) { return each.type == type; })) {
        const auto object = row->read_public(key);
        // A key off its curve is refused when it is read.
        const bool good = object && row->verify(object->get(), scheme, octets(record, "msg"), signature);
        EXPECT_EQ(good, passes(record)) << name << ' ' << scheme.text() << ' ' << record.at("result");
        ++run;
    }
    return run;
}

TEST(Nist, EcdsaVerification) {
    const auto path = debian_folder() / "asymmetric/ECDSA/FIPS_186-3/SigVer.rsp";
    NEED_FILE(path, package);
    int run = 0;
    for (const Record& record : read_records(path)) {
        const Curve* curve = curve_of(record, &Curve::name);
        if (!curve) continue;
        const auto heading =
            std::ranges::find_if(record, [&](const auto& each) { return each.first.starts_with(curve->name); });
        const auto hash = hash_of(heading->first);
        if (!hash) continue;
        const Bytes point =
            concat({Bytes{4}, padded(octets(record, "qx"), curve->size), padded(octets(record, "qy"), curve->size)});
        const Bytes key =
            spki("1.2.840.10045.2.1", der::element(der::object_identifier, {der::oid_content(curve->oid)}), point);
        const Bytes signature =
            der::element(der::sequence, {integer(octets(record, "r")), integer(octets(record, "s"))});
        run += check_signature(curve->type, key, {Kind::ecdsa, *hash}, record, signature);
    }
    EXPECT_GT(run, 200);
}

TEST(Nist, RsaVerification) {
    const auto path = debian_folder() / "asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp";
    NEED_FILE(path, package);
    int run = 0;
    Bytes modulus;
    for (const Record& record : read_records(path)) {
        if (record.contains("n")) modulus = octets(record, "n");
        if (!record.contains("s") || modulus.size() < 256) continue;
        const auto hash = hash_of(record.at("shaalg"));
        if (!hash || record.at("shaalg") == "SHA512/256") continue;
        const Bytes exponent = octets(record, "e");
        const Bytes numbers = der::element(der::sequence, {integer(modulus), integer(exponent)});
        const Bytes key = spki("1.2.840.113549.1.1.1", Bytes{der::null, 0}, numbers);
        run += check_signature(KeyType::rsa, key, {Kind::rsa_pkcs1, *hash}, record, octets(record, "s"));
    }
    EXPECT_GT(run, 100);
}

TEST(Nist, Ed25519Signatures) {
    const auto path = debian_folder() / "asymmetric/Ed25519/sign.input";
    NEED_FILE(path, package);
    std::istringstream file(read_text(path));
    int run = 0;
    for (std::string line; std::getline(file, line);) {
        // secret | public : public : message : signature | message
        std::vector<std::string> fields;
        std::istringstream parts(line);
        for (std::string field; std::getline(parts, field, ':');) fields.push_back(field);
        ASSERT_GE(fields.size(), 4U);
        const Bytes message = octets(fields[2]), expected = octets(fields[3].substr(0, 128));
        const Bytes pkcs8 = concat({octets("302e020100300506032b657004220420"), octets(fields[0].substr(0, 64))});
        const Bytes key = spki("1.3.101.112", {}, octets(fields[1]));
        const SignatureScheme scheme{Kind::ed25519, SignatureHash::identity};
        for (const auto& [name, row] :
             rows_of(&Library::signatures, [](const SignatureRow& each) { return each.type == KeyType::ed25519; })) {
            const auto private_key = row->read_private(pkcs8);
            ASSERT_TRUE(private_key) << name;
            EXPECT_EQ(hex(*row->sign(private_key->get(), scheme, message)), hex(expected)) << name;
            EXPECT_TRUE(row->verify(row->read_public(key)->get(), scheme, message, expected)) << name;
            ++run;
        }
    }
    EXPECT_GT(run, 1000);
}

TEST(Nist, Ed448Signatures) {
    const auto path = debian_folder() / "asymmetric/Ed448/rfc8032.txt";
    NEED_FILE(path, package);
    for (const Record& record : read_records(path)) {
        if (record.contains("context")) continue;  // RFC 8420 §2: IKEv2 uses the empty context
        const Bytes pkcs8 = concat({octets("3047020100300506032b6571043b0439"), octets(record, "secret")});
        const SignatureScheme scheme{Kind::ed448, SignatureHash::identity};
        for (const auto& [name, row] :
             rows_of(&Library::signatures, [](const SignatureRow& each) { return each.type == KeyType::ed448; }))
            EXPECT_EQ(hex(*row->sign(row->read_private(pkcs8)->get(), scheme, octets(record, "message"))),
                      hex(octets(record, "signature")))
                << name;
    }
}

// (p - 2)^2 = 4 mod p, for the primes that RFC 3526 gives.
TEST(Nist, ModpPrimesAreThoseOfRfc3526) {
    const auto path = debian_folder() / "asymmetric/DH/rfc3526.txt";
    NEED_FILE(path, package);
    int run = 0;
    for (const Record& record : read_records(path)) {
        if (!record.contains("p")) continue;
        const Bytes prime = octets(record, "p");
        for (const Ke method : {Ke::modp_2048, Ke::modp_3072, Ke::modp_4096}) {
            if (shape_of(method)->initiator_size != prime.size()) continue;
            Bytes base = prime, four(prime.size(), 0);
            base.back() = static_cast<std::uint8_t>(base.back() - 2);
            four.back() = 4;
            for (const auto& [name, row] : key_exchange_rows(method)) {
                EXPECT_EQ(hex(row->agree(method, Bytes{2}, base)->reveal()), hex(four)) << name;
                EXPECT_EQ(row->agree(method, Bytes{2}, prime).error().code, Errc::bad_value);
                ++run;
            }
        }
    }
    EXPECT_GE(run, 3);
}

}  // namespace
}  // namespace cygnet::vectors
