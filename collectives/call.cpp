// SPDX-License-Identifier: Apache-2.0
#include "collectives/call.hpp"

#include <fmt/format.h>

#include <array>

namespace ringtrain::collectives {
namespace {

bool reduces(Operation operation) {
  return operation == Operation::all_reduce || operation == Operation::reduce_scatter ||
         operation == Operation::reduce;
}

bool has_count(Operation operation) {
  return operation != Operation::all_to_all && operation != Operation::barrier;
}

}  // namespace

std::string_view name_of(Operation operation) {
  constexpr std::array kNames = {"none",           "all_reduce", "broadcast", "all_gather",
                                 "reduce_scatter", "reduce",     "gather",    "scatter",
                                 "all_to_all",     "barrier"};
  return kNames[static_cast<size_t>(operation)];
}

bool same(const Call& a, const Call& b) {
  return a.operation == b.operation && a.type == b.type && a.root == b.root &&
         a.number == b.number && a.count == b.count &&
         (!reduces(a.operation) || a.reduction == b.reduction);
}

std::string describe(const Call& call) {
  std::string text = fmt::format("{} number {}", name_of(call.operation), call.number);
  if (has_count(call.operation)) text += fmt::format(" of {} {}", call.count, name_of(call.type));
  if (reduces(call.operation)) text += fmt::format(" ({})", name_of(call.reduction));
  if (call.root != Call::kNoRoot) text += fmt::format(", root {}", call.root);
  return text;
}

}  // namespace ringtrain::collectives
