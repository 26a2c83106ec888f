#include "ike/exchange/rows.h"

#include <gtest/gtest.h>

namespace cygnet::ike {
namespace {

using model::ExchangeType;
using model::PayloadType;

TEST(Rows, OfTwoFilesNeverShareAPlace) {
    const auto tables = all_rows();
    for (std::size_t i = 0; i < tables.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            for (const ExchangeRow& row : tables[i])
                for (const ExchangeRow& other : tables[j])
                    EXPECT_FALSE(same_place(row, other)) << row.story << " / " << other.story;
}

// Strangers and half-authenticated peers reach IKE_SA_INIT, IKE_INTERMEDIATE and IKE_AUTH and nothing else.
// RFC 7296 §1 [25]: no row lets anything else in.
TEST(Rows, LeaveNothingButTheSetUpAndItsEndBeforeAuthentication) {
    for (const auto table : all_rows()) {
        for (const ExchangeRow& row : table) {
            const bool init =
                row.exchange == ExchangeType::ike_sa_init || row.exchange == ExchangeType::ike_session_resume;
            const bool auth = row.exchange == ExchangeType::ike_auth || row.exchange == ExchangeType::ike_intermediate;
            const bool end = row.exchange == ExchangeType::informational && row.direction == Direction::request;
            EXPECT_TRUE(row.phase != Phase::connecting || init) << row.story;
            EXPECT_TRUE(row.phase != Phase::authenticating || auth || (end && row.role == Role::responder)) << row.story;
        }
    }
}

TEST(Rows, NameThePayloadsThatAMessageLacks) {
    IkeSa sa;
    sa.initiator = true;
    wire::Message message{.header = {.exchange = ExchangeType::ike_sa_init, .response = true},
                          .payloads = {wire::SaPayload{}, wire::NoncePayload{}}};
    const auto row = find_row(sa, message);
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().code, Errc::bad_value);
    EXPECT_EQ(row.error().detail, "IKE_SA_INIT lacks KE");
}

TEST(Rows, HaveNoPlaceForAnExchangeOfAnotherPhase) {
    IkeSa sa;
    const auto row = find_row(sa, {.header = {.exchange = ExchangeType::create_child_sa}, .payloads = {}});
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().code, Errc::state);
}

constexpr Result<Next> (*some_handler)(Context&, Received) = +[](Context&, Received) -> Result<Next> {
    return Next::finished;
};

TEST(Rows, AreWellFormedOnlyWithoutHiddenRows) {
    constexpr ExchangeRow wide{
        .story = "wide", .exchange = ExchangeType::ike_auth, .required = {PayloadType::auth}, .handle = some_handler};
    constexpr ExchangeRow narrow{.story = "narrow",
                                 .exchange = ExchangeType::ike_auth,
                                 .required = {PayloadType::auth, PayloadType::sa},
                                 .handle = some_handler};
    static constexpr ExchangeRow good[] = {narrow, wide}, hidden[] = {wide, narrow};
    static_assert(well_formed(good));
    static_assert(!well_formed(hidden));
}

}  // namespace
}  // namespace cygnet::ike
