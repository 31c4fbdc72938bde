// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "collectives/element_type.hpp"
#include "collectives/reduction.hpp"

namespace ringtrain::collectives {

enum class Operation : uint8_t {
  none,
  all_reduce,
  broadcast,
  all_gather,
  reduce_scatter,
  reduce,
  gather,
  scatter,
  all_to_all,
  barrier,
};

std::string_view name_of(Operation operation);

// One collective call of one rank, where the others compare it with theirs. It lies in shared
// memory.
struct Call {
  static constexpr int kNoRoot = -1;
  static constexpr uint64_t kOutside = std::numeric_limits<uint64_t>::max();

  Operation operation = Operation::none;
  ElementType type = ElementType::raw;
  Reduction reduction = Reduction::sum;  // not compared for operations that only move elements
  int32_t root = kNoRoot;
  uint64_t count = 0;         // elements; of all_to_all not compared
  uint64_t number = 0;        // among the rank's calls, from 1
  double factor = 1;          // this rank's, of a scaled sum
  uint64_t place = kOutside;  // offset of the data in the arena
};

// Returns whether ranks that make these calls agree.
bool same(const Call& a, const Call& b);

// Returns "all_reduce number 12 of 25 float32 (sum)".
std::string describe(const Call& call);

}  // namespace ringtrain::collectives
