// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/emulated_rank.hpp"

#include <array>
#include <chrono>
#include <thread>

#include "base/stopwatch.hpp"
#include "runtime/comm/host_collectives.hpp"

namespace ringtrain::benchmarks {
namespace {

// Values that a step's agreement sums: the loss, finiteness, a checkpoint, and the like.
constexpr size_t kAgreed = 6;

MpiGroup host_of(const World& world, int ranks_per_host) {
  return world.split(ranks_per_host == 0 ? world.node_index() : world.rank() / ranks_per_host);
}

SlabLayout layout_of(const StepProfile& step) {
  const size_t elements[] = {static_cast<size_t>(step.gradient_bytes() / sizeof(float))};
  const size_t arrival[] = {0};
  return {elements, arrival};
}

size_t bucket_elements(const EmulatedJob& job) {
  return static_cast<size_t>(job.bucket_bytes / sizeof(float));
}

}  // namespace

EmulatedRank::EmulatedRank(const World& world, const EmulatedJob& job)
    : job_(job),
      rank_(world.rank()),
      host_(host_of(world, job.ranks_per_host)),
      collectives_(std::make_unique<HostCollectives>(world, host_, job.communication,
                                                     layout_of(job.step).elements())),
      thread_(*collectives_),
      space_(layout_of(job.step), bucket_elements(job), *collectives_),
      schedule_(make_gradient_schedule(space_, thread_, false)),
      owners_(job.communication.shard_optimizer ? world.size() : host_.size()) {
  for (const Bucket& bucket : job.step.with_buckets(job.bucket_bytes).buckets) {
    ready_.push_back(bucket.ready);
  }
  // Slabs are padded to cache lines, which can make a bucket of their own.
  ready_.resize(space_.buckets.size(), job.step.backward);
}

void EmulatedRank::sleep_until(double moment) {
  const double seconds = moment - seconds_now();
  if (seconds <= 0) return;
  slept_ += seconds;
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

void EmulatedRank::compute(double undilated) { sleep_until(seconds_now() + undilated * slow_); }

void EmulatedRank::step(int64_t number) {
  slow_ = job_.dilation * factor_of(job_, rank_, number);
  const bool every_step = job_.sync_every == 1;
  compute(job_.step.other + job_.step.forward);
  const double backward = seconds_now();
  if (every_step) schedule_->begin();
  for (size_t b = 0; every_step && b < ready_.size(); ++b) {
    sleep_until(backward + ready_[b] * slow_);
    schedule_->written(b);
  }
  sleep_until(backward + job_.step.backward * slow_);
  std::array<double, kAgreed> agreed = {};
  if (every_step) {
    thread_.all_reduce(agreed);
    const double update = job_.step.optimizer / owners_ / static_cast<double>(ready_.size());
    for (size_t b = 0; b < ready_.size(); ++b) {
      schedule_->wait(b);
      compute(update);
    }
    thread_.all_gather(space_.buckets);
  } else {
    compute(job_.step.optimizer);
    if (number % job_.sync_every != 0) return;
    average_locally_trained();
    thread_.all_reduce(agreed);
  }
}

// As LocalSgd: parameters, then each array of the optimizer.
void EmulatedRank::average_locally_trained() {
  for (int array = 0; array < 1 + job_.state_arrays; ++array) {
    for (const Range& bucket : space_.buckets) collectives_->mark_written(bucket);
    thread_.wait(thread_.reduce_scatter(space_.buckets));
    thread_.all_gather(space_.buckets);
  }
}

}  // namespace ringtrain::benchmarks
