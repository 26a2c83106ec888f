#include "vici/store.h"

#include <algorithm>

#include "crypto/x509.h"
#include "model/config_index.h"
#include "model/limits.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

Refusals refused(std::string detail) {
    return {{.kind = Refusal::Kind::other, .detail = std::move(detail)}};
}

// The one section that a load-conn, load-pool or load-authority message holds.
const Entry* only_section(const Section& message) {
    if (message.entries().size() != 1) return nullptr;
    const Entry& entry = message.entries().front();
    return entry.section() != nullptr && !entry.name.empty() ? &entry : nullptr;
}

template <class Map>
Refusals unload(Map& map, std::string_view name, const std::string& missing) {
    const auto found = map.find(name);
    if (found == map.end()) return refused(missing);
    map.erase(found);
    return {};
}

// A raw key is trusted where a connection names it (pubkeys), whose message brings it along: here it is only looked at.
Refusals check_public_key(const Section& message) {
    const auto data = message.text("data");
    if (!data) return refused("public key data missing");
    if (const auto der = public_key_der(*data); !der) return refused(der.error().detail);
    return {};
}

// What has not changed stays the same object: whoever uses it is not disturbed.
template <class Value>
void keep_or_replace(std::map<std::string, std::shared_ptr<const Value>, std::less<>>& map, const std::string& name,
                     Value value) {
    std::shared_ptr<const Value>& place = map[name];
    if (!place || !(*place == value)) place = std::make_shared<const Value>(std::move(value));
}

std::string sentence(const Error& error) { return error.detail.empty() ? error.text() : error.detail; }

}  // namespace

struct ConfigStore::Impl {
    model::Config current{};
    std::map<std::string, Authority, std::less<>> authorities{};
    std::map<Bytes, crypto::PrivateKey> keys{};
    std::vector<crypto::Certificate> certificates{}, ca_certificates{};
    std::vector<crypto::Crl> crls{};
    FromFiles from_files{};
    unsigned unnamed_secrets = 0;
    bool kernel_esp = false;

    // Made when somebody asks, thrown away by every change.
    mutable std::shared_ptr<const model::Config> config{};
    mutable std::shared_ptr<const ike::Credentials> credentials{};

    void config_changed() { config.reset(); }
    void credentials_changed() {
        credentials.reset();
        config.reset();
    }
    std::vector<crypto::Certificate> all_authorities() const;
    std::shared_ptr<const crypto::RevocationSources> revocation_sources() const;
    Refusals load_crl(std::string_view data);
    Refusals load_ppk(model::SharedSecret secret, const List* ids);
};

Refusals ConfigStore::Impl::load_crl(std::string_view data) {
    auto crl = crypto::Crl::parse(bytes_of(data));
    if (!crl) return refused("parsing X509_CRL certificate failed: " + sentence(crl.error()));
    if (std::ranges::find(crls, *crl) != crls.end()) return {};
    if (crls.size() >= model::limits::cached_crls)
        return refused("more than " + std::to_string(model::limits::cached_crls) + " CRLs are loaded");
    crls.push_back(*std::move(crl));
    credentials_changed();
    return {};
}

// The owners of a PPK are the ids under which peers know it (RFC 8784 §5.1).
Refusals ConfigStore::Impl::load_ppk(model::SharedSecret secret, const List* ids) {
    model::PpkSecret ppk{.name = std::move(secret.name), .key = std::move(secret.secret)};
    if (ids != nullptr)
        for (const std::string& id : *ids) {
            model::PpkPattern pattern = model::PpkPattern::parse(id);
            if (!pattern.name.is_any()) ppk.ids.push_back(std::move(pattern));
        }
    const std::string name = ppk.name;
    current.secrets.erase(name);
    current.ppks.insert_or_assign(name, std::make_shared<const model::PpkSecret>(std::move(ppk)));
    config_changed();
    return {};
}

std::shared_ptr<const crypto::RevocationSources> ConfigStore::Impl::revocation_sources() const {
    auto sources = std::make_shared<crypto::RevocationSources>();
    sources->crls = crls;
    for (const auto& [name, authority] : authorities)
        if (auto certificate = crypto::Certificate::parse(authority.certificate))
            sources->authorities.push_back({.certificate = *std::move(certificate),
                                            .crl_uris = authority.crl_uris,
                                            .ocsp_uris = authority.ocsp_uris,
                                            .cert_uri_base = authority.cert_uri_base});
    return sources;
}

std::vector<crypto::Certificate> ConfigStore::Impl::all_authorities() const {
    std::vector<crypto::Certificate> all = ca_certificates;
    for (const auto& [name, authority] : authorities) {
        auto certificate = crypto::Certificate::parse(authority.certificate);
        if (certificate && std::ranges::find(all, *certificate) == all.end())
            all.push_back(*std::move(certificate));
    }
    return all;
}

ConfigStore::ConfigStore() : impl_(std::make_unique<Impl>()) {}
ConfigStore::~ConfigStore() = default;
ConfigStore::ConfigStore(ConfigStore&&) noexcept = default;
ConfigStore& ConfigStore::operator=(ConfigStore&&) noexcept = default;

void ConfigStore::set_kernel_esp(bool kernel_esp) { impl_->kernel_esp = kernel_esp; }
bool ConfigStore::kernel_esp() const { return impl_->kernel_esp; }

Refusals ConfigStore::load_connection(const Section& message) {
    const Entry* entry = only_section(message);
    if (entry == nullptr) return refused("load-conn takes one section, named like the connection");
    auto& connections = impl_->current.connections;
    if (connections.size() >= model::limits::configured_connections && !connections.contains(entry->name))
        return refused("more than " + std::to_string(model::limits::configured_connections) + " connections");
    Refusals refusals;
    auto connection = read_connection(entry->name, *entry->section(), refusals, impl_->kernel_esp);
    if (!refusals.empty()) return refusals;
    keep_or_replace(connections, entry->name, std::move(connection));
    impl_->config_changed();
    return {};
}

Refusals ConfigStore::unload_connection(std::string_view name) {
    impl_->config_changed();
    return unload(impl_->current.connections, name, "unload: connection '" + std::string(name) + "' not found");
}

Refusals ConfigStore::load_pool(const Section& message) {
    const Entry* entry = only_section(message);
    if (entry == nullptr) return refused("load-pool takes one section, named like the pool");
    Refusals refusals;
    auto pool = read_pool(entry->name, *entry->section(), refusals);
    if (!refusals.empty()) return refusals;
    keep_or_replace(impl_->current.pools, entry->name, std::move(pool));
    impl_->config_changed();
    return {};
}

Refusals ConfigStore::unload_pool(std::string_view name) {
    impl_->config_changed();
    return unload(impl_->current.pools, name, "unload: pool '" + std::string(name) + "' not found");
}

Refusals ConfigStore::load_authority(const Section& message) {
    const Entry* entry = only_section(message);
    if (entry == nullptr) return refused("load-authority takes one section, named like the authority");
    Refusals refusals;
    auto authority = read_authority(entry->name, *entry->section(), refusals);
    if (!refusals.empty()) return refusals;
    impl_->authorities.insert_or_assign(entry->name, std::move(authority));
    impl_->credentials_changed();
    return {};
}

Refusals ConfigStore::unload_authority(std::string_view name) {
    impl_->credentials_changed();
    return unload(impl_->authorities, name, "unload: authority '" + std::string(name) + "' not found");
}

Refusals ConfigStore::load_shared(const Section& message) {
    const auto type = message.text("type").value_or("");
    for (const std::string_view later : {"eap", "xauth", "ntlm"})
        if (equal_ignoring_case(type, later))
            return refused("secrets of type " + std::string(later) + " are not supported by this version of Cygnet");
    const bool ppk = equal_ignoring_case(type, "ppk");
    if (!ppk && !equal_ignoring_case(type, "ike")) return refused("invalid shared key type: " + std::string(type));
    const auto data = message.text("data");
    if (!data || data->empty()) return refused("shared key data missing");
    model::SharedSecret secret;
    secret.name = std::string(message.text("id").value_or(""));
    if (secret.name.empty()) secret.name = "unnamed-" + std::to_string(++impl_->unnamed_secrets);
    secret.secret = SecretBytes::copy_of(bytes_of(*data));
    if (ppk) return impl_->load_ppk(std::move(secret), message.list("owners"));
    impl_->current.ppks.erase(secret.name);
    if (const List* owners = message.list("owners")) {
        for (const std::string& owner : *owners) {
            const auto identity = model::Identity::parse(owner, crypto::parse_distinguished_name);
            if (!identity.is_any()) secret.owners.push_back(identity);
        }
    }
    const std::string name = secret.name;
    impl_->current.secrets.insert_or_assign(name, std::make_shared<const model::SharedSecret>(std::move(secret)));
    impl_->config_changed();
    return {};
}

Refusals ConfigStore::unload_shared(std::string_view id) {
    impl_->config_changed();
    if (const auto ppk = impl_->current.ppks.find(id); ppk != impl_->current.ppks.end()) {
        impl_->current.ppks.erase(ppk);
        return {};
    }
    return unload(impl_->current.secrets, id, "unload: shared key '" + std::string(id) + "' not found");
}

Refusals ConfigStore::load_certificate(const Section& message) {
    const auto type = message.text("type").value_or("X509");
    const auto flag = message.text("flag").value_or("NONE");
    const auto data = message.text("data");
    if (!data) return refused("certificate data missing");
    if (equal_ignoring_case(type, "X509_CRL") || equal_ignoring_case(type, "x509crl")) return impl_->load_crl(*data);
    const bool is_ca = equal_ignoring_case(flag, "CA") || equal_ignoring_case(type, "x509ca");
    if (equal_ignoring_case(type, "pubkey")) return check_public_key(message);
    if (!equal_ignoring_case(type, "X509") && !equal_ignoring_case(type, "x509ca"))
        return refused("certificates of type " + std::string(type) + " are not supported by this version of Cygnet");
    if (!is_ca && !equal_ignoring_case(flag, "NONE"))
        return refused("certificates with flag " + std::string(flag) + " are not supported by this version of Cygnet");
    auto certificate = crypto::Certificate::parse(bytes_of(*data));
    if (!certificate) return refused("parsing X509 certificate failed: " + sentence(certificate.error()));
    if (is_ca && !certificate->is_ca()) return refused("ca certificate lacks CA basic constraint, rejected");
    auto& list = is_ca ? impl_->ca_certificates : impl_->certificates;
    if (std::ranges::find(list, *certificate) == list.end()) list.push_back(*std::move(certificate));
    impl_->credentials_changed();
    return {};
}

void ConfigStore::unload_certificate(const Bytes& der) {
    const auto same = [&](const crypto::Certificate& certificate) { return certificate.der() == der; };
    std::erase_if(impl_->certificates, same);
    std::erase_if(impl_->ca_certificates, same);
    std::erase_if(impl_->crls, [&](const crypto::Crl& crl) { return crl.der() == der; });
    impl_->credentials_changed();
}

std::expected<std::string, Refusals> ConfigStore::load_key(const Section& message) {
    const auto data = message.text("data");
    if (!data) return std::unexpected(refused("private key data missing"));
    auto key = crypto::PrivateKey::parse(bytes_of(*data));
    if (!key) return std::unexpected(refused("parsing private key failed: " + sentence(key.error())));
    const Bytes id = key->public_key().key_id();
    impl_->keys.insert_or_assign(id, *std::move(key));
    impl_->credentials_changed();
    return hex(id);
}

Refusals ConfigStore::unload_key(std::string_view hex_id) {
    const auto id = from_hex(hex_id);
    if (!id || impl_->keys.erase(*id) == 0) return refused("unload: private key '" + std::string(hex_id) + "' not found");
    impl_->credentials_changed();
    return {};
}

void ConfigStore::clear_credentials() {
    impl_->certificates.clear();
    impl_->ca_certificates.clear();
    impl_->crls.clear();
    impl_->keys.clear();
    impl_->current.secrets.clear();
    impl_->current.ppks.clear();
    impl_->credentials_changed();
}

std::shared_ptr<const model::Config> ConfigStore::config() const {
    if (impl_->config) return impl_->config;
    model::Config config = impl_->current;
    for (const crypto::Certificate& certificate : impl_->certificates) config.certificates.push_back(certificate.der());
    for (const crypto::Certificate& certificate : impl_->all_authorities())
        config.ca_certificates.push_back(certificate.der());
    impl_->config = model::with_index(std::move(config));
    return impl_->config;
}

std::shared_ptr<const ike::Credentials> ConfigStore::credentials() const {
    if (!impl_->credentials)
        impl_->credentials = std::make_shared<const ike::Credentials>(
            ike::Credentials{impl_->certificates, impl_->all_authorities(), impl_->keys, impl_->revocation_sources()});
    return impl_->credentials;
}

std::vector<std::string> ConfigStore::key_ids() const {
    std::vector<std::string> ids;
    for (const auto& [id, key] : impl_->keys) ids.push_back(hex(id));
    return ids;
}

std::vector<std::string> ConfigStore::authority_names() const {
    std::vector<std::string> names;
    for (const auto& [name, authority] : impl_->authorities) names.push_back(name);
    return names;
}

const Authority* ConfigStore::authority(std::string_view name) const {
    const auto found = impl_->authorities.find(name);
    return found == impl_->authorities.end() ? nullptr : &found->second;
}

const model::Connection* ConfigStore::connection_of_child(std::string_view child) const {
    for (const auto& [name, connection] : impl_->current.connections)
        if (connection->child(child) != nullptr) return connection.get();
    return nullptr;
}

ConfigStore ConfigStore::copy() const {
    ConfigStore other;
    *other.impl_ = *impl_;
    return other;
}

ConfigStore::FromFiles& ConfigStore::from_files() { return impl_->from_files; }

}  // namespace cygnet::vici
