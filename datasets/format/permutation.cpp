// SPDX-License-Identifier: Apache-2.0
#include "datasets/format/permutation.hpp"

#include <algorithm>
#include <bit>

namespace ringtrain::datasets {

Permutation::Permutation(uint64_t size, uint64_t key) : size_(size), key_(key) {
  const auto bits = std::max(2U, static_cast<unsigned>(std::bit_width(size > 0 ? size - 1 : 0)));
  const unsigned left_bits = bits / 2;
  right_bits_ = bits - left_bits;
  left_mask_ = (uint64_t{1} << left_bits) - 1;
  right_mask_ = (uint64_t{1} << right_bits_) - 1;
}

uint64_t Permutation::decrypt(uint64_t value) const {
  uint64_t left = value >> right_bits_;
  uint64_t right = value & right_mask_;
  uint64_t key = key_ + kNextKey * (kRounds / 2);
  for (unsigned round = 0; round < kRounds; round += 2) {
    key -= kNextKey;
    right ^= round_function(left, key ^ kOtherHalf) & right_mask_;
    left ^= round_function(right, key) & left_mask_;
  }
  return left << right_bits_ | right;
}

uint64_t Permutation::inverse(uint64_t image) const {
  do {
    image = decrypt(image);
  } while (image >= size_);
  return image;
}

}  // namespace ringtrain::datasets
