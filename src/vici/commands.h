// The table of commands: what Service does with a request.
#pragma once

#include <string_view>

#include "vici/service.h"

namespace cygnet::vici {

// Each handler answers by Service::respond, at once or later.
struct Commands {
    using Handler = void (*)(Service& service, Instant now, ClientId client, const Section& request);
    // Nothing if there is no such command.
    static Handler find(std::string_view name);
    static bool is_event(std::string_view name);

    static void why(Service&, Instant, ClientId, const Section&);  // our own
    static void version(Service&, Instant, ClientId, const Section&);
    static void stats(Service&, Instant, ClientId, const Section&);
    static void reload_settings(Service&, Instant, ClientId, const Section&);
    static void initiate(Service&, Instant, ClientId, const Section&);
    static void terminate(Service&, Instant, ClientId, const Section&);
    static void rekey(Service&, Instant, ClientId, const Section&);
    static void redirect(Service&, Instant, ClientId, const Section&);
    static void clone(Service&, Instant, ClientId, const Section&);
    static void list_sas(Service&, Instant, ClientId, const Section&);
    static void install(Service&, Instant, ClientId, const Section&);
    static void uninstall(Service&, Instant, ClientId, const Section&);
    static void list_policies(Service&, Instant, ClientId, const Section&);
    static void list_conns(Service&, Instant, ClientId, const Section&);
    static void get_conns(Service&, Instant, ClientId, const Section&);
    static void list_certs(Service&, Instant, ClientId, const Section&);
    static void list_revocations(Service&, ClientId, std::string_view type, std::string_view subject);
    static void list_authorities(Service&, Instant, ClientId, const Section&);
    static void get_authorities(Service&, Instant, ClientId, const Section&);
    static void load_conn(Service&, Instant, ClientId, const Section&);
    static void unload_conn(Service&, Instant, ClientId, const Section&);
    static void load_cert(Service&, Instant, ClientId, const Section&);
    static void load_key(Service&, Instant, ClientId, const Section&);
    static void unload_key(Service&, Instant, ClientId, const Section&);
    static void get_keys(Service&, Instant, ClientId, const Section&);
    static void load_shared(Service&, Instant, ClientId, const Section&);
    static void unload_shared(Service&, Instant, ClientId, const Section&);
    static void get_shared(Service&, Instant, ClientId, const Section&);
    static void flush_certs(Service&, Instant, ClientId, const Section&);
    static void clear_creds(Service&, Instant, ClientId, const Section&);
    static void load_authority(Service&, Instant, ClientId, const Section&);
    static void unload_authority(Service&, Instant, ClientId, const Section&);
    static void load_pool(Service&, Instant, ClientId, const Section&);
    static void unload_pool(Service&, Instant, ClientId, const Section&);
    static void get_pools(Service&, Instant, ClientId, const Section&);
    static void get_algorithms(Service&, Instant, ClientId, const Section&);
    static void get_counters(Service&, Instant, ClientId, const Section&);
    static void reset_counters(Service&, Instant, ClientId, const Section&);
    static void get_messages(Service&, Instant, ClientId, const Section&);
    static void not_yet(Service&, Instant, ClientId, const Section&);

private:
    static bool unchanged_pool(const Service& service, const Section& request);
    static void refuse(Service& service, ClientId client, const std::string& errmsg);
    static void conclude(Service& service, Instant now, ClientId client, const Refusals& refusals);
    static void event(Service& service, ClientId client, std::string_view name, Section message);
    static model::Counters counters_of(const Service& service, std::string_view connection);
    static Section section_of_counters(const Service& service, std::string_view connection);
};

}  // namespace cygnet::vici
