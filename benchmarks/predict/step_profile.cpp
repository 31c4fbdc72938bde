// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/step_profile.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr double kSmallestBucket = 64 * 1024;  // as in slab_layout.cpp
constexpr double kLastBucketFraction = 8;

}  // namespace

double StepProfile::gradient_bytes() const {
  double sum = 0;
  for (const Bucket& bucket : buckets) sum += bucket.bytes;
  return sum;
}

StepProfile StepProfile::with_batch(double samples) const {
  RINGTRAIN_CHECK(batch > 0 && samples > 0);
  StepProfile other_batch = *this;
  const double scale = samples / batch;
  other_batch.batch = samples;
  other_batch.forward *= scale;
  other_batch.backward *= scale;
  for (Bucket& bucket : other_batch.buckets) bucket.ready *= scale;
  return other_batch;
}

StepProfile StepProfile::with_buckets(double bucket_bytes) const {
  StepProfile cut = *this;
  cut.buckets.clear();
  double end = 0;
  for (const double size : bucket_sizes(gradient_bytes(), bucket_bytes)) {
    end += size;
    // The gradients up to `end` are there when they are with the old buckets, between two of which
    // they come evenly.
    double bytes = 0, ready = 0;
    for (const Bucket& old : buckets) {
      if (bytes + old.bytes >= end) {
        ready += (old.ready - ready) * (end - bytes) / old.bytes;
        break;
      }
      bytes += old.bytes;
      ready = old.ready;
    }
    cut.buckets.push_back({size, ready});
  }
  return cut;
}

std::vector<Bucket> spread_buckets(const std::vector<double>& sizes, double backward,
                                   EarlyGradients early) {
  double total = 0;
  for (const double size : sizes) total += size;
  std::vector<Bucket> buckets;
  double end = 0;
  for (const double size : sizes) {
    end += size;
    const double share = std::min(1.0, end / total);
    const double time =
        share <= early.bytes
            ? share / early.bytes * early.time
            : early.time + (share - early.bytes) / (1 - early.bytes) * (1 - early.time);
    buckets.push_back({size, time * backward});
  }
  return buckets;
}

std::vector<double> bucket_sizes(double gradient_bytes, double bucket_bytes) {
  const double bucket = std::max(bucket_bytes, kSmallestBucket);
  const double last =
      std::min(gradient_bytes, std::max(bucket / kLastBucketFraction, kSmallestBucket));
  std::vector<double> sizes;
  for (double left = gradient_bytes; left > 0.5; left -= sizes.back()) {
    sizes.push_back(left <= last ? left : std::min(bucket, left - last));
  }
  return sizes;
}

}  // namespace ringtrain::benchmarks
