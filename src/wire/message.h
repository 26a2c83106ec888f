// A whole IKE message: the header and the chain of payloads behind it, RFC 7296 §3.1 and §3.2.
#pragma once

#include <utility>

#include "wire/payloads.h"

namespace cygnet::wire {

// A parsed datagram, or a protected message whose chain was opened. Views point into the octets.
struct Message {
    Header header;
    std::vector<Payload> payloads;

    // The first payload of a kind, or nullptr.
    template <class T>
    const T* find() const {
        for (const Payload& payload : payloads)
            if (const T* found = std::get_if<T>(&payload)) return found;
        return nullptr;
    }
    template <class T>
    std::vector<const T*> all() const {
        std::vector<const T*> found;
        for (const Payload& payload : payloads)
            if (const T* one = std::get_if<T>(&payload)) found.push_back(one);
        return found;
    }
    // The first notification of a type, or nullptr; and all of them.
    const NotifyPayload* notify(model::NotifyType type) const;
    std::vector<const NotifyPayload*> notifies(model::NotifyType type) const;
    // The first notification that reports an error (§3.10.1), or nullptr.
    const NotifyPayload* error() const;
    // §2.5: the first payload that we do not know and must not skip, or nullptr.
    const UnknownPayload* unsupported_critical() const;

    bool operator==(const Message&) const = default;
};

// Walks a chain whose first payload is of type `first`. It must end exactly at the end of `octets`.
// An SK or SKF payload ends the chain and stays sealed. More than limits::payloads_per_message:
// Errc::limit. The detail of an error names the payload, in words for the log.
Result<std::vector<Payload>> parse_payloads(PayloadType first, ByteView octets);

// Header and clear chain of one datagram (without the non-ESP marker).
Result<Message> parse_message(ByteView datagram);

// What decides about a stranger's message before anything is kept of it: found by walking the chain, nothing else is looked at
// and nothing allocated. Empty: there is none.
struct Glance {
    ByteView nonce;      // of the first Nonce payload
    ByteView cookie;     // of the first COOKIE notification
    ByteView solution;   // of the first PS payload
    ByteView proposals;  // the body of the first SA payload
    bool sealed = false;  // SK or SKF ends the chain
};
Result<Glance> glance(ByteView datagram);

// The content of an SK payload, or of a whole set of fragments: what MessageBuilder makes and
// parse_payloads reads.
struct Chain {
    PayloadType first = PayloadType::none;
    Bytes octets;
    Bytes puzzle_solution{};  // RFC 8019 §7.2.2: of a PS payload before SK, outside of it; empty: there is none
};

// Serialises each payload when it is added, so that what its views point to may end at once. A
// body above 65,531 octets is the caller's mistake.
class MessageBuilder {
public:
    template <class T>
    MessageBuilder& add(const T& payload) {
        const std::size_t start = begin(T::type, false);
        Writer writer(chain_.octets);
        write(writer, payload);
        end(start);
        return *this;
    }
    MessageBuilder& add(const UnknownPayload& payload);
    MessageBuilder& add(const SkPayload& payload);   // nothing can follow
    MessageBuilder& add(const SkfPayload& payload);  // nothing can follow
    MessageBuilder& add(const Payload& payload);
    // A notification without SPI.
    MessageBuilder& notify(model::NotifyType type, ByteView data = {});

    bool empty() const { return chain_.first == PayloadType::none; }
    std::size_t size() const { return chain_.octets.size(); }
    const Chain& chain() const { return chain_; }

    // Stands before the Encrypted payload that the others go into.
    MessageBuilder& outside(const PsPayload& payload);

    // The message in the clear; sets Next Payload and Length. The builder is empty afterwards.
    Bytes finish(Header header);
    // The chain, to be sealed. The builder is empty afterwards.
    Chain take_chain();

private:
    std::size_t begin(PayloadType type, bool critical);
    void end(std::size_t start);
    void seal(PayloadType first);

    Chain chain_;
    std::size_t last_ = 0;  // where the generic header of the last payload starts
    bool sealed_ = false;   // by SK or SKF: the chain is complete
};

// Header and payloads as one datagram; the inverse of parse_message.
Bytes written(const Message& message);

}  // namespace cygnet::wire
