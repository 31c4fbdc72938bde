// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/host_collectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

constexpr size_t kTypicalBucket = 1 << 20;  // floats, to choose an algorithm by

int smallest(const World& world, int mine) {
  int result = 0;
  check_mpi(MPI_Allreduce(&mine, &result, 1, MPI_INT, MPI_MIN, world.all().get()));
  return result;
}

collectives::Node node_of(const World& world, const MpiGroup& ranks, const CommOptions& options) {
  const auto cores = std::thread::hardware_concurrency();
  return {.rank = ranks.rank(),
          .size = ranks.size(),
          .all_gather = [&ranks](const std::string& mine) { return ranks.all_gather(mine); },
          .timeout = std::chrono::duration<double>(options.timeout_seconds),
          .oversubscribed = static_cast<unsigned>(world.node().size()) > cores};
}

}  // namespace

HostCollectives::HostCollectives(const World& world, const MpiGroup& node,
                                 const CommOptions& options, size_t elements)
    : rank_(world.rank()),
      size_(world.size()),
      bf16_(options.wire == CommOptions::Wire::bf16),
      shard_(options.shard_optimizer && node.size() < world.size()),
      elements_(elements),
      owners_(smallest(world, node.size())),
      node_(node_of(world, node, options),
            collectives::SharedSlabs::bytes(elements, options.wire, node.rank())),
      slabs_(node_, elements, options.wire, owners_) {
  MpiGroup peers = world.split(owner() ? node_.rank() : owners_);
  if (node_.size() == world.size()) return;
  peers_.emplace(std::move(peers));
  across_.emplace(*peers_, options);
  if (owner()) {
    across_->choose_algorithm(std::min(elements, kTypicalBucket) / static_cast<size_t>(owners_));
  }
}

Range HostCollectives::share(Range bucket) const {
  const Range mine = slabs_.share(bucket);
  if (!shard_) return mine;
  const Range owned = across_->owned(mine.size());
  return {mine.begin + owned.begin, mine.begin + owned.end};
}

void HostCollectives::reduce_scatter(std::span<const Range> buckets) {
  node_.barrier();
  for (const Range& bucket : buckets) {
    slabs_.reduce(bucket);
    if (!across_ || !owner()) continue;
    const Range mine = slabs_.share(bucket);
    float* data = slabs_.gradients() + mine.begin;
    if (shard_) {
      across_->reduce_scatter(data, mine.size());
    } else {
      across_->all_reduce(data, mine.size());
    }
  }
}

void HostCollectives::all_gather(std::span<const Range> buckets) {
  if (shard_ && owner()) {
    for (const Range& bucket : buckets) {
      const Range mine = slabs_.share(bucket);
      across_->all_gather(slabs_.parameters() + mine.begin, mine.size());
    }
  }
  node_.barrier();
}

void HostCollectives::broadcast() {
  if (across_ && node_.rank() == 0) across_->broadcast(slabs_.parameters(), elements_);
  node_.barrier();
}

// Local rank 0 of each node exchanges the node's sums and hands the result to the others. Nodes
// without shard_optimizer have the same shares.
void HostCollectives::all_reduce(std::span<double> values, Over over) {
  node_.all_reduce(values);
  if (!across_ || (over == Over::shares && !shard_)) return;
  if (node_.rank() == 0) across_->all_reduce(values);
  node_.broadcast(values, 0);
}

void HostCollectives::barrier() {
  if (!across_) return node_.barrier();
  double nothing = 0;
  all_reduce({&nothing, 1}, Over::ranks);
}

std::string HostCollectives::describe() const {
  const std::string inside =
      fmt::format("shared memory{} over {}", bf16_ ? " (bf16)" : "", counted(node_.size(), "rank"));
  if (!across_) return inside;
  return node_.size() > 1 ? fmt::format("{}, {} between nodes", inside, across_->describe())
                          : across_->describe();
}

}  // namespace ringtrain
