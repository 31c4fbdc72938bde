// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace ringtrain::benchmarks {

// A piece of the gradients that is averaged as a whole.
struct Bucket {
  double bytes = 0;  // of fp32
  double ready = 0;  // seconds from the begin of the backward pass until its gradients are there
};

// One rank's step without other ranks, in seconds.
struct StepProfile {
  double batch = 0;  // samples of the rank
  double forward = 0;
  double backward = 0;
  double optimizer = 0;  // update of all parameters by one rank
  double other = 0;      // load, loss, bookkeeping
  std::vector<Bucket> buckets;

  double seconds() const { return forward + backward + optimizer + other; }
  double gradient_bytes() const;

  // Returns the step with `samples` of a rank: forward, backward and ready times grow as the batch
  // does, the optimizer and the rest do not. A device that is not filled by a small batch gains
  // less than that by a smaller one.
  StepProfile with_batch(double samples) const;
  // Returns the step as it would be in other buckets: the order of gradients stays. Requires
  // bucket_bytes > 0.
  StepProfile with_buckets(double bucket_bytes) const;
};

// A part of the gradients that a backward pass finishes early, such as the fully connected layers
// of VGG: shares from 0 to 1 of all bytes, and of the backward pass. Equal shares: no such part.
struct EarlyGradients {
  double bytes = 0.5;
  double time = 0.5;
};

// Returns buckets of these sizes that fill the backward pass, in order.
std::vector<Bucket> spread_buckets(const std::vector<double>& sizes, double backward,
                                   EarlyGradients early = {});

// More buckets than any job has; beyond them predictions take long.
inline constexpr double kMostBuckets = 1e5;

// Returns the sizes of the buckets into which runtime/averaging/slab_layout.cpp cuts gradients: all
// of at most bucket_bytes, the last one an eighth of that.
std::vector<double> bucket_sizes(double gradient_bytes, double bucket_bytes);

}  // namespace ringtrain::benchmarks
