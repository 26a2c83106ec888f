#include "vici/schema_proposals.h"

#include <fmt/format.h>

#include "crypto/catalogue.h"

namespace cygnet::vici {

Result<std::vector<model::Proposal>> read_proposals(model::Protocol protocol, const std::vector<std::string>& items) {
    std::string joined;
    for (const std::string& item : items) joined += (joined.empty() ? "" : ",") + item;
    auto proposals = TRY(model::parse_proposals(protocol, joined));
    for (const model::Proposal& proposal : proposals)
        for (const model::Transform& transform : proposal.transforms)
            if (transform.id != 0 && !crypto::supports(protocol, transform))
                return unacceptable("this build of Cygnet has no " + transform.text());
    return proposals;
}

Result<std::vector<model::Proposal>> read_ike_proposals(const std::vector<std::string>& items) {
    auto proposals = TRY(read_proposals(model::Protocol::ike, items));
    for (const model::Proposal& proposal : proposals)
        for (const model::Transform& transform : proposal.of_type(model::TransformType::ke))
            if (!crypto::fits_first_message(static_cast<model::Ke>(transform.id)))
                return unacceptable(transform.text() + " is too large for IKE_SA_INIT, which is never fragmented (RFC 7383 §2.5): "
                                    "give it a round after a smaller method, as in x25519-ke1_frodo976");
    return proposals;
}

void check_post_quantum(const model::Connection& connection, const Section& section, Refuser& refuser) {
    const Entry* entry = section.find("post_quantum");
    if (entry == nullptr) return;
    const model::KeyExchangePolicy policy{.post_quantum = connection.post_quantum};
    const bool required = connection.post_quantum == model::PostQuantum::required;
    if (model::allowed_by(policy, connection.proposals).empty())
        refuser.refuse(Refusal::Kind::invalid_value, *entry,
                       required ? "post-quantum security is required, but no proposal runs a post-quantum key exchange in every "
                                  "choice; add -ke1_mlkem768 to one"
                                : "every proposal needs a post-quantum key exchange; add one without");
    for (const model::ChildConfig& child : connection.children)
        if (!child.esp_proposals.empty() && model::allowed_by(policy, child.esp_proposals).empty())
            refuser.refuse(Refusal::Kind::invalid_value, *entry,
                           fmt::format("it leaves none of esp_proposals of child {}; {}", child.name,
                                       required ? "add -ke1_mlkem768 to one, or write one without a key exchange of its own"
                                                : "add one without a post-quantum key exchange"));
}

}  // namespace cygnet::vici
