// Collects the decrypted fragments of one message, RFC 7383 §2.6. One collector per expected
// message; when the message is complete or given up, drop it.
#pragma once

#include "wire/protected.h"

namespace cygnet::wire {

// The message that the fragments make. `aad` is that of the first fragment: see intermediate_aad.
struct Reassembled {
    Chain chain;
    Bytes aad;
};

class Reassembly {
public:
    enum class Verdict {
        fresh,      // verify it and add it
        replayed,   // this fragment of this set is already here
        outdated,   // belongs to a set of fewer fragments than the current one
        excessive,  // more fragments than limits::fragments_per_message
    };
    // Cheap, before the ICV is checked: only a fresh fragment is worth it. Changes nothing.
    Verdict classify(FragmentPlace place) const;

    // Takes an authentic, fresh fragment: `text` is its plaintext without padding. A larger total
    // than before drops what was collected. Returns the message when it is complete. Fails with
    // state when the fragment is not fresh, with limit beyond limits::reassembled_message_octets
    // (everything is dropped then).
    Result<std::optional<Reassembled>> add(FragmentPlace place, PayloadType first, ByteView aad, ByteView text);

    std::size_t octets() const { return octets_; }      // held now
    std::size_t fragments() const { return present_; }  // of the current set
    std::uint16_t total() const { return total_; }      // 0 before the first

private:
    void restart(std::uint16_t total);
    Reassembled join();

    std::uint16_t total_ = 0;
    std::size_t present_ = 0;
    std::size_t octets_ = 0;
    PayloadType first_ = PayloadType::none;
    Bytes aad_;
    std::vector<std::optional<Bytes>> parts_;
};

}  // namespace cygnet::wire
