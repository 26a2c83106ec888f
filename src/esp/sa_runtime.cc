#include "esp/sa_runtime.h"

#include "esp/encapsulate.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

Result<KeyedCipher> make_keyed(const model::ChildSaSpec& spec, const SecretBytes& key_block) {
    const auto shape = crypto::shape_of({spec.encr, spec.key_bits, spec.integ});
    if (!shape || !shape->aead() || shape->icv_size != esp_icv_size)
        return fail(Errc::unsupported, "ESP cipher", "Cygnet's own ESP has AES-GCM-16 and ChaCha20-Poly1305");
    const ByteView octets = key_block.reveal();
    if (octets.size() != shape->encr_key_size) return fail(Errc::bad_length, "ESP key");
    KeyedCipher keyed;
    const std::size_t key_size = octets.size() - keyed.salt.size();
    std::ranges::copy(octets.subspan(key_size), keyed.salt.begin());
    keyed.cipher = TRY(crypto::make_packet_cipher(spec.encr, octets.first(key_size)));
    return keyed;
}

}  // namespace

Result<std::shared_ptr<SaRuntime>> SaRuntime::make(const model::ChildSaSpec& spec) {
    if (spec.mode != model::ChildMode::tunnel && spec.mode != model::ChildMode::transport)
        return fail(Errc::unsupported, "child mode", "a shunt has no SA");
    // RFC 4303 §2.1: 0 is for local use, 1 to 255 are reserved.
    if (spec.spi_in < 256 || spec.spi_out < 256) return fail(Errc::bad_value, "ESP SPI");
    if (spec.replay_window > model::limits::replay_window_packets_max)
        return fail(Errc::bad_value, "replay window", "at most 65536 packets");
    KeyedCipher in = TRY(make_keyed(spec, spec.in.encr));
    KeyedCipher out = TRY(make_keyed(spec, spec.out.encr));
    return std::make_shared<SaRuntime>(spec, std::move(in), std::move(out));
}

SaRuntime::SaRuntime(const model::ChildSaSpec& spec, KeyedCipher inbound, KeyedCipher outbound)
    : in{spec.spi_in, spec.esn, inbound.salt, std::move(inbound.cipher), ReplayWindow(spec.replay_window, spec.esn)},
      out{spec.spi_out, spec.esn, outbound.salt, std::move(outbound.cipher), SequenceCounter(spec.esn)} {
    wipe(inbound.salt);
    wipe(outbound.salt);
}

SaRuntime::~SaRuntime() {
    wipe(in.salt);
    wipe(out.salt);
}

model::ChildUsage SaRuntime::usage() const {
    return {.bytes_in = in.received.octets(),
            .packets_in = in.received.packets(),
            .bytes_out = out.sent.octets(),
            .packets_out = out.sent.packets(),
            .last_in = in.received.last(),
            .last_out = out.sent.last()};
}

}  // namespace cygnet::esp
