// SPDX-License-Identifier: Apache-2.0
#include "server/store/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace ringtrain::server {
namespace {

Series::Bucket merged(const Series::Bucket& one, const Series::Bucket& two) {
  return {.step = one.step,
          .time = two.time,
          .count = one.count + two.count,
          .min = std::min(one.min, two.min),
          .max = std::max(one.max, two.max),
          .sum = one.sum + two.sum,
          .last = two.last};
}

// Merges each two neighbours.
std::vector<Series::Bucket> halved(const std::vector<Series::Bucket>& buckets) {
  std::vector<Series::Bucket> half;
  for (size_t i = 0; i < buckets.size(); i += 2) {
    half.push_back(i + 1 < buckets.size() ? merged(buckets[i], buckets[i + 1]) : buckets[i]);
  }
  return half;
}

}  // namespace

void Series::add(double step, double time, double value) {
  if (!std::isfinite(value)) return;
  while (!buckets_.empty() && buckets_.back().step >= step) buckets_.pop_back();
  const Bucket point{step, time, 1, value, value, value, value};
  if (!buckets_.empty() && buckets_.back().count < points_a_bucket_) {
    buckets_.back() = merged(buckets_.back(), point);
    return;
  }
  if (buckets_.size() == kMaxBuckets) {
    buckets_ = halved(buckets_);
    points_a_bucket_ *= 2;
  }
  buckets_.push_back(point);
}

nlohmann::ordered_json Series::to_json(size_t points) const {
  std::vector<Bucket> shown = buckets_;
  while (shown.size() > std::max<size_t>(points, 1)) shown = halved(shown);
  nlohmann::ordered_json json = {
      {"step", nlohmann::json::array()}, {"time", nlohmann::json::array()},
      {"min", nlohmann::json::array()},  {"max", nlohmann::json::array()},
      {"mean", nlohmann::json::array()}, {"last", nlohmann::json::array()}};
  for (const Bucket& bucket : shown) {
    json["step"].push_back(bucket.step);
    json["time"].push_back(bucket.time);
    json["min"].push_back(bucket.min);
    json["max"].push_back(bucket.max);
    json["mean"].push_back(bucket.sum / bucket.count);
    json["last"].push_back(bucket.last);
  }
  return json;
}

std::string Series::bytes() const {
  std::string result(sizeof points_a_bucket_ + buckets_.size() * sizeof(Bucket), '\0');
  std::memcpy(result.data(), &points_a_bucket_, sizeof points_a_bucket_);
  if (!buckets_.empty()) {
    std::memcpy(result.data() + sizeof points_a_bucket_, buckets_.data(),
                buckets_.size() * sizeof(Bucket));
  }
  return result;
}

std::optional<Series> Series::from_bytes(std::string_view bytes) {
  Series series;
  if (bytes.size() < sizeof series.points_a_bucket_) return std::nullopt;
  std::memcpy(&series.points_a_bucket_, bytes.data(), sizeof series.points_a_bucket_);
  bytes.remove_prefix(sizeof series.points_a_bucket_);
  const size_t count = bytes.size() / sizeof(Bucket);
  const bool sound =
      bytes.size() % sizeof(Bucket) == 0 && count <= kMaxBuckets && series.points_a_bucket_ >= 1;
  if (!sound) return std::nullopt;
  series.buckets_.resize(count);
  if (count > 0) std::memcpy(series.buckets_.data(), bytes.data(), bytes.size());
  return series;
}

}  // namespace ringtrain::server
