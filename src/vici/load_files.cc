// What `swanctl --load-all` does, without swanctl: the daemon's own configuration files into the store.
#include <algorithm>
#include <map>

#include "crypto/revocation.h"
#include "vici/store.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

class Loader {
public:
    Loader(ConfigStore& store, FileSource& files, const std::string& path)
        : store_(store), files_(files), path_(path) {
        const auto slash = path.rfind('/');
        folder_ = slash == path.npos ? "" : path.substr(0, slash + 1);
    }

    std::vector<Complaint> run();

private:
    void complain(const Place& place, std::string text) { complaints_.push_back({place, std::move(text)}); }
    void complain(const std::string& prefix, const Refusals& refusals, const Place& fallback);
    void check_top_level(const ParsedConfigFile& parsed);
    void certificates();
    void certificate_folder(const std::string& folder, const char* flag);
    void crls();
    void keys();
    void unsupported_folders();
    void secrets(const Section& section);
    void shared_secret(const Entry& entry);
    void connections(const Section& section);
    void pools(const Section& section);
    void authorities(const Section& section);
    void unload_what_is_gone(const ConfigStore::FromFiles& before);
    bool inline_files(Entry& connection, const std::string& prefix);
    bool inline_auth(Entry& auth, const std::string& prefix);
    std::optional<std::string> content(const std::string& folder, const std::string& name, const Place& place,
                                       const std::string& path);

    ConfigStore& store_;
    FileSource& files_;
    std::string path_, folder_;
    std::vector<Complaint> complaints_{};
    ConfigStore::FromFiles found_{};
};

std::string reason(const Error& error) { return error.detail.empty() ? error.text() : error.detail; }

std::vector<Complaint> Loader::run() {
    ParsedConfigFile parsed = parse_config_file(files_, path_);
    complaints_ = std::move(parsed.complaints);
    check_top_level(parsed);
    certificates();
    keys();
    unsupported_folders();
    static const Section none;
    const auto section = [&](std::string_view name) -> const Section& {
        const Section* found = parsed.tree.section(name);
        return found == nullptr ? none : *found;
    };
    secrets(section("secrets"));
    authorities(section("authorities"));
    pools(section("pools"));
    connections(section("connections"));
    unload_what_is_gone(store_.from_files());
    store_.from_files() = std::move(found_);
    std::ranges::stable_sort(complaints_, {}, [](const Complaint& complaint) {
        return std::pair(complaint.place.file ? *complaint.place.file : std::string(), complaint.place.line);
    });
    return std::move(complaints_);
}

void Loader::complain(const std::string& prefix, const Refusals& refusals, const Place& fallback) {
    for (const Refusal& refusal : refusals) {
        const std::string text = refusal.path.empty() ? prefix + ": " + refusal.detail : prefix + "." + refusal.file_text();
        complain(refusal.place.file ? refusal.place : fallback, text);
    }
}

// Sections of other names are templates to inherit from; those that nobody inherits from are mistakes.
void Loader::check_top_level(const ParsedConfigFile& parsed) {
    const std::vector<std::string_view> known{"connections", "secrets", "pools", "authorities"};
    for (const Entry& entry : parsed.tree.entries()) {
        if (std::ranges::find(known, entry.name) != known.end() && entry.section() != nullptr) continue;
        if (entry.section() != nullptr && parsed.inherited_from.contains(entry.name)) continue;
        std::string text = entry.name + ": unknown " + (entry.section() != nullptr ? "section" : "key");
        if (const auto meant = nearest(entry.name, known)) text += "; did you mean " + std::string(*meant) + "?";
        complain(entry.place, text + " Accepted here: the sections connections, secrets, pools, authorities, and "
                                     "sections that others inherit from");
    }
}

// ---- folders ------------------------------------------------------------------------------------------

void Loader::certificates() {
    certificate_folder("x509", "NONE");
    certificate_folder("x509ca", "CA");
    crls();
}

void Loader::certificate_folder(const std::string& folder, const char* flag) {
    for (const std::string& path : files_.glob(folder_ + folder + "/*")) {
        const auto data = files_.read(path);
        if (!data) {
            complain({}, path + ": " + reason(data.error()));
            continue;
        }
        Section message;
        message.add("type", "X509").add("flag", flag).add("data", *data);
        if (const Refusals refusals = store_.load_certificate(message); !refusals.empty()) {
            complain({}, path + ": " + refusals.front().detail);
            continue;
        }
        if (const auto der = certificate_der(*data)) found_.certificates.insert(*der);
    }
}

void Loader::crls() {
    for (const std::string& path : files_.glob(folder_ + "x509crl/*")) {
        const auto data = files_.read(path);
        if (!data) {
            complain({}, path + ": " + reason(data.error()));
            continue;
        }
        Section message;
        message.add("type", "X509_CRL").add("data", *data);
        if (const Refusals refusals = store_.load_certificate(message); !refusals.empty())
            complain({}, path + ": " + refusals.front().detail);
        else if (const auto crl = crypto::Crl::parse(bytes_of(*data)))
            found_.certificates.insert(crl->der());
    }
}

void Loader::keys() {
    for (const char* folder : {"private", "rsa", "ecdsa", "pkcs8"}) {
        for (const std::string& path : files_.glob(folder_ + folder + "/*")) {
            auto data = files_.read(path);
            if (!data) {
                complain({}, path + ": " + reason(data.error()));
                continue;
            }
            Section message;
            message.add("type", "any").add("data", *data);
            const auto id = store_.load_key(message);
            if (id) found_.keys.insert(*id);
            else complain({}, path + ": " + id.error().front().detail);
        }
    }
}

void Loader::unsupported_folders() {
    for (const char* folder : {"x509aa", "x509ocsp", "x509ac", "pkcs12"})
        for (const std::string& path : files_.glob(folder_ + folder + "/*"))
            complain({}, path + ": files of the folder " + folder + " are not supported by this version of Cygnet");
}

// ---- secrets ------------------------------------------------------------------------------------------

void Loader::secrets(const Section& section) {
    for (const Entry& entry : section.entries()) {
        const std::string name = "secrets." + entry.name;
        if (entry.section() == nullptr) {
            complain(entry.place, name + ": unknown key; secrets holds sections such as ike-home");
        } else if (entry.name.starts_with("ike") || entry.name.starts_with("ppk")) {
            shared_secret(entry);
        } else {
            complain(entry.place, name + ": secrets of this kind are not supported by this version of Cygnet; "
                                         "accepted are sections whose name begins with ike or ppk");
        }
    }
}

void Loader::shared_secret(const Entry& entry) {
    const std::string name = "secrets." + entry.name;
    Section message;
    message.add("id", entry.name).add("type", entry.name.substr(0, 3));
    List owners;
    for (const Entry& key : entry.section()->entries()) {
        const std::string* text = key.text();
        if (text != nullptr && key.name.starts_with("id")) {
            owners.push_back(*text);
        } else if (text != nullptr && key.name == "secret") {
            const auto decoded = parse_inline_blob(*text);
            if (has_inline_prefix(*text) && !decoded)
                complain(key.place, name + ".secret: after 0x hexadecimal digits are expected, after 0s base64");
            message.add("data", decoded ? std::string_view(reinterpret_cast<const char*>(decoded->data()), decoded->size())
                                        : std::string_view(*text));
        } else {
            complain(key.place, name + "." + key.name + ": unknown key. Accepted here: secret, and keys that begin "
                                                         "with id (the owners)");
        }
    }
    message.add_list("owners", std::move(owners));
    const Refusals refusals = store_.load_shared(message);
    if (refusals.empty()) found_.secrets.insert(entry.name);
    else complain(name, refusals, entry.place);
}

// ---- connections, pools, authorities ------------------------------------------------------------------

// A name in the configuration as the content of its file; inline blobs stay as they are.
std::optional<std::string> Loader::content(const std::string& folder, const std::string& name, const Place& place,
                                           const std::string& path) {
    if (has_inline_prefix(name)) return name;
    const std::string file = name.starts_with('/') ? name : folder_ + folder + "/" + name;
    auto data = files_.read(file);
    if (data) return *std::move(data);
    complain(place, path + ": cannot read " + file + ": " + reason(data.error()));
    return std::nullopt;
}

bool Loader::inline_auth(Entry& auth, const std::string& prefix) {
    bool good = true;
    Section out;
    std::map<std::string, List> blobs;
    for (const Entry& entry : auth.section()->entries()) {
        const std::string path = prefix + "." + auth.name + "." + entry.name;
        const auto folder = folder_of_key(entry.name);
        if (folder && entry.text() != nullptr) {
            for (const std::string& name : split_list(*entry.text())) {
                auto data = content(std::string(*folder), name, entry.place, path);
                good = good && data.has_value();
                if (data) blobs[entry.name].push_back(*std::move(data));
            }
            out.add_entry({entry.name, List(), entry.place});
            continue;
        }
        const bool is_ca = entry.name.starts_with("cacert");
        const auto file = entry.section() != nullptr ? entry.section()->text("file") : std::nullopt;
        if (file && (is_ca || entry.name.starts_with("cert")) && entry.section()->entries().size() == 1) {
            const std::string key = is_ca ? "cacerts" : "certs";
            auto data = content(is_ca ? "x509ca" : "x509", std::string(*file), entry.place, path);
            good = good && data.has_value();
            if (data) blobs[key].push_back(*std::move(data));
            if (!out.has(key)) out.add_entry({key, List(), entry.place});
            continue;
        }
        out.add_entry(entry);
    }
    for (Entry& entry : out.mutable_entries())
        if (const auto found = blobs.find(entry.name); found != blobs.end()) entry.value = found->second;
    auth.value = std::move(out);
    return good;
}

bool Loader::inline_files(Entry& connection, const std::string& prefix) {
    bool good = true;
    for (Entry& entry : std::get<Section>(connection.value).mutable_entries()) {
        const bool auth = entry.name.starts_with("local") || entry.name.starts_with("remote");
        if (auth && entry.section() != nullptr && !inline_auth(entry, prefix)) good = false;
    }
    return good;
}

void Loader::connections(const Section& section) {
    for (const Entry& written : section.entries()) {
        const std::string name = "connections." + written.name;
        if (written.section() == nullptr) {
            complain(written.place, name + ": unknown key; connections holds one section for each connection");
            continue;
        }
        Entry entry = written;
        found_.connections.insert(entry.name);  // a mistake keeps what was loaded before
        if (!inline_files(entry, name)) {
            // Its other mistakes are told all the same.
            Refusals refusals;
            read_connection(entry.name, *entry.section(), refusals, store_.kernel_esp());
            complain(name, refusals, written.place);
            continue;
        }
        Section message;
        message.add_entry(std::move(entry));
        complain(name, store_.load_connection(message), written.place);
    }
}

void Loader::pools(const Section& section) {
    for (const Entry& entry : section.entries()) {
        Section message;
        message.add_entry(entry);
        found_.pools.insert(entry.name);
        complain("pools." + entry.name, store_.load_pool(message), entry.place);
    }
}

void Loader::authorities(const Section& section) {
    for (const Entry& entry : section.entries()) {
        const std::string name = "authorities." + entry.name;
        found_.authorities.insert(entry.name);
        Section message;
        Section& named = message.add_section(entry.name);
        bool good = true;
        const Section empty;
        for (const Entry& key : (entry.section() != nullptr ? *entry.section() : empty).entries()) {
            const bool is_file = (key.name == "cacert" || key.name == "file") && key.text() != nullptr;
            const auto data = is_file ? content("x509ca", *key.text(), key.place, name + "." + key.name) : std::nullopt;
            if (is_file && !data) good = false;
            else if (is_file) named.add_entry({"cacert", *data, key.place});
            else named.add_entry(key);
        }
        if (good) complain(name, store_.load_authority(message), entry.place);
    }
}

void Loader::unload_what_is_gone(const ConfigStore::FromFiles& before) {
    const auto gone = [](const auto& old, const auto& now, auto unload) {
        for (const auto& item : old)
            if (!now.contains(item)) unload(item);
    };
    gone(before.connections, found_.connections, [&](const std::string& name) { store_.unload_connection(name); });
    gone(before.pools, found_.pools, [&](const std::string& name) { store_.unload_pool(name); });
    gone(before.authorities, found_.authorities, [&](const std::string& name) { store_.unload_authority(name); });
    gone(before.secrets, found_.secrets, [&](const std::string& name) { store_.unload_shared(name); });
    gone(before.keys, found_.keys, [&](const std::string& id) { store_.unload_key(id); });
    gone(before.certificates, found_.certificates, [&](const Bytes& der) { store_.unload_certificate(der); });
}

}  // namespace

std::vector<Complaint> load_files(ConfigStore& store, FileSource& files, const std::string& path) {
    return Loader(store, files, path).run();
}

}  // namespace cygnet::vici
