// IPComp in the kernel (RFC 3173): a pair of states beside the pair of ESP. The inner one makes the tunnel, if there is one, so
// that ESP's have transport mode; on the wire that is the same as a tunnel of ESP whose text is compressed.
#include <fmt/format.h>

#include <cstring>

#include "dataplane/xfrm_backend.h"

namespace cygnet::dataplane {

using namespace xfrm;

namespace {

// What of ESP's state belongs to the one that makes the tunnel.
State compressing(const State& esp, std::uint16_t cpi, model::ChildMode mode) {
    State state;
    state.id = {.spi = cpi, .destination = esp.id.destination, .mark = esp.id.mark, .protocol = IPPROTO_COMP};
    state.source = esp.source;
    state.reqid = esp.reqid;
    state.mode = mode;
    state.suite.compression = Algorithm{.name = "deflate"};
    state.set_mark = esp.set_mark;
    state.interface = esp.interface;
    state.copy_dscp_in = esp.copy_dscp_in;
    state.copy_dscp_out = esp.copy_dscp_out;
    state.copy_ecn = esp.copy_ecn;
    state.copy_df = esp.copy_df;
    state.unrelated_icmp = esp.unrelated_icmp;
    return state;
}

}  // namespace

// Tried once, as can() does it.
bool XfrmBackend::can_compress() const {
    if (!compresses_) {
        State esp;
        esp.id.destination = esp.source = *model::IpAddress::parse("127.0.0.1");
        const State state = compressing(esp, model::cpi_first, model::ChildMode::transport);
        compresses_ = kernel_->change(add_state(state)).has_value();
        if (*compresses_) static_cast<void>(kernel_->change(remove_state(state.id)));
    }
    return *compresses_;
}

Result<> XfrmBackend::add_compression(const model::ChildSaSpec& spec, State& in, State& out, Child& child) {
    const auto add = [&](State& esp, std::uint16_t cpi, std::optional<StateId>& id) -> Result<> {
        const State state = compressing(esp, cpi, spec.mode);
        const auto made = kernel_->change(add_state(state));
        if (!made)
            return fail(Errc::system, "IPComp",
                        fmt::format("the kernel takes no state for the CPI {:04x}: {} (CONFIG_INET_IPCOMP and CONFIG_INET6_IPCOMP; "
                                    "modprobe ipcomp, ipcomp6, deflate): set ipcomp = no, or use --esp userspace",
                                    cpi, std::strerror(made.error().number)));
        id = state.id;
        esp.mode = model::ChildMode::transport;
        esp.tfc_padding = 0;  // would lie behind the compressed text
        return {};
    };
    TRY(add(in, spec.ipcomp.cpi_in, child.compressed_in));
    return add(out, spec.ipcomp.cpi_out, child.compressed_out);
}

void XfrmBackend::remove_compression(const std::optional<StateId>& id) {
    if (id) static_cast<void>(kernel_->change(remove_state(*id)));
}

void XfrmBackend::move_compression(const StateId& old, std::optional<StateId>& id, const Child& child, bool inbound) {
    auto state = read(old);
    if (!state) return;
    lead(*state, child.path, false, inbound);
    static_cast<void>(kernel_->change(remove_state(old)));
    static_cast<void>(kernel_->change(add_state(*state)));
    id = state->id;
}

// What comes in may be uncompressed: its template is optional.
std::optional<Template> XfrmBackend::compression_of(const Child& child, const Template& protect, Direction direction) const {
    if (!child.compressed_in) return std::nullopt;
    Template compress = protect;
    compress.protocol = IPPROTO_COMP;
    compress.spi = direction == Direction::out && child.compressed_out ? child.compressed_out->spi : 0;
    compress.optional = direction != Direction::out;
    return compress;
}

}  // namespace cygnet::dataplane
