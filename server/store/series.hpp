// SPDX-License-Identifier: Apache-2.0
// A figure over the steps of a job, in bounded memory: at most kMaxBuckets buckets, whatever the
// number of points. When they are full, pairs are merged and a bucket takes twice as many points.
// Smallest and largest values are kept, so no spike is lost.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::server {

class Series {
 public:
  static constexpr size_t kMaxBuckets = 2048;

  struct Bucket {
    double step = 0;  // of the first point
    double time = 0;  // of the last one, in seconds since 1970
    double count = 0;
    double min = 0, max = 0, sum = 0, last = 0;
    bool operator==(const Bucket&) const = default;
  };

  // Adds a point; one that is not finite is left out. A step at or before the last one comes from a
  // run that resumed: what lies at and behind that step was lost, and is forgotten.
  void add(double step, double time, double value);

  const std::vector<Bucket>& buckets() const { return buckets_; }

  // Returns at most `points` (at least 1) of "step", "time", "min", "max", "mean" and "last", each
  // a list.
  nlohmann::ordered_json to_json(size_t points) const;

  // Bytes for a store, of this machine's byte order, and back; nothing where they are none.
  std::string bytes() const;
  static std::optional<Series> from_bytes(std::string_view bytes);

 private:
  double points_a_bucket_ = 1;
  std::vector<Bucket> buckets_;
};

}  // namespace ringtrain::server
