// RFC 7383 §2.5.1 and §2.5.2: how large fragments may be. Probing goes down: a request begins with the size that worked
// last and is cut into smaller fragments when nothing comes back; an answer follows what the peer's requests show.
#pragma once

#include <map>
#include <optional>

#include "base/instant.h"
#include "ike/protect.h"
#include "model/address.h"

namespace cygnet::ike {

struct Context;
struct IkeSa;

// Peers behind narrow paths, by address: their next IKE SA begins with what worked.
class PathSizes {
public:
    std::optional<std::size_t> find(model::IpAddress peer, Instant now) const;
    void remember(model::IpAddress peer, std::size_t ip_octets, Instant now);
    std::size_t size() const { return sizes_.size(); }

private:
    struct Entry {
        std::size_t ip_octets;
        Instant until;
    };
    std::map<model::IpAddress, Entry> sizes_;
};

// What a request, or the answer to the peer's last request, is cut to; nothing: it is sent whole.
std::optional<FragmentLimit> request_limit(Context& context);
std::optional<FragmentLimit> answer_limit(Context& context);

// Of a request that could still be cut smaller: it is repeated a few times only, and soon if it is large. Else nothing.
std::optional<RetransmissionSchedule> probing_schedule(const Context& context, const SentMessage& request);

// Whether the datagrams may go out over this path as they are (bitwise identical, RFC 7296 §2.1).
bool fits(Context& context, const SentMessage& sent, const model::Path& path);

// The outstanding request found no answer in its present form: sends it in smaller fragments. False: it cannot be cut.
bool probe_smaller(Context& context);
// An authentic answer came: what the request was cut to fits the path.
void note_answered(Context& context);
// The peer asks again for our last answer with `datagram`, which is authentic: a smaller request, or repeated ones, show
// that the answer is too large for the path.
void fit_last_answer(Context& context, ByteView datagram, const model::Path& from);

// RFC 9370 §2.2.2: our answer went out under keys that IKE_INTERMEDIATE has just replaced. Its repetition needs them, until the
// next answer.
void keep_keys_of_last_answer(IkeSa& sa, std::optional<Protection> replaced);
Protection& keys_of_last_answer(IkeSa& sa);

// What of an IP datagram on this path is not the IKE message, in octets.
std::size_t overhead_of(const Context& context, const model::Path& path);

}  // namespace cygnet::ike
