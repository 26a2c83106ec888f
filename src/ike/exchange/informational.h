// INFORMATIONAL, RFC 7296 §1.4: Delete, liveness, and error reports.
#pragma once

#include "ike/exchange/rows.h"

namespace cygnet::ike {

Result<Next> begin_delete_children(Context& context, const DeleteChildrenTask& task);
Result<Next> begin_delete_ike(Context& context, const DeleteIkeTask& task);
Result<Next> begin_liveness(Context& context);
Result<Next> begin_informational(Context& context, const InformationalTask& task);
Result<Next> begin_report_failure(Context& context, const ReportFailureTask& task);

std::span<const ExchangeRow> informational_rows();

}  // namespace cygnet::ike
