// The words of those keys of a connection and of its children that have a few.
#pragma once

#include "model/config.h"
#include "vici/schema_table.h"

namespace cygnet::vici {

inline constexpr Word<model::Fragmentation> fragmentation_words[] = {
    {"yes", model::Fragmentation::yes}, {"accept", model::Fragmentation::accept},
    {"no", model::Fragmentation::no},   {"true", model::Fragmentation::yes},
    {"false", model::Fragmentation::no}, {"1", model::Fragmentation::yes},
    {"0", model::Fragmentation::no}};
inline constexpr Word<model::Tcp> tcp_words[] = {
    {"no", model::Tcp::no}, {"fallback", model::Tcp::fallback}, {"always", model::Tcp::always}};
inline constexpr Word<model::SendCert> send_cert_words[] = {
    {"ifasked", model::SendCert::if_asked}, {"always", model::SendCert::always},
    {"never", model::SendCert::never},      {"yes", model::SendCert::always},
    {"no", model::SendCert::never}};
inline constexpr Word<model::OcspInIke> ocsp_words[] = {{"reply", model::OcspInIke::reply},
                                                {"request", model::OcspInIke::request},
                                                {"both", model::OcspInIke::both},
                                                {"never", model::OcspInIke::never}};
inline constexpr Word<model::HashAndUrl> hash_and_url_words[] = {{"no", model::HashAndUrl::no},
                                                          {"yes", model::HashAndUrl::yes},
                                                          {"internal", model::HashAndUrl::internal}};
inline constexpr Word<model::Revocation> revocation_words[] = {{"relaxed", model::Revocation::relaxed},
                                                        {"ifuri", model::Revocation::if_uri},
                                                        {"strict", model::Revocation::strict}};
inline constexpr Word<model::UniquePolicy> unique_words[] = {{"no", model::UniquePolicy::no},
                                                      {"never", model::UniquePolicy::never},
                                                      {"keep", model::UniquePolicy::keep},
                                                      {"replace", model::UniquePolicy::replace}};
inline constexpr Word<model::PostQuantum> post_quantum_words[] = {{"off", model::PostQuantum::off},
                                                           {"preferred", model::PostQuantum::preferred},
                                                           {"required", model::PostQuantum::required}};
inline constexpr Word<model::DowngradeProtection> downgrade_protection_words[] = {
    {"preferred", model::DowngradeProtection::preferred},
    {"required", model::DowngradeProtection::required},
    {"off", model::DowngradeProtection::off}};
inline constexpr Word<model::RedirectAt> redirect_words[] = {{"init", model::RedirectAt::init},
                                                      {"auth", model::RedirectAt::auth}};
inline constexpr Word<model::Resumption> resumption_words[] = {{"no", model::Resumption::no},
                                                         {"stateful", model::Resumption::stateful},
                                                         {"ticket", model::Resumption::ticket}};
inline constexpr Word<model::ChildMode> mode_words[] = {{"tunnel", model::ChildMode::tunnel},
                                                 {"transport", model::ChildMode::transport},
                                                 {"beet", model::ChildMode::beet},
                                                 {"pass", model::ChildMode::pass},
                                                 {"drop", model::ChildMode::drop}};
inline constexpr Word<model::Action> action_words[] = {
    {"none", model::Action::none},   {"clear", model::Action::none}, {"trap", model::Action::trap},
    {"route", model::Action::trap},  {"start", model::Action::start}, {"restart", model::Action::start},
    {"trap|start", model::Action::trap_and_start}, {"start|trap", model::Action::trap_and_start}};
inline constexpr Word<model::Childless> childless_words[] = {{"allow", model::Childless::allow},
                                                      {"prefer", model::Childless::prefer},
                                                      {"force", model::Childless::force},
                                                      {"never", model::Childless::never}};

}  // namespace cygnet::vici
