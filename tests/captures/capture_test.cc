#include <gtest/gtest.h>

#include "tests/captures/listener.h"

namespace cygnet::captures {
namespace {

// Each: an IKE SA with a child, a child rekey, an IKE rekey, the deletion (tests/captures/record).
void listen_to(const std::string& name) {
    Listener(read_recording(CYGNET_SOURCE_DIR "/tests/captures/" + name + ".txt")).hear_everything();
}

// RFC 7296 §2.15 [59, 60], RFC 9370 §2.2.2 [157]: AUTH and the key schedule as strongSwan computes them.
TEST(StrongSwansOctets, AgreeForTheHybridKeyExchangeWithFragments) { listen_to("hybrid"); }
// RFC 7427 §4 [70], RFC 9242 §3.3.2 [152]: method 14 over IntAuth as strongSwan computes it.
TEST(StrongSwansOctets, AgreeForEcdsaCertificatesAfterMlKem) { listen_to("hybrid-certificates"); }
TEST(StrongSwansOctets, AgreeForAesCbcWithHmacAndModp) { listen_to("cbc"); }
// RFC 7634 §2 [191]: the nonce of SK as strongSwan makes it.
TEST(StrongSwansOctets, AgreeForChaCha20Poly1305AndEcp384) { listen_to("chacha20-poly1305"); }

}  // namespace
}  // namespace cygnet::captures
