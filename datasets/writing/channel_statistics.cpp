// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/channel_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "kernels/host_variants.hpp"

namespace ringtrain::datasets {
namespace {

__extension__ using Wide = unsigned __int128;

RINGTRAIN_HOST_VARIANTS
void add_bytes(const uint8_t* values, size_t count, uint64_t& sum, uint64_t& squares) {
  // A 32-bit sum holds 2^16 squares of bytes.
  constexpr size_t kStep = 65536;
  for (size_t begin = 0; begin < count; begin += kStep) {
    uint32_t step_sum = 0;
    uint32_t step_squares = 0;
    const size_t end = std::min(count, begin + kStep);
    for (size_t i = begin; i < end; ++i) {
      const uint32_t value = values[i];
      step_sum += value;
      step_squares += value * value;
    }
    sum += step_sum;
    squares += step_squares;
  }
}

}  // namespace

ChannelStatistics::ChannelStatistics(ElementType element, const Shape& shape)
    : element_(element),
      pixels_(static_cast<size_t>(shape.height * shape.width)),
      channels_(static_cast<size_t>(shape.channels)) {}

void ChannelStatistics::add(const std::byte* x) {
  if (element_ == ElementType::i64) return;
  if (element_ == ElementType::f32) {
    add_floats(x);
    return;
  }
  if (pixels_ == 1) {  // a row of a table: one lock for all its channels
    const std::lock_guard lock(mutex_);
    for (size_t c = 0; c < channels_.size(); ++c) {
      const auto value = std::to_integer<uint64_t>(x[c]);
      channels_[c].sum += value;
      channels_[c].squares += value * value;
    }
    return;
  }
  for (size_t c = 0; c < channels_.size(); ++c) {
    uint64_t sum = 0;
    uint64_t squares = 0;
    add_bytes(reinterpret_cast<const uint8_t*>(x) + c * pixels_, pixels_, sum, squares);
    const std::lock_guard lock(mutex_);
    channels_[c].sum += sum;
    channels_[c].squares += squares;
  }
}

void ChannelStatistics::add_floats(const std::byte* x) {
  const std::lock_guard lock(mutex_);
  for (size_t c = 0; c < channels_.size(); ++c) {
    const std::byte* p = x + c * pixels_ * sizeof(float);
    float value;
    if (!shifted_) {
      std::memcpy(&value, p, sizeof value);
      channels_[c].shift = std::isfinite(value) ? value : 0;
    }
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < pixels_; ++i) {
      std::memcpy(&value, p + i * sizeof value, sizeof value);
      const double d = value - channels_[c].shift;
      sum += d;
      squares += d * d;
    }
    channels_[c].float_sum += sum;
    channels_[c].float_squares += squares;
  }
  shifted_ = true;
}

void ChannelStatistics::finish(uint64_t rows, DatasetIndex& index) const {
  if (element_ == ElementType::i64) {
    index.mean.assign(channels_.size(), 0);
    index.std.assign(channels_.size(), 1);
    return;
  }
  const double n = static_cast<double>(rows) * static_cast<double>(pixels_);
  for (const Sums& c : channels_) {
    double mean = 0;
    double variance = 0;
    if (element_ == ElementType::u8) {
      mean = static_cast<double>(c.sum) / n / 255;
      // n * squares - sum^2 in integers: exact, where a difference of rounded means is not.
      const Wide scaled =
          static_cast<Wide>(rows) * pixels_ * c.squares - static_cast<Wide>(c.sum) * c.sum;
      variance = static_cast<double>(scaled) / n / n / 255 / 255;
    } else {
      const double d = c.float_sum / n;
      mean = c.shift + d;
      variance = std::max(0.0, c.float_squares / n - d * d);
    }
    auto std = static_cast<float>(std::sqrt(variance));
    if (!std::isfinite(mean) || !std::isfinite(std)) {
      throw data_error(
          fmt::format("{}: the training rows hold values that are not finite", index.source));
    }
    if (std == 0) std = 1;  // a constant channel becomes zeros, not a division by zero
    index.mean.push_back(static_cast<float>(mean));
    index.std.push_back(std);
  }
}

}  // namespace ringtrain::datasets
