// Commands on what is loaded: connections, credentials, pools, authorities.
#include <algorithm>
#include <set>

#include "crypto/x509.h"
#include "vici/commands.h"
#include "vici/diagnosis.h"
#include "vici/sections.h"
#include "vici/values.h"

namespace cygnet::vici {
namespace {

Section success() {
    Section message;
    message.add("success", "yes");
    return message;
}

std::string_view name_in(const Section& request) { return request.text("name").value_or(""); }

List names_of(const auto& map) {
    List names;
    for (const auto& [name, value] : map) names.push_back(name);
    return names;
}

std::string_view text_of_der(const Bytes& der) { return text_of(ByteView(der)); }

bool has_private_key(const crypto::Certificate& certificate, const ike::Credentials& credentials) {
    const auto key = certificate.public_key();
    return key && credentials.private_keys.contains(key->key_id());
}

bool subject_matches(const crypto::Certificate& certificate, std::string_view wanted) {
    if (wanted.empty()) return true;
    const auto identity = model::Identity::parse(wanted, crypto::parse_distinguished_name);
    return std::ranges::any_of(certificate.identities(),
                               [&](const model::Identity& own) { return identity.matches(own); });
}

}  // namespace

void Commands::conclude(Service& service, Instant now, ClientId client, const Refusals& refusals) {
    if (!refusals.empty()) return refuse(service, client, refusals.front().vici_text());
    service.changed(now);
    service.respond(client, success());
}

void Commands::load_conn(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.load_connection(request));
}
void Commands::unload_conn(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.unload_connection(name_in(request)));
}
void Commands::load_pool(Service& service, Instant now, ClientId client, const Section& request) {
    if (!request.empty()) {
        const std::string& name = request.entries().front().name;
        for (const auto& pool : service.control_.pools())
            if (pool.name == name && pool.online != 0 && !unchanged_pool(service, request))
                return refuse(service, client, "vici pool " + name + " has online leases, unable to replace");
    }
    conclude(service, now, client, service.store_.load_pool(request));
}

// swanctl loads every pool again; one that stays as it is does not disturb its leases.
bool Commands::unchanged_pool(const Service& service, const Section& request) {
    const Entry& entry = request.entries().front();
    const auto& pools = service.applied_->pools;
    const auto old = pools.find(entry.name);
    Refusals refusals;
    if (old == pools.end() || entry.section() == nullptr) return false;
    const model::Pool fresh = read_pool(entry.name, *entry.section(), refusals);
    return refusals.empty() && fresh.addresses == old->second->addresses;
}

void Commands::unload_pool(Service& service, Instant now, ClientId client, const Section& request) {
    for (const auto& pool : service.control_.pools())
        if (pool.name == name_in(request) && pool.online != 0)
            return refuse(service, client, "vici pool " + pool.name + " has online leases, unable to unload");
    conclude(service, now, client, service.store_.unload_pool(name_in(request)));
}
void Commands::load_authority(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.load_authority(request));
}
void Commands::unload_authority(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.unload_authority(name_in(request)));
}
void Commands::load_cert(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.load_certificate(request));
}
void Commands::load_key(Service& service, Instant now, ClientId client, const Section& request) {
    const auto id = service.store_.load_key(request);
    if (!id) return refuse(service, client, id.error().front().vici_text());
    service.changed(now);
    service.respond(client, success().add("id", *id));
}
void Commands::unload_key(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.unload_key(request.text("id").value_or("")));
}
void Commands::load_shared(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.load_shared(request));
}
void Commands::unload_shared(Service& service, Instant now, ClientId client, const Section& request) {
    conclude(service, now, client, service.store_.unload_shared(request.text("id").value_or("")));
}
void Commands::clear_creds(Service& service, Instant now, ClientId client, const Section&) {
    service.store_.clear_credentials();
    conclude(service, now, client, {});
}
void Commands::flush_certs(Service& service, Instant, ClientId client, const Section& request) {
    const auto type = request.text("type").value_or("ANY");
    const auto caches = service.control_.certificate_caches();
    const bool any = type.empty() || equal_ignoring_case(type, "ANY");
    if (any || equal_ignoring_case(type, "X509")) caches.chains->clear();
    if (any || equal_ignoring_case(type, "X509_CRL") || equal_ignoring_case(type, "OCSP_RESPONSE"))
        caches.revocations->clear();
    service.respond(client, success());
}

void Commands::get_conns(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    service.respond(client, std::move(message.add_list("conns", names_of(service.store_.config()->connections))));
}
void Commands::get_keys(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    service.respond(client, std::move(message.add_list("keys", service.store_.key_ids())));
}
void Commands::get_shared(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    const auto config = service.store_.config();
    List names = names_of(config->secrets);
    for (std::string& name : names_of(config->ppks)) names.push_back(std::move(name));
    service.respond(client, std::move(message.add_list("keys", std::move(names))));
}
void Commands::get_authorities(Service& service, Instant, ClientId client, const Section&) {
    Section message;
    service.respond(client, std::move(message.add_list("authorities", service.store_.authority_names())));
}

void Commands::list_conns(Service& service, Instant now, ClientId client, const Section& request) {
    const auto wanted = request.text("ike").value_or("");
    for (const auto& [name, connection] : service.store_.config()->connections)
        if (wanted.empty() || wanted == name) {
            std::optional<Section> last_failure;
            for (const model::Failure& failure : service.control_.failures(name))
                if (failure.child.empty()) last_failure = failure_section(failure, now);
            event(service, client, "list-conn", list_conn(*connection, std::move(last_failure)));
        }
    service.respond(client, {});
}

// Loaded CRLs, and what was fetched or came from peers. They have no subject.
void Commands::list_revocations(Service& service, ClientId client, std::string_view type, std::string_view subject) {
    if (!subject.empty()) return;
    const auto list = [&](std::string_view own_type, const std::vector<Bytes>& all) {
        if (!equal_ignoring_case(type, "ANY") && !equal_ignoring_case(type, own_type)) return;
        for (const Bytes& der : all) {
            Section message;
            event(service, client, "list-cert", std::move(message.add("type", own_type).add("data", text_of_der(der))));
        }
    };
    const auto caches = service.control_.certificate_caches();
    std::vector<Bytes> crls = caches.revocations->crl_octets();
    for (const crypto::Crl& crl : service.store_.credentials()->revocation->crls)
        if (std::ranges::find(crls, crl.der()) == crls.end()) crls.push_back(crl.der());
    list("X509_CRL", crls);
    list("OCSP_RESPONSE", caches.revocations->ocsp_octets());
}

void Commands::list_certs(Service& service, Instant, ClientId client, const Section& request) {
    const auto type = request.text("type").value_or("ANY"), flag = request.text("flag").value_or("ANY");
    const auto subject = request.text("subject").value_or("");
    const auto credentials = service.store_.credentials();
    std::set<Bytes> listed;
    const auto list = [&](const crypto::Certificate& certificate, std::string_view own_flag) {
        if (!equal_ignoring_case(flag, "ANY") && !equal_ignoring_case(flag, own_flag)) return;
        if (!subject_matches(certificate, subject) || !listed.insert(certificate.der()).second) return;
        Section message;
        message.add("type", "X509").add("flag", own_flag);
        message.add_flag("has_privkey", has_private_key(certificate, *credentials));
        if (const auto& key = certificate.public_key()) message.add("key-type", crypto::name_of(key->type()));  // ours
        event(service, client, "list-cert", std::move(message.add("data", text_of_der(certificate.der()))));
    };
    if (equal_ignoring_case(type, "ANY") || equal_ignoring_case(type, "X509")) {
        for (const auto& certificate : credentials->certificates) list(certificate, "NONE");
        for (const auto& [name, connection] : service.store_.config()->connections)
            for (const auto* rounds : {&connection->local, &connection->remote})
                for (const model::AuthConfig& auth : *rounds)
                    for (const Bytes& der : auth.certificates)
                        if (const auto certificate = crypto::Certificate::parse(der)) list(*certificate, "NONE");
        for (const auto& certificate : credentials->authorities) list(certificate, "CA");
    }
    list_revocations(service, client, type, subject);
    service.respond(client, {});
}

void Commands::list_authorities(Service& service, Instant, ClientId client, const Section& request) {
    const auto wanted = request.text("name").value_or("");
    for (const std::string& name : service.store_.authority_names()) {
        if (!wanted.empty() && wanted != name) continue;
        Section message;
        Section& section = message.add_section(name);
        const Authority& authority = *service.store_.authority(name);
        if (const auto certificate = crypto::Certificate::parse(authority.certificate))
            section.add("cacert", certificate->subject_text());
        section.add_list("crl_uris", authority.crl_uris).add_list("ocsp_uris", authority.ocsp_uris);
        if (!authority.cert_uri_base.empty()) section.add("cert_uri_base", authority.cert_uri_base);
        event(service, client, "list-authority", std::move(message));
    }
    service.respond(client, {});
}

void Commands::get_pools(Service& service, Instant, ClientId client, const Section& request) {
    service.apply_changes();
    const auto wanted = request.text("name").value_or("");
    Section message;
    for (const auto& pool : service.control_.pools()) {
        if (!wanted.empty() && wanted != pool.name) continue;
        Section& section = message.add_section(pool.name);
        section.add("base", pool.base).add("size", pool.size).add("online", pool.online).add("offline", pool.offline);
        if (!request.flag("leases")) continue;
        Section& leases = section.add_section("leases");
        for (std::size_t i = 0; i < pool.leases.size(); ++i) {
            const auto& lease = pool.leases[i];
            leases.add_section(std::to_string(i))
                .add("address", lease.address.text())
                .add("identity", lease.identity.text(crypto::distinguished_name_text))
                .add("status", lease.online ? "online" : "offline");
        }
    }
    service.respond(client, std::move(message));
}

}  // namespace cygnet::vici
