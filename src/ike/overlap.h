// Two IKE SAs between the same peers, of which one takes over from the other: reauthentication make-before-break, or both
// sides began at once. A child of the one may be the twin of a child of the other, and two of one SA may be siblings.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// A child with the same selectors in another IKE SA between the same peers; nothing where the peer proved no identity.
struct Twin {
    IkeSa* sa = nullptr;
    Child* child = nullptr;
    explicit operator bool() const { return child != nullptr; }
};
Twin find_twin(const Context& context, const SelectorPair& selectors);

// Whether a child that the peer asks for has a twin that carries the traffic: then the new one waits with its outbound
// half until the peer uses it, or until the twin is gone (as RFC 7296 §2.8 does for a rekey).
bool twin_carries(const Context& context, const SelectorPair& selectors);

// `child` is about to go: a twin that waited for it carries our packets from now on. Returns how long packets under way
// to the old one are still welcome.
Duration hand_over_to_twin(Context& context, const Child& child);

// Likewise in the same IKE SA, where both sides asked for the same child, or one of them twice.
bool sibling_carries(const IkeSa& sa, const SelectorPair& selectors);
void hand_over_to_sibling(Context& context, const Child& child);

// The peer authenticated again and ends the old IKE SA, whose children the new one has: what was asked for here and is not
// there yet begins again in `newer`, and fresh keys have come.
void go_on_in_newer(Context& context, IkeSa& newer);

// RFC 7619 §2.5, §3.3: a peer that proved no identity gets no traffic that somebody else's child carries. Fails with
// TS_UNACCEPTABLE.
Result<> check_anonymous_child(Context& context, const SelectorPair& selectors);

// A child of a peer that proved its identity has come: children of others without one that are in its way go.
void displace_anonymous(Context& context, const SelectorPair& selectors);

}  // namespace cygnet::ike
