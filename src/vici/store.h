// What was loaded by files and by load-* commands; yields one immutable configuration. Values are shared
// between versions: replacing one connection leaves all others untouched.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ike/credentials.h"
#include "model/config.h"
#include "vici/config_file.h"
#include "vici/message.h"

namespace cygnet::vici {

// The schema's refusal of one value, told apart by what VICI calls it.
struct Refusal {
    enum class Kind : std::uint8_t { unknown_key, invalid_value, invalid_section, unsupported, other } kind{};
    std::string path;        // "children.net.local_ts", "" for the section itself
    std::string key;         // "local_ts"
    std::string detail;      // a sentence: what is wrong, what is accepted
    Place place{};

    // "invalid value for: local_ts, config discarded: …"
    std::string vici_text() const;
};
using Loaded = std::expected<void, Refusal>;

class ConfigStore {
public:
    ConfigStore();
    ~ConfigStore();

    // ---- load-*, unload-*: messages as swanctl sends them ----
    // `message` holds one section named like the connection (pool, authority).
    Loaded load_connection(const Section& message);
    Loaded unload_connection(std::string_view name);
    Loaded load_pool(const Section& message);
    Loaded unload_pool(std::string_view name);
    Loaded load_authority(const Section& message);
    Loaded unload_authority(std::string_view name);
    Loaded load_shared(const Section& message);
    Loaded unload_shared(std::string_view id);
    Loaded load_certificate(const Section& message);
    std::expected<std::string, Refusal> load_key(const Section& message);  // hex key id
    Loaded unload_key(std::string_view hex_id);
    void clear_credentials();
    void flush_certificates();

    // ---- what is there ----
    std::shared_ptr<const model::Config> config() const;
    std::shared_ptr<const ike::Credentials> credentials() const;
    std::vector<std::string> key_ids() const;
    std::vector<std::string> authority_names() const;
    // The DER of an authority's certificate; nothing if there is no such authority.
    const Bytes* authority(std::string_view name) const;
    // The connection that has a child of that name; nothing if none.
    const model::Connection* connection_of_child(std::string_view child) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Reads a file of swanctl.conf's syntax and the folders beside it (x509, x509ca, private, rsa, ecdsa, pkcs8) into
// the store, as `swanctl --load-all` would: what is no longer there is unloaded, what is wrong is skipped.
// Returns everything that is wrong; empty: all is loaded.
std::vector<Complaint> load_files(ConfigStore& store, FileSource& files, const std::string& path);

}  // namespace cygnet::vici
