// SPDX-License-Identifier: Apache-2.0
#include "runtime/comm/host_communicator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "runtime/comm/check_mpi.hpp"

namespace ringtrain {
namespace {

constexpr size_t kTypicalBucket = 1 << 20;  // floats, to choose an algorithm by

int smallest(const World& world, int mine) {
  int result = 0;
  check_mpi(MPI_Allreduce(&mine, &result, 1, MPI_INT, MPI_MIN, world.all().get()));
  return result;
}

collectives::Node node_of(const World& world, const MpiGroup& ranks,
                          const CommunicationSpec& spec) {
  const auto cores = std::thread::hardware_concurrency();
  return {.rank = ranks.rank(),
          .size = ranks.size(),
          .all_gather = [&ranks](const std::string& mine) { return ranks.all_gather(mine); },
          .timeout = std::chrono::duration<double>(spec.timeout_seconds),
          .oversubscribed = static_cast<unsigned>(world.node().size()) > cores};
}

collectives::Wire wire_of(const CommunicationSpec& spec) {
  return spec.wire == CommunicationSpec::Wire::bf16 ? collectives::Wire::bf16
                                                    : collectives::Wire::fp32;
}

}  // namespace

HostCommunicator::HostCommunicator(const World& world, MpiGroup node, const CommunicationSpec& spec,
                                   size_t elements)
    : first_(world.rank() == 0),
      bf16_(spec.wire == CommunicationSpec::Wire::bf16),
      shard_(spec.shard_optimizer && node.size() < world.size()),
      elements_(elements),
      owners_(smallest(world, node.size())),
      group_(node_of(world, node, spec),
             collectives::SharedSlabs::bytes(elements, wire_of(spec), node.rank())),
      slabs_(group_, elements, wire_of(spec), owners_) {
  MpiGroup peers = world.split(owner() ? group_.rank() : owners_);
  if (group_.size() == world.size()) return;
  peers_.emplace(std::move(peers));
  across_.emplace(*peers_, spec);
  if (owner()) {
    across_->choose_algorithm(std::min(elements, kTypicalBucket) / static_cast<size_t>(owners_));
  }
}

std::vector<const float*> HostCommunicator::slabs() const {
  if (across_) return {};
  const auto all = slabs_.all_gradients();
  return {all.begin(), all.end()};
}

void HostCommunicator::spread_parameters() {
  if (across_ && group_.rank() == 0) across_->broadcast(parameters(), elements_);
  group_.barrier();
}

Range HostCommunicator::share(Range bucket) const {
  const Range mine = slabs_.share(bucket);
  if (!shard_) return mine;
  const Range owned = across_->owned(mine.size());
  return {mine.begin + owned.begin, mine.begin + owned.end};
}

void HostCommunicator::reduce(Range bucket) {
  if (overlaps()) group_.barrier();
  slabs_.reduce(bucket);
  if (!across_ || !owner()) return;
  const Range mine = slabs_.share(bucket);
  float* data = gradients() + mine.begin;
  if (shard_) {
    across_->reduce_scatter(data, mine.size());
  } else {
    across_->all_reduce(data, mine.size());
  }
}

void HostCommunicator::publish(std::span<const Range> buckets) {
  if (shard_ && owner()) {
    for (const Range& bucket : buckets) {
      const Range mine = slabs_.share(bucket);
      across_->all_gather(parameters() + mine.begin, mine.size());
    }
  }
  group_.barrier();
}

// Local rank 0 of each node exchanges the node's sums and hands the result to the others.
void HostCommunicator::sum(std::span<double> values) {
  group_.all_reduce(values);
  if (!across_) return;
  if (group_.rank() == 0) across_->all_reduce(values);
  group_.broadcast(values, 0);
}

void HostCommunicator::sum_over_shares(std::span<double> values) {
  shard_ ? sum(values) : group_.all_reduce(values);
}

std::string HostCommunicator::describe() const {
  const std::string inside =
      fmt::format("shared memory{} over {} ranks", bf16_ ? " (bf16)" : "", group_.size());
  if (!across_) return inside;
  return group_.size() > 1 ? fmt::format("{}, {} between nodes", inside, across_->describe())
                           : across_->describe();
}

}  // namespace ringtrain
