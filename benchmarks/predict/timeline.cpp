// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/timeline.hpp"

#include <algorithm>
#include <cmath>

#include "benchmarks/predict/sum_cost.hpp"

namespace ringtrain::benchmarks {
namespace {

// Ranks that divide an update among them: those of a host, whose slabs are shared, and with
// shard_optimizer all.
double update_owners(const Cluster& cluster, const Averaging& averaging) {
  if (averaging.shard_optimizer) return cluster.ranks();
  const bool shared_slabs = averaging.method != Averaging::Method::nccl &&
                            averaging.method != Averaging::Method::parameter_servers;
  return shared_slabs ? cluster.node.ranks : 1;
}

// Fills in when each bucket is summed. Returns the time within the backward pass in which a sum
// was under way.
double sum_beside_backward(const StepProfile& step, double stretch,
                           const std::vector<double>& seconds, StepTimeline& timeline) {
  timeline.backward_end = step.forward + step.backward * stretch;
  timeline.summed.clear();
  double free = 0, hidden = 0;
  for (size_t k = 0; k < step.buckets.size(); ++k) {
    const double start = std::max(free, step.forward + step.buckets[k].ready * stretch);
    free = start + seconds[k];
    timeline.summed.push_back(free);
    hidden += std::max(0.0, std::min(free, timeline.backward_end) - start);
  }
  return hidden;
}

void run_overlapped(const StepProfile& step, const Cluster& cluster, const Averaging& averaging,
                    StepTimeline& timeline) {
  const bool later = gathers_later(cluster, averaging);
  std::vector<double> seconds;
  double gathers = 0;
  for (const Bucket& bucket : step.buckets) {
    const SumHalves halves = half_seconds(cluster, averaging, bucket.bytes);
    seconds.push_back(halves.reduce_scatter + (later ? 0 : halves.all_gather));
    if (later) gathers += halves.all_gather;
  }
  // Interference stretches the backward pass, in which more is hidden then.
  double stretch = 1;
  for (int i = 0; i < 20; ++i) {
    const double hidden = sum_beside_backward(step, stretch, seconds, timeline);
    const double next =
        step.backward > 0 ? 1 + cluster.interference * hidden / (step.backward * stretch) : 1;
    if (std::abs(next - stretch) < 1e-9) break;
    stretch = next;
  }
  const double sums_end = timeline.summed.empty() ? 0 : timeline.summed.back();
  timeline.agreed = std::max(timeline.backward_end, sums_end) + agree_seconds(cluster, averaging);
  timeline.updated = timeline.agreed + step.optimizer / update_owners(cluster, averaging);
  timeline.end = timeline.updated + gathers + step.other;
}

void run_after_backward(const StepProfile& step, const Cluster& cluster, const Averaging& averaging,
                        StepTimeline& timeline) {
  timeline.backward_end = step.forward + step.backward;
  timeline.agreed = timeline.backward_end + agree_seconds(cluster, averaging);
  const double update = step.optimizer / update_owners(cluster, averaging);
  const double all = step.gradient_bytes();
  double now = timeline.agreed;
  for (const Bucket& bucket : step.buckets) {
    now += all_reduce_seconds(cluster, averaging, bucket.bytes);
    timeline.summed.push_back(now);
    now += update * bucket.bytes / all;
  }
  if (step.buckets.empty()) now += update;
  timeline.updated = now;
  timeline.end = now + step.other;
}

// sync_every: steps alone, and every so many a mean of parameters and optimizer state.
void run_local(const StepProfile& step, const Cluster& cluster, const Averaging& averaging,
               StepTimeline& timeline) {
  timeline.backward_end = step.forward + step.backward;
  timeline.agreed = timeline.backward_end;
  timeline.updated = timeline.agreed + step.optimizer;
  double mean = agree_seconds(cluster, averaging);
  for (const Bucket& bucket : step.buckets) {
    mean += all_reduce_seconds(cluster, averaging, bucket.bytes) * (1 + averaging.state_arrays);
  }
  timeline.end = timeline.updated + step.other + mean / averaging.sync_every;
}

}  // namespace

StepTimeline step_timeline(const StepProfile& step, const Cluster& cluster,
                           const Averaging& averaging) {
  StepTimeline timeline;
  double owners = 1;
  if (averaging.sync_every > 1 && cluster.ranks() > 1) {
    run_local(step, cluster, averaging, timeline);
  } else {
    owners = update_owners(cluster, averaging);
    overlaps(cluster, averaging) ? run_overlapped(step, cluster, averaging, timeline)
                                 : run_after_backward(step, cluster, averaging, timeline);
  }
  const double waits = averaging.waits * agree_seconds(cluster, averaging);
  timeline.end += waits;
  timeline.exposed =
      std::max(0.0, timeline.end - timeline.backward_end - step.optimizer / owners - step.other);
  return timeline;
}

double sharing_slowdown(const Node& node) {
  double factor = 1;
  if (node.measured_ranks > 1) {
    // Each rank that uses the memory's bandwidth adds as much.
    factor += (node.slowdown - 1) * (node.ranks - 1) / (node.measured_ranks - 1);
  }
  // A step in which some ranks wait for a core takes as many turns as the busiest core has ranks.
  if (node.cores > 0 && node.ranks > node.cores) {
    factor *= std::ceil(static_cast<double>(node.ranks) / node.cores);
  }
  return std::max(1.0, factor);
}

StepProfile beside_others(const StepProfile& alone, const Node& node) {
  const double factor = sharing_slowdown(node);
  StepProfile slowed = alone;
  slowed.forward *= factor;
  slowed.backward *= factor;
  slowed.optimizer *= factor;
  slowed.other *= factor;
  for (Bucket& bucket : slowed.buckets) bucket.ready *= factor;
  return slowed;
}

}  // namespace ringtrain::benchmarks
