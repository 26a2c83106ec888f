// RFC 4555 §3.7: traffic follows the peer only to an address at which it has answered.
#include <algorithm>

#include "ike/feature/mobike.h"

namespace cygnet::ike {
namespace {

using model::NotifyType;

constexpr std::size_t cookie_octets = 16;  // §4.2.5: 8 to 64, unpredictable

void release(Context& context) {
    context.sa.esp_stays.reset();
    context.move_children();
}

bool build_check(Context& context, wire::MessageBuilder& message) {
    IkeSa& sa = context.sa;
    Mobility* mobility = mobility_of(sa);
    if (mobility == nullptr || !sa.esp_stays) return false;
    if (is_proven(*mobility, sa.path.remote.address)) {
        release(context);
        return false;
    }
    mobility->check = Mobility::Check{.cookie = context.core.rng.bytes(cookie_octets), .target = sa.path.remote.address};
    message.notify(NotifyType::cookie2, mobility->check->cookie);
    return true;
}

Result<> check_answered(Context& context, const Received& answer) {
    IkeSa& sa = context.sa;
    Mobility& mobility = *mobility_of(sa);
    const auto check = std::exchange(mobility.check, {});
    const wire::NotifyPayload* cookie = answer.message.notify(NotifyType::cookie2);
    if (!check || cookie == nullptr || !equal(cookie->data, check->cookie)) {
        context.count(model::Counter::authentication_failed);
        return end_sa(NotifyType::none, Errc::authentication, "MOBIKE",
                      "the peer cannot prove its new address: its COOKIE2 is not ours");
    }
    // The same request went to several addresses: that one of them is the peer's says too little.
    if (check->moved || check->target != sa.path.remote.address) {
        repeat_check(context);
        return {};
    }
    note_proven(mobility, check->target);
    context.log(model::LogGroup::ike, 1, "the peer has answered from " + check->target.text() + ": ESP follows");
    release(context);
    return {};
}

}  // namespace

void check_routability(Context& context, const Carriage& carriage) {
    IkeSa& sa = context.sa;
    if (!sa.esp_stays) sa.esp_stays = carriage;
    repeat_check(context);
}

void repeat_check(Context& context) {
    context.enqueue(InformationalTask{.name = "IKE_MOBIKE", .build = build_check, .answered = check_answered});
}

bool is_proven(const Mobility& mobility, model::IpAddress address) {
    if (address == mobility.proven) return true;
    return mobility.further && std::ranges::find(mobility.further->proven, address) != mobility.further->proven.end();
}

void note_proven(Mobility& mobility, model::IpAddress address) {
    if (is_proven(mobility, address)) return;
    // The newest takes the place of the first, which most peers never leave.
    if (!mobility.proven.is_any()) {
        AddressList& further = mobility.further.made().proven;
        if (further.size() + 1 >= model::limits::proven_addresses) further.erase(further.begin());
        further.push_back(mobility.proven);
    }
    mobility.proven = address;
}

}  // namespace cygnet::ike
