#include "crypto/revocation.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "crypto/revocation_cache.h"

namespace cygnet::crypto {
namespace {

using Author = LookUp::Author;
using Kind = LookUp::Kind;
using Standing = Verdict::Standing;

// One certificate of the path, but for the anchor, which nobody can revoke.
struct Link {
    const Certificate& certificate;
    const Certificate& issuer;
    std::size_t position = 0;
};

std::vector<Link> links_of(const ValidPath& path) {
    std::vector<Link> links;
    const std::span<const Certificate> all = path.certificates;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) links.push_back({all[i], all[i + 1], i});
    return links;
}

// Where to look, in order: OCSP before CRLs, what operators name before what the certificate names.
std::vector<LookUp> places(const Link& link, const RevocationSources* sources) {
    std::vector<LookUp> all;
    const auto add = [&](Kind kind, Author author, const std::vector<std::string>& urls) {
        for (const std::string& url : urls) {
            Bytes request = kind == Kind::ocsp ? ocsp_request(link.certificate, link.issuer) : Bytes{};
            all.push_back({.kind = kind, .author = author, .url = url, .request = std::move(request)});
        }
    };
    const RevocationSources::Authority* configured = nullptr;
    if (sources != nullptr)
        for (const auto& authority : sources->authorities)
            if (authority.certificate == link.issuer) configured = &authority;
    if (configured != nullptr) add(Kind::ocsp, Author::operator_of_ours, configured->ocsp_uris);
    add(Kind::ocsp, Author::authority, link.certificate.ocsp_uris());
    if (configured != nullptr) add(Kind::crl, Author::operator_of_ours, configured->crl_uris);
    add(Kind::crl, Author::authority, link.certificate.crl_uris());
    return all;
}

// The same URL serves a CRL to all, but an OCSP responder each certificate.
std::string key_of(const LookUp& look_up) { return look_up.url + ' ' + hex(look_up.request); }

std::optional<LookUp> next_place(RevocationCheck& check, const Link& link) {
    for (LookUp& place : places(link, check.sources.get())) {
        const std::string key = key_of(place);
        if (check.tried.contains(key) || check.cache->failed_recently(key, check.now)) continue;
        if (place.kind == Kind::crl && check.cache->has_current_crl(place.url, check.now)) continue;
        return std::move(place);
    }
    return std::nullopt;
}

void take(RevocationCheck& check, const Answer& answer) {
    const LookUp& asked = answer.look_up;
    const auto useless = [&](const std::string& why) {
        check.cache->note_failure(key_of(asked), check.now);
        check.last_failure = fmt::format("{}: {}", asked.url, why);
    };
    if (!answer.content) {
        const Error& error = answer.content.error();
        return useless(error.detail.empty() ? error.text() : error.detail);
    }
    if (asked.kind == Kind::crl) {
        auto crl = Crl::parse(*answer.content);
        if (!crl) return useless(crl.error().text());
        // Without an issuer of the path behind it, it helps this check at most (an indirect CRL).
        const auto links = links_of(check.path);
        const bool ours = std::ranges::any_of(links, [&](const Link& link) { return crl->is_signed_by(link.issuer); });
        if (ours) check.cache->keep(asked.url, *crl);
        // Fetching it again at once would give no more.
        if (!ours || crl->next_update() <= check.now) check.cache->note_failure(key_of(asked), check.now);
        check.fetched.push_back(*std::move(crl));
        return;
    }
    for (const Link& link : links_of(check.path)) {
        if (ocsp_request(link.certificate, link.issuer) != asked.request) continue;
        const Verdict verdict = judge_by_ocsp(*answer.content, link.certificate, link.issuer, check.others, check.now);
        if (verdict.decided())
            check.cache->remember(link.certificate, link.issuer, verdict);
        else
            useless(verdict.detail);
    }
}

Verdict judge(RevocationCheck& check, const Link& link) {
    if (auto known = check.cache->find(link.certificate, link.issuer, check.now)) return *std::move(known);
    for (const Bytes& response : check.stapled) {
        Verdict verdict = judge_by_ocsp(response, link.certificate, link.issuer, check.others, check.now);
        if (!verdict.decided()) continue;
        check.cache->remember(link.certificate, link.issuer, verdict);
        return verdict;
    }
    std::vector<Crl> crls = check.cache->crls();
    if (check.sources) crls.insert(crls.end(), check.sources->crls.begin(), check.sources->crls.end());
    crls.insert(crls.end(), check.fetched.begin(), check.fetched.end());
    Verdict verdict = judge_by_crls(check.path.certificates, link.position, check.others, crls, check.now);
    if (verdict.decided()) check.cache->remember(link.certificate, link.issuer, verdict);
    return verdict;
}

std::unexpected<Error> refuse(const Link& link, const std::string& detail) {
    return fail(Errc::authentication, "certificate",
                fmt::format("certificate \"{}\" {}", link.certificate.subject_text(), detail));
}

// Nobody can be asked any more: does the policy need to know?
Result<> accept_unknown(const RevocationCheck& check, const Link& link, const Verdict& verdict) {
    const bool named = !places(link, check.sources.get()).empty();
    const bool needed = check.policy == model::Revocation::strict || (check.policy == model::Revocation::if_uri && named);
    if (!needed) return {};
    return refuse(link, fmt::format("may have been revoked: {}{}{} (remote.revocation = {})", verdict.detail,
                                    check.last_failure.empty() ? "" : "; ", check.last_failure,
                                    check.policy == model::Revocation::strict ? "strict" : "ifuri"));
}

}  // namespace

Result<std::vector<LookUp>> check_revocation(RevocationCheck& check, std::span<const Answer> answers) {
    for (const Answer& answer : answers) take(check, answer);
    std::vector<LookUp> next;
    for (const Link& link : links_of(check.path)) {
        const Verdict verdict = judge(check, link);
        if (verdict.standing == Standing::good) continue;
        if (verdict.standing == Standing::revoked) return refuse(link, verdict.detail);
        auto place = next_place(check, link);
        if (!place) {
            TRY(accept_unknown(check, link, verdict));
            continue;
        }
        check.tried.insert(key_of(*place));
        next.push_back(*std::move(place));
    }
    return next;
}

Bytes stapled_response(const Staple& staple) {
    const auto known = staple.cache->find(staple.leaf, staple.issuer, staple.now);
    return known ? known->ocsp_response : Bytes{};
}

std::vector<LookUp> staple_look_up(const Staple& staple) {
    if (!stapled_response(staple).empty()) return {};
    for (LookUp& place : places({staple.leaf, staple.issuer}, staple.sources.get()))
        if (place.kind == Kind::ocsp && !staple.cache->failed_recently(key_of(place), staple.now)) return {std::move(place)};
    return {};
}

void take_staple(const Staple& staple, std::span<const Answer> answers) {
    for (const Answer& answer : answers) {
        const Verdict verdict =
            answer.content ? judge_by_ocsp(*answer.content, staple.leaf, staple.issuer, {}, staple.now) : Verdict{};
        if (verdict.decided())
            staple.cache->remember(staple.leaf, staple.issuer, verdict);
        else
            staple.cache->note_failure(key_of(answer.look_up), staple.now);
    }
}

}  // namespace cygnet::crypto
