#include "ike/exchange/rows.h"

#include <array>

#include "ike/exchange/create_child_sa.h"
#include "ike/exchange/ike_auth.h"
#include "ike/exchange/ike_followup_ke.h"
#include "ike/exchange/ike_intermediate.h"
#include "ike/exchange/ike_sa_init.h"
#include "ike/exchange/ike_session_resume.h"
#include "ike/exchange/informational.h"

namespace cygnet::ike {
namespace {

bool has_its_place(const ExchangeRow& row, const IkeSa& sa, const wire::Header& header) {
    const Direction direction = header.response ? Direction::response : Direction::request;
    const Role role = sa.initiator ? Role::initiator : Role::responder;
    return row.exchange == header.exchange && row.direction == direction && row.phase == sa.phase() &&
           (row.role == Role::any || row.role == role);
}

PayloadSet payloads_of(const wire::Message& message) {
    PayloadSet present;
    for (const wire::Payload& payload : message.payloads) present.add(wire::type_of(payload));
    return present;
}

std::string names_of(PayloadSet missing, PayloadSet present) {
    std::string names;
    for (unsigned number = 33; number <= 96; ++number) {
        const auto type = static_cast<model::PayloadType>(number);
        if (!missing.contains(type) || present.contains(type)) continue;
        names += (names.empty() ? "" : ", ") + model::name_of(type);
    }
    return names;
}

}  // namespace

std::span<const std::span<const ExchangeRow>> all_rows() {
    static const std::array tables{ike_sa_init_rows(),        ike_session_resume_rows(), ike_intermediate_rows(), ike_auth_initiator_rows(),
                                   ike_auth_responder_rows(), create_child_sa_rows(),  ike_followup_ke_rows(),
                                   informational_rows()};
    return tables;
}

Result<const ExchangeRow*> find_row(const IkeSa& sa, const wire::Message& message) {
    const PayloadSet present = payloads_of(message);
    const ExchangeRow* nearest = nullptr;
    for (const std::span<const ExchangeRow> table : all_rows()) {
        for (const ExchangeRow& row : table) {
            if (!has_its_place(row, sa, message.header)) continue;
            if (present.contains(row.required)) return &row;
            if (nearest == nullptr) nearest = &row;
        }
    }
    if (nearest == nullptr)
        return fail(Errc::state, "exchange", model::name_of(message.header.exchange) + " has no place in this state");
    return fail(Errc::bad_value, "payloads",
                model::name_of(message.header.exchange) + " lacks " + names_of(nearest->required, present));
}

}  // namespace cygnet::ike
