// SPDX-License-Identifier: Apache-2.0
#include "runtime/averaging/slab_layout.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/round_up.hpp"

namespace ringtrain {
namespace {

constexpr size_t kSmallest = 16UL * 1024;  // floats; a smaller bucket costs more than it hides
constexpr size_t kLastBucketFraction = 8;

}  // namespace

SlabLayout::SlabLayout(std::span<const size_t> sizes, std::span<const size_t> arrival,
                       bool channels_last)
    : parameters_(sizes.size()),
      order_(arrival.begin(), arrival.end()),
      channels_last_(channels_last) {
  std::vector<bool> placed(sizes.size());
  for (const size_t index : arrival) {
    if (index >= sizes.size() || placed[index]) {
      throw std::logic_error("the arrival order must name every parameter once");
    }
    placed[index] = true;
    parameters_[index] = {elements_, elements_ + sizes[index]};
    elements_ += round_up(sizes[index], kCacheLineFloats);
  }
  if (arrival.size() != sizes.size()) {
    throw std::logic_error("the arrival order must name every parameter once");
  }
}

std::vector<Range> cut_into_buckets(size_t elements, size_t bucket) {
  std::vector<Range> buckets;
  bucket = round_up(std::max(bucket, kSmallest), kCacheLineFloats);
  const size_t last = std::min(
      elements, round_up(std::max(bucket / kLastBucketFraction, kSmallest), kCacheLineFloats));
  for (size_t begin = 0; begin < elements;) {
    const size_t left = elements - begin;
    const size_t size = left <= last ? left : std::min(bucket, left - last);
    buckets.push_back({begin, begin + size});
    begin += size;
  }
  return buckets;
}

}  // namespace ringtrain
