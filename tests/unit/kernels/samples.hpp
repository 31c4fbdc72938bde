// SPDX-License-Identifier: Apache-2.0
// Inputs for tests of kernels: odd sizes, values at random, memory at any alignment.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace ringtrain::kernels {

// Empty, single, around one group and one vector, not a multiple of anything, several blocks and
// one.
inline constexpr size_t kOddSizes[] = {0, 1, 3, 15, 16, 17, 1000, 4096, 4097, 65537};

// Offsets in elements from an aligned start: at 4 bytes, at 12 bytes, at 28 bytes.
inline constexpr size_t kOffsets[] = {0, 1, 3, 7};

inline std::vector<float> random_floats(size_t n, uint32_t seed, float deviation = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(n);
  for (float& value : values) value = normal(engine);
  return values;
}

// A copy that starts `offset` elements into its memory.
template <class Element>
class Shifted {
 public:
  Shifted(const std::vector<Element>& values, size_t offset) : memory_(offset), offset_(offset) {
    memory_.insert(memory_.end(), values.begin(), values.end());
  }
  Element* data() { return memory_.data() + offset_; }
  const std::vector<Element>& memory() const { return memory_; }
  std::vector<Element> values() const { return {memory_.begin() + offset_, memory_.end()}; }

 private:
  std::vector<Element> memory_;
  ptrdiff_t offset_;
};

}  // namespace ringtrain::kernels
