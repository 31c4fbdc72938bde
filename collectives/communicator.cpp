// SPDX-License-Identifier: Apache-2.0
// How ranks wait for each other, compare their calls, and fail together. The operations are in
// operations.cpp.
#include "collectives/communicator.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/check.hpp"
#include "base/deadline.hpp"

namespace ringtrain::collectives {
namespace {

uint64_t place_in(const SharedRegion& region, const Elements& data) {
  const std::byte* arena = region.arena(region.rank());
  if (data.data < arena || data.data + data.bytes() > arena + region.arena_bytes())
    return Call::kOutside;
  return static_cast<uint64_t>(data.data - arena);
}

}  // namespace

Communicator::Communicator(std::shared_ptr<SharedRegion> region)
    : region_(std::move(region)),
      rank_(region_->rank()),
      size_(region_->size()),
      slots_(static_cast<size_t>(size_)) {}

Call Communicator::begin(Timeout timeout, Operation operation, const Elements& data, int root,
                         Reduce reduce) {
  RINGTRAIN_CHECK(root == Call::kNoRoot || (0 <= root && root < size_));
  timeout_ = timeout;
  region_->check();
  const bool may_lie = operation == Operation::all_reduce || operation == Operation::all_gather;
  const Call call = {.operation = operation,
                     .type = data.type,
                     .reduction = reduce.how,
                     .root = root,
                     .count = data.count,
                     .number = ++number_,
                     .factor = reduce.factor,
                     .place = may_lie ? place_in(*region_, data) : Call::kOutside};
  region_->state(rank_).calls[number_ % 2] = call;
  compared_ = false;
  return call;
}

void Communicator::finish(const Call& call) { region_->state(rank_).finished.store(call.number); }

void Communicator::post_and_wait(const Call& call) {
  ++round_;
  region_->state(rank_).posted.store(round_);
  region_->header().rounds.notify();
  std::optional<Deadline> deadline, next_look;
  const auto all_posted = [&] {
    for (int r = 0; r < size_; ++r) {
      if (region_->state(r).posted.load() < round_) return false;
    }
    return true;
  };
  wait_until(region_->header().rounds, region_->spins(), all_posted, [&] {
    region_->check();
    if (!deadline) deadline.emplace(timeout_);
    // Every rank that posts ends a sleep, and to look costs a system call a rank.
    if (next_look && next_look->passed()) check_ended(call);
    if (!next_look || next_look->passed()) next_look.emplace(kLongestSleep);
    if (deadline->passed()) fail_late(call);
  });
  if (!compared_) compare(call);
  compared_ = true;
}

void Communicator::compare(const Call& call) const {
  const auto call_of = [&](int rank) { return region_->state(rank).calls[call.number % 2]; };
  const Call first = call_of(0);
  for (int r = 1; r < size_; ++r) {
    const Call other = call_of(r);
    if (same(first, other)) continue;
    const int one = region_->name_of(0), another = region_->name_of(r);
    region_->break_group(fmt::format("ranks {} and {} made different calls: rank {} {}, rank {} {}",
                                     one, another, one, describe(first), another, describe(other)));
  }
}

void Communicator::check_ended(const Call& call) const {
  for (int r = 0; r < size_; ++r) {
    if (!region_->has_ended(r) || region_->state(r).posted.load() >= round_) continue;
    region_->break_group(fmt::format("rank {} {} and did not come to {}; {}", region_->name_of(r),
                                     region_->how_it_ended(r), describe(call), last_call(r)));
  }
}

std::vector<int> Communicator::missing() const {
  std::vector<int> ranks;
  for (int r = 0; r < size_; ++r) {
    if (region_->state(r).posted.load() < round_) ranks.push_back(r);
  }
  return ranks;
}

void Communicator::fail_late(const Call& call) const {
  std::string late;
  for (const int r : missing()) {
    late +=
        fmt::format("{}rank {} ({})", late.empty() ? "" : ", ", region_->name_of(r), last_call(r));
  }
  // PyTorch's tests, and users, search for " Timed out ".
  region_->break_group(fmt::format("{} Timed out after {:g} s: {} did not come", describe(call),
                                   timeout_.count(), late));
}

std::string Communicator::last_call(int rank) const {
  const RankState& state = region_->state(rank);
  const uint64_t finished = state.finished.load();
  const Call& last =
      state.calls[0].number > state.calls[1].number ? state.calls[0] : state.calls[1];
  if (last.number == 0) return "it has made no call";
  return fmt::format("its last call: {}, {}", describe(last),
                     last.number <= finished ? "finished" : "not finished");
}

std::vector<std::string> Communicator::flight() const {
  std::vector<std::string> lines;
  for (int r = 0; r < size_; ++r) {
    lines.push_back(fmt::format("rank {}: {}{}", region_->name_of(r), last_call(r),
                                region_->has_ended(r) ? "; it has ended" : ""));
  }
  return lines;
}

}  // namespace ringtrain::collectives
