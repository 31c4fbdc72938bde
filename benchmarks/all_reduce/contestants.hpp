// SPDX-License-Identifier: Apache-2.0
// The ways of summing an array over all ranks that `ringtrain bench allreduce` times.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/comm/world.hpp"

namespace ringtrain::benchmarks {

// A way to sum an array over all ranks. The time counts from when all ranks are ready until every
// rank can read the sum. Collective, as all of its methods.
class Contestant {
 public:
  virtual ~Contestant() = default;

  // Rank r writes value_of(r, i) to element i.
  virtual void fill(const std::function<float(size_t)>& value) = 0;
  virtual void clear() = 0;  // zero to all
  virtual void all_reduce() = 0;
  // Elements of the sum, of those that this rank is to look at, that are not what they should be.
  virtual size_t wrong(const std::function<float(size_t)>& expected) const = 0;
};

struct Entry {
  std::string name;
  std::function<std::unique_ptr<Contestant>(const World&, size_t elements)> make;
};

// Those that fit the world: sums through shared memory only where all ranks share a node.
std::vector<Entry> contestants(const World& world);

// Not a sum, but its limit inside a node: every rank copies, by memcpy out of another rank's
// memory, its part of what p ranks must at least move: each array read once, the sum written once,
// (p + 1) * elements in all.
std::unique_ptr<Contestant> make_memcpy_bound(const World& world, size_t elements);

}  // namespace ringtrain::benchmarks
