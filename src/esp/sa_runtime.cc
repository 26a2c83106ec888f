#include "esp/sa_runtime.h"

#include <utility>

#include "esp/ah.h"
#include "esp/encapsulate.h"
#include "model/limits.h"

namespace cygnet::esp {
namespace {

bool fit(const model::DirectionKeys& keys, const crypto::PacketShape& shape) {
    return keys.encr.size() == shape.encr_key_size && keys.integ.size() == shape.integ_key_size;
}

Result<std::unique_ptr<const AhKeys>> ah_keys(const model::ChildSaSpec& spec) {
    const auto shape = crypto::mac_shape_of(spec.integ);
    if (!shape || spec.encr != model::Encr::none) return fail(Errc::unsupported, "AH suite", "Cygnet's own AH does not have these algorithms");
    if (spec.mode == model::ChildMode::beet || spec.ipcomp.agreed())
        return fail(Errc::unsupported, "AH", "Cygnet's own AH has no BEET mode and no compression");
    AhKeys keys{.shape = *shape, .esn = spec.esn};
    keys.in = TRY(crypto::make_packet_mac(spec.integ, spec.in.integ.reveal()));
    keys.out = TRY(crypto::make_packet_mac(spec.integ, spec.out.integ.reveal()));
    return std::make_unique<const AhKeys>(std::move(keys));
}

// What ESP would look like that is as long as this AH: sizes are all that anybody asks of it.
crypto::PacketShape shape_as_long_as(const crypto::MacShape& shape) {
    const std::size_t around = ah_size(shape, model::Family::v6) - crypto::esp_header_size - esp_trailer_size;
    return {.icv_size = static_cast<std::uint8_t>(around), .alignment = 1};
}

}  // namespace

SaCipher::SaCipher(const crypto::CipherSuite& suite, bool esn, const model::DirectionKeys& keys)
    : suite_(suite),
      esn_(esn),
      encr_key_size_(static_cast<std::uint16_t>(keys.encr.size())),
      keys_(SecretBytes::take(concat({keys.encr.reveal(), keys.integ.reveal()}))) {}

const crypto::PacketCipher& SaCipher::prepared() const {
    return prepared_.get([this] {
        const ByteView keys = keys_.reveal();
        auto made = crypto::make_packet_cipher(suite_, esn_, keys.first(encr_key_size_), keys.subspan(encr_key_size_));
        ASSERT(made.has_value());
        return std::move(*made);
    });
}

Result<std::shared_ptr<SaRuntime>> SaRuntime::make(const model::ChildSaSpec& spec) {
    if (model::is_shunt(spec.mode)) return fail(Errc::unsupported, "child mode", "a shunt has no SA");
    if (spec.mode == model::ChildMode::beet && !model::one_address_each(spec.local, spec.remote))
        return fail(Errc::bad_value, "traffic selectors", "BEET mode is between one address at each end");
    // RFC 4303 §2.1: 0 is for local use, 1 to 255 are reserved.
    if (spec.spi_in < 256 || spec.spi_out < 256) return fail(Errc::bad_value, "ESP SPI");
    if (spec.replay_window > model::limits::replay_window_packets_max)
        return fail(Errc::bad_value, "replay window", "at most 65536 packets");
    if (spec.protocol == model::Protocol::ah) {
        auto keys = TRY(ah_keys(spec));
        auto made = std::make_shared<SaRuntime>(spec, shape_as_long_as(keys->shape));
        made->ah = std::move(keys);
        return made;
    }
    const crypto::CipherSuite suite{spec.encr, spec.key_bits, spec.integ};
    const auto shape = crypto::packet_shape_of(suite);
    if (!shape) return fail(Errc::unsupported, "ESP suite", "Cygnet's own ESP does not have these algorithms");
    if (!fit(spec.in, *shape) || !fit(spec.out, *shape)) return fail(Errc::bad_length, "ESP keys");
    return std::make_shared<SaRuntime>(spec, *shape);
}

SaRuntime::SaRuntime(const model::ChildSaSpec& spec, const crypto::PacketShape& shape)
    : in{.lock = {},
         .window = ReplayWindow(spec.replay_window, spec.esn),
         .spi = spec.spi_in,
         .shape = shape,
         .cipher = SaCipher({spec.encr, spec.key_bits, spec.integ}, spec.esn, spec.in)},
      out{.cipher = SaCipher({spec.encr, spec.key_bits, spec.integ}, spec.esn, spec.out),
          .spi = spec.spi_out,
          .shape = shape,
          .sequence = SequenceCounter(spec.esn)} {}

model::ChildUsage SaRuntime::usage() const {
    return {.bytes_in = in.received.octets(),
            .packets_in = in.received.packets(),
            .bytes_out = out.sent.octets(),
            .packets_out = out.sent.packets(),
            .last_in = in.received.last(),
            .last_out = out.sent.last(),
            .path_mtu = out.path_mtu.newest()};
}

}  // namespace cygnet::esp
