// What was loaded by files and by load-* commands; yields one immutable configuration. Values are shared
// between versions: replacing one connection leaves all others untouched.
#pragma once

#include <expected>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ike/credentials.h"
#include "model/config.h"
#include "vici/config_file.h"
#include "vici/message.h"
#include "vici/schema.h"

namespace cygnet::vici {

class ConfigStore {
public:
    ConfigStore();
    ~ConfigStore();
    ConfigStore(ConfigStore&&) noexcept;
    ConfigStore& operator=(ConfigStore&&) noexcept;
    // The same content; what both hold is shared. For trying out what may be wrong.
    ConfigStore copy() const;

    // Whether the kernel does ESP: connections may have options that only it knows. Before anything is loaded.
    void set_kernel_esp(bool kernel_esp);
    bool kernel_esp() const;

    // ---- load-*, unload-*: messages as swanctl sends them; no refusals: it is done ----
    // `message` holds one section named like the connection (pool, authority).
    Refusals load_connection(const Section& message);
    Refusals unload_connection(std::string_view name);
    Refusals load_pool(const Section& message);
    Refusals unload_pool(std::string_view name);
    Refusals load_authority(const Section& message);
    Refusals unload_authority(std::string_view name);
    Refusals load_shared(const Section& message);
    Refusals unload_shared(std::string_view id);
    Refusals load_certificate(const Section& message);
    std::expected<std::string, Refusals> load_key(const Section& message);  // hex key id
    Refusals unload_key(std::string_view hex_id);
    void unload_certificate(const Bytes& der);  // or CRL
    void clear_credentials();

    // ---- what is there ----
    std::shared_ptr<const model::Config> config() const;
    std::shared_ptr<const ike::Credentials> credentials() const;
    std::vector<std::string> key_ids() const;
    std::vector<std::string> authority_names() const;
    // Nothing if there is no such authority.
    const Authority* authority(std::string_view name) const;
    // The connection that has a child of that name; nothing if none.
    const model::Connection* connection_of_child(std::string_view child) const;

    // What the daemon's own files brought, so that a reload unloads what is no longer in them and nothing else.
    struct FromFiles {
        std::set<std::string, std::less<>> connections{}, pools{}, authorities{}, secrets{}, keys{};
        std::set<Bytes> certificates{};
    };
    FromFiles& from_files();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Reads a file of swanctl.conf's syntax and the folders beside it (x509, x509ca, x509crl, private, rsa, ecdsa, pkcs8) into
// the store, as `swanctl --load-all` would: what is no longer there is unloaded, what is wrong keeps its old state.
// Returns everything that is wrong; empty: all is loaded.
std::vector<Complaint> load_files(ConfigStore& store, FileSource& files, const std::string& path);

}  // namespace cygnet::vici
