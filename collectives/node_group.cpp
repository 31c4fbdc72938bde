// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_group.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace ringtrain::collectives {
namespace {

constexpr size_t kSlots = 4096;  // offset of the slots; the barrier lies before them
constexpr size_t kSlotValues = 8192;
constexpr size_t kMemory = kSlots + 2 * kSlotValues * sizeof(double);

static_assert(sizeof(NodeBarrier::State) <= kSlots && kMemory % kSlots == 0);

// Calls f(part) for parts of the values that fit a slot.
template <class F>
void for_each_slotful(std::span<double> values, const F& f) {
  while (!values.empty()) {
    const size_t count = std::min(kSlotValues, values.size());
    f(values.first(count));
    values = values.subspan(count);
  }
}

}  // namespace

NodeGroup::NodeGroup(const Node& node, size_t bytes)
    : rank_(node.rank),
      size_(node.size),
      memory_(node, kMemory + bytes),
      barrier_(reinterpret_cast<NodeBarrier::State*>(memory_.part(0)), size_, node.oversubscribed,
               node.timeout) {}

std::byte* NodeGroup::memory(int rank) const {
  RINGTRAIN_CHECK(0 <= rank && rank < size_);
  return memory_.part(rank) + kMemory;
}

double* NodeGroup::slot(int rank) const {
  auto* both = reinterpret_cast<double*>(memory_.part(rank) + kSlots);
  return both + (calls_ % 2) * kSlotValues;
}

void NodeGroup::barrier() {
  if (size_ > 1) barrier_.wait();
}

void NodeGroup::all_reduce(std::span<double> values) {
  if (size_ == 1) return;
  for_each_slotful(values, [&](std::span<double> part) {
    std::copy(part.begin(), part.end(), slot(rank_));
    barrier_.wait();
    for (size_t i = 0; i < part.size(); ++i) {
      double total = 0;
      for (int r = 0; r < size_; ++r) total += slot(r)[i];
      part[i] = total;
    }
    ++calls_;
  });
}

void NodeGroup::broadcast(std::span<double> values, int root) {
  RINGTRAIN_CHECK(0 <= root && root < size_);
  if (size_ == 1) return;
  for_each_slotful(values, [&](std::span<double> part) {
    if (rank_ == root) std::copy(part.begin(), part.end(), slot(root));
    barrier_.wait();
    if (rank_ != root) std::copy_n(slot(root), part.size(), part.begin());
    ++calls_;
  });
}

}  // namespace ringtrain::collectives
