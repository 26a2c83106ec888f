#include <gtest/gtest.h>

#include "tests/captures/listener.h"

namespace cygnet::captures {
namespace {

// Each: an IKE SA with a child, a child rekey, an IKE rekey, the deletion (tests/captures/record).
void listen_to(const std::string& name) {
    Listener(read_recording(CYGNET_SOURCE_DIR "/tests/captures/" + name + ".txt")).hear_everything();
}

TEST(StrongSwansOctets, AgreeForTheHybridKeyExchangeWithFragments) { listen_to("hybrid"); }
TEST(StrongSwansOctets, AgreeForEcdsaCertificatesAfterMlKem) { listen_to("hybrid-certificates"); }
TEST(StrongSwansOctets, AgreeForAesCbcWithHmacAndModp) { listen_to("cbc"); }
TEST(StrongSwansOctets, AgreeForChaCha20Poly1305AndEcp384) { listen_to("chacha20-poly1305"); }

}  // namespace
}  // namespace cygnet::captures
