// Follows a recorded conversation from the outside, knowing the shared secrets of its key exchanges,
// and checks everything that can be computed from them. Findings are gtest failures.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ike/protect.h"
#include "wire/message.h"

namespace cygnet::captures {

struct Utterance {
    bool from_initiator = false;  // of the first IKE SA, who also began every exchange
    Bytes datagram;
};
struct Recording {
    SecretBytes psk;
    std::deque<SecretBytes> secrets;  // in the order of their use
    std::deque<Bytes> child_keys;     // encryption of the initiator and of the responder, then integrity alike; per child
    std::vector<Utterance> utterances;
};
Recording read_recording(const std::string& path);

class Listener {
public:
    explicit Listener(Recording recording) : recording_(std::move(recording)) {}
    void hear_everything();

private:
    // What one IKE SA's messages are opened and checked with.
    struct Sa {
        ike::Spis spis;
        model::ChosenProposal chosen;
        Bytes nonce_i, nonce_r;
        std::optional<ike::Protection> opens_initiator, opens_responder;  // the messages that this side sent
        wire::Reassembly fragments_i, fragments_r;
        Bytes init_request, init_response;  // IKE_SA_INIT as sent
        Bytes int_auth_i, int_auth_r;       // RFC 9242 §3.3.2, after the last IKE_INTERMEDIATE
        std::vector<model::Proposal> offered;  // the open request's proposals
        std::vector<model::Proposal> offered_child;

        const ike::Protection& keys() const { return *opens_initiator; }
        ike::Nonces nonces() const { return {nonce_i, nonce_r}; }
    };
    // A CREATE_CHILD_SA exchange and the IKE_FOLLOWUP_KE exchanges that complete it.
    struct Pending {
        bool for_ike = false;
        ike::Spis spis;
        model::ChosenProposal chosen;
        Bytes nonce_i, nonce_r;
        std::size_t followups = 0;
        std::vector<SecretBytes> secrets;
    };

    void hear(const Utterance& utterance);
    void hear_init(const wire::Header& header, ByteView datagram);
    void hear_inner(Sa& sa, const wire::Header& header, const wire::Reassembled& opened);
    void hear_intermediate(Sa& sa, const wire::Header& header, const wire::Reassembled& opened);
    void hear_auth(Sa& sa, const wire::Header& header, const wire::Message& message);
    void hear_create_child(Sa& sa, const wire::Header& header, const wire::Message& message);
    void conclude(Sa& sa);
    void check_child_keys(const Sa& sa, const model::ChosenProposal& chosen, std::span<const SecretBytes> secrets,
                          const ike::Nonces& nonces);
    SecretBytes next_secret();

    // Sets both directions' protection; `derive` makes the same keys each time.
    template <class Derive>
    void protect(Sa& sa, Derive derive);

    Recording recording_;
    std::map<std::uint64_t, Sa> sas_;  // by the initiator's SPI
    std::optional<Pending> pending_;
    std::size_t authenticated_ = 0, children_ = 0, deletes_ = 0;
};

}  // namespace cygnet::captures
