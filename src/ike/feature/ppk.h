// What IKE_SA_INIT says about postquantum preshared keys, for those who take part in it.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Initiator: what our request offers, RFC 8784 and RFC 9867.
bool offers_ppk_auth(const IkeSa& sa);
bool offers_ppk_intermediate(const IkeSa& sa);
// The last IKE_INTERMEDIATE exchange may bring a PPK.
bool agreed_ppk_intermediate(const IkeSa& sa);
// The next attempt of the connection offers none: there is no key for it.
void attempt_without_ppk(Context& context);

}  // namespace cygnet::ike
