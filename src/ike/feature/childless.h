// RFC 6023: an IKE SA without a child.
#pragma once

#include "ike/context.h"

namespace cygnet::ike {

// Responder: whether we said in IKE_SA_INIT that IKE_AUTH may come without SA.
bool offers_childless(const IkeSa& sa);
// Initiator: the child that IKE_AUTH asks for, nothing for a childless start. Fails where childless = force meets a peer
// that does not know it.
Result<const model::ChildConfig*> child_of_ike_auth(const IkeSa& sa);

}  // namespace cygnet::ike
