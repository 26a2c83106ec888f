// OpenSSL before 3.5 knows neither ML-DSA nor SLH-DSA. A provider of ours in this process gives it their public keys and the
// verification of their signatures, computed by the rows of other libraries: OpenSSL then checks the signature of every
// certificate, CRL and OCSP response itself, like any other, and nothing of it is done a second time by us
// (docs/decisions/0027).
#include "crypto/openssl_certificate.h"

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_NUMBER >= 0x30500000L

namespace cygnet::crypto {
void teach_openssl() {}
}  // namespace cygnet::crypto

#else

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "crypto/public_key.h"

namespace cygnet::crypto {
namespace {

// A function of a provider: OpenSSL knows by the number which type it has.
template <class Function>
OSSL_DISPATCH entry(int id, Function* function) {
    return {id, reinterpret_cast<void (*)()>(function)};
}
constexpr OSSL_DISPATCH last_entry{0, nullptr};

PublicKey* key_of(const void* key) { return static_cast<PublicKey*>(const_cast<void*>(key)); }

// FIPS 204 table 1 and FIPS 205 table 2: what breaking it costs, as bits of a symmetric key.
int strength_of(const PublicKey& key) {
    switch (key.type()) {
        case KeyType::ml_dsa_65:
        case KeyType::slh_dsa_sha2_192s:
        case KeyType::slh_dsa_sha2_192f:
        case KeyType::slh_dsa_shake_192s:
        case KeyType::slh_dsa_shake_192f: return 192;
        case KeyType::ml_dsa_87:
        case KeyType::slh_dsa_sha2_256s:
        case KeyType::slh_dsa_sha2_256f:
        case KeyType::slh_dsa_shake_256s:
        case KeyType::slh_dsa_shake_256f: return 256;
        default: return 128;
    }
}

// ---- public keys ----------------------------------------------------------------------------------

// OpenSSL hands over what a decoder made, by a pointer to the pointer.
void* load_key(const void* reference, std::size_t size) {
    if (size != sizeof(PublicKey*)) return nullptr;
    return std::exchange(*static_cast<PublicKey**>(const_cast<void*>(reference)), nullptr);
}
void free_key(void* key) { delete key_of(key); }

// They have no domain parameters that could be missing.
int has_parts(const void* key, int selection) {
    return key != nullptr && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
}
int match_keys(const void* a, const void* b, int) { return key_of(a)->spki() == key_of(b)->spki(); }

const OSSL_PARAM* key_facts(void*) {
    static const std::array<OSSL_PARAM, 4> facts{{OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
                                                  OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
                                                  OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr), OSSL_PARAM_END}};
    return facts.data();
}
int get_key_facts(void* key, OSSL_PARAM* wanted) {
    const PublicKey& of = *key_of(key);
    const auto set = [&](const char* name, std::size_t value) {
        OSSL_PARAM* param = OSSL_PARAM_locate(wanted, name);
        return param == nullptr || OSSL_PARAM_set_int(param, static_cast<int>(value)) == 1;
    };
    return set(OSSL_PKEY_PARAM_BITS, of.bits()) && set(OSSL_PKEY_PARAM_SECURITY_BITS, static_cast<std::size_t>(strength_of(of))) &&
           set(OSSL_PKEY_PARAM_MAX_SIZE, one_way_of(of.type())->signature_octets);
}

const OSSL_DISPATCH* key_functions() {
    static const std::array table{entry(OSSL_FUNC_KEYMGMT_LOAD, load_key),
                                  entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
                                  entry(OSSL_FUNC_KEYMGMT_HAS, has_parts),
                                  entry(OSSL_FUNC_KEYMGMT_MATCH, match_keys),
                                  entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_facts),
                                  entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_facts),
                                  last_entry};
    return table.data();
}

// ---- reading them out of a SubjectPublicKeyInfo ---------------------------------------------------------

// What OpenSSL offers to its providers.
struct Core {
    OSSL_FUNC_BIO_read_ex_fn* read = nullptr;
};

void* new_decoder(void* core) { return core; }
void free_decoder(void*) {}
int decodes(void*, int selection) { return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0; }

Bytes read_all(const Core& core, OSSL_CORE_BIO* from) {
    Bytes all;
    std::array<std::uint8_t, 4096> part;
    for (std::size_t size = 0; core.read(from, part.data(), part.size(), &size) == 1 && size > 0;)
        append(all, ByteView(part).first(size));
    return all;
}

// What is no key of ours is left to other decoders, which is no error.
int decode_key(void* core, OSSL_CORE_BIO* from, int, OSSL_CALLBACK* take, void* argument, OSSL_PASSPHRASE_CALLBACK*, void*) {
    const auto read = PublicKey::from_spki(read_all(*static_cast<const Core*>(core), from));
    if (!read || !is_post_quantum(read->type())) return 1;
    auto key = std::make_unique<PublicKey>(*read);
    PublicKey* reference = key.get();
    std::string name(name_of(key->type()));
    int kind = OSSL_OBJECT_PKEY;
    const std::array<OSSL_PARAM, 4> found{
        {OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &kind),
         OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE, name.data(), 0),
         OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, static_cast<void*>(&reference), sizeof reference),
         OSSL_PARAM_construct_end()}};
    const int taken = take(found.data(), argument);
    if (reference == nullptr) key.release();  // load_key has it now
    return taken;
}

const OSSL_DISPATCH* decoder_functions() {
    static const std::array table{entry(OSSL_FUNC_DECODER_NEWCTX, new_decoder),
                                  entry(OSSL_FUNC_DECODER_FREECTX, free_decoder),
                                  entry(OSSL_FUNC_DECODER_DOES_SELECTION, decodes),
                                  entry(OSSL_FUNC_DECODER_DECODE, decode_key),
                                  last_entry};
    return table.data();
}

// ---- verification ----------------------------------------------------------------------------------

struct Verification {
    const PublicKey* key = nullptr;  // OpenSSL holds it as long as this
};

void* new_verification(void*, const char*) { return new Verification; }
void free_verification(void* verification) { delete static_cast<Verification*>(verification); }
void* copy_verification(void* verification) { return new Verification(*static_cast<Verification*>(verification)); }

// They hash by themselves: a digest has no place here.
int begin_verification(void* verification, const char* digest, void* key, const OSSL_PARAM*) {
    if (digest != nullptr && *digest != '\0') return 0;
    if (key != nullptr) static_cast<Verification*>(verification)->key = key_of(key);
    return static_cast<Verification*>(verification)->key != nullptr;
}

int verify_octets(void* verification, const std::uint8_t* signature, std::size_t signature_size, const std::uint8_t* data,
                  std::size_t size) {
    const PublicKey& key = *static_cast<const Verification*>(verification)->key;
    const SignatureScheme scheme{one_way_of(key.type())->kind, model::SignatureHash::identity};
    return verify(key, scheme, {data, size}, {signature, signature_size}).has_value();
}

const OSSL_DISPATCH* verification_functions() {
    static const std::array table{entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_verification),
                                  entry(OSSL_FUNC_SIGNATURE_FREECTX, free_verification),
                                  entry(OSSL_FUNC_SIGNATURE_DUPCTX, copy_verification),
                                  entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, begin_verification),
                                  entry(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, verify_octets),
                                  last_entry};
    return table.data();
}

// ---- the provider ----------------------------------------------------------------------------------

// What this build computes, by names that OpenSSL finds it by: "ML-DSA-65:2.16.840.1.101.3.4.3.18".
struct Offer {
    std::deque<std::string> names{};  // that the rows point to
    std::vector<OSSL_ALGORITHM> keys{}, verifications{}, decoders{};

    Offer() {
        for (const OneWay& each : one_way_keys()) {
            if (!is_post_quantum(each.type) || !supports(each.type)) continue;
            const char* name = names.emplace_back(std::string(each.name) + ':' + each.oid).c_str();
            keys.push_back({name, "provider=cygnet", key_functions(), each.name});
            verifications.push_back({name, "provider=cygnet", verification_functions(), each.name});
            decoders.push_back(
                {name, "provider=cygnet,input=der,structure=SubjectPublicKeyInfo", decoder_functions(), each.name});
        }
        for (auto* rows : {&keys, &verifications, &decoders}) rows->push_back({nullptr, nullptr, nullptr, nullptr});
    }
};

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
    static const Offer& offer = *new Offer;  // for ever: OpenSSL cleans up after our own objects are gone
    *no_cache = 0;
    switch (operation) {
        case OSSL_OP_KEYMGMT: return offer.keys.data();
        case OSSL_OP_SIGNATURE: return offer.verifications.data();
        case OSSL_OP_DECODER: return offer.decoders.data();
        default: return nullptr;
    }
}

int begin_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH* offered, const OSSL_DISPATCH** ours, void** context) {
    static Core core;
    for (; offered->function_id != 0; ++offered)
        if (offered->function_id == OSSL_FUNC_BIO_READ_EX) core.read = OSSL_FUNC_BIO_read_ex(offered);
    static const std::array table{entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), last_entry};
    *ours = table.data();
    *context = &core;
    return core.read != nullptr;
}

// Where the machine's configuration of OpenSSL stands in the way, such certificates are refused as before.
using Provider = Handle<OSSL_PROVIDER, OSSL_PROVIDER_unload>;

Provider register_provider() {
    for (const OneWay& each : one_way_keys()) {
        if (!is_post_quantum(each.type) || !supports(each.type) || OBJ_txt2nid(each.oid) != NID_undef) continue;
        const int number = OBJ_create(each.oid, each.name, each.name);
        if (number == NID_undef || OBJ_add_sigid(number, NID_undef, number) != 1) return nullptr;
    }
    // The default provider stays what OpenSSL falls back on.
    if (OSSL_PROVIDER_add_builtin(nullptr, "cygnet", begin_provider) != 1) return nullptr;
    return Provider(OSSL_PROVIDER_try_load(nullptr, "cygnet", 1));
}

}  // namespace

void teach_openssl() {
    static const Provider loaded = register_provider();
}

}  // namespace cygnet::crypto

#endif
