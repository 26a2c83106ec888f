// Values of model::KernelOptions as swanctl.conf writes them, and what follows when the kernel does no ESP.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/config.h"
#include "vici/schema_table.h"

namespace cygnet::vici {

// "0x10/0xff"; without a mask all bits count.
Result<> read_mark(model::Mark& into, std::string_view text);
Result<> read_word(std::uint32_t& into, std::string_view text);
Result<> read_yes_or_no(bool& into, std::string_view text);
Result<> read_hw_offload(model::HwOffload& into, std::string_view text);

// A connection's interface ids are those of its children that have none.
void inherit_interfaces(model::KernelOptions& options, std::uint32_t if_id_in, std::uint32_t if_id_out);

// Names the children of `section` that ask for what only the kernel's ESP has.
void refuse_kernel_options(const model::Connection& connection, const Section& section, const Refuser& refuser);

// The same the other way round.
void refuse_userspace_options(const model::Connection& connection, const Section& section, const Refuser& refuser);

}  // namespace cygnet::vici
