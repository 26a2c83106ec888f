#include "esp/sa_runtime.h"

#include "model/limits.h"

namespace cygnet::esp {

Result<std::shared_ptr<SaRuntime>> SaRuntime::make(const model::ChildSaSpec& spec) {
    if (spec.mode != model::ChildMode::tunnel && spec.mode != model::ChildMode::transport)
        return fail(Errc::unsupported, "child mode", "a shunt has no SA");
    // RFC 4303 §2.1: 0 is for local use, 1 to 255 are reserved.
    if (spec.spi_in < 256 || spec.spi_out < 256) return fail(Errc::bad_value, "ESP SPI");
    if (spec.replay_window > model::limits::replay_window_packets_max)
        return fail(Errc::bad_value, "replay window", "at most 65536 packets");
    const crypto::CipherSuite suite{spec.encr, spec.key_bits, spec.integ};
    const auto shape = crypto::packet_shape_of(suite);
    if (!shape) return fail(Errc::unsupported, "ESP suite", "Cygnet's own ESP does not have these algorithms");
    auto in = TRY(crypto::make_packet_cipher(suite, spec.esn, spec.in.encr.reveal(), spec.in.integ.reveal()));
    auto out = TRY(crypto::make_packet_cipher(suite, spec.esn, spec.out.encr.reveal(), spec.out.integ.reveal()));
    return std::make_shared<SaRuntime>(spec, *shape, std::move(in), std::move(out));
}

SaRuntime::SaRuntime(const model::ChildSaSpec& spec, const crypto::PacketShape& shape,
                     std::unique_ptr<crypto::PacketCipher> inbound, std::unique_ptr<crypto::PacketCipher> outbound)
    : in{spec.spi_in, shape, std::move(inbound), ReplayWindow(spec.replay_window, spec.esn)},
      out{spec.spi_out, shape, std::move(outbound), SequenceCounter(spec.esn)} {}

model::ChildUsage SaRuntime::usage() const {
    return {.bytes_in = in.received.octets(),
            .packets_in = in.received.packets(),
            .bytes_out = out.sent.octets(),
            .packets_out = out.sent.packets(),
            .last_in = in.received.last(),
            .last_out = out.sent.last()};
}

}  // namespace cygnet::esp
