// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace ringtrain::datasets {

// A pseudo-random permutation of [0, size), chosen by `key`: a four-round Feistel network over the
// next power of two, walked until it falls inside (Black and Rogaway 2002, "cycle walking").
class Permutation {
 public:
  Permutation(uint64_t size, uint64_t key);
  uint64_t operator()(uint64_t index) const {
    do {
      index = encrypt(index);
    } while (index >= size_);
    return index;
  }
  uint64_t inverse(uint64_t image) const;
  uint64_t size() const { return size_; }

 private:
  static constexpr unsigned kRounds = 4;
  static constexpr uint64_t kNextKey = 0xda942042e4dd58b5;
  static constexpr uint64_t kOtherHalf = 0x9e3779b97f4a7c15;

  static uint64_t round_function(uint64_t half, uint64_t key) {
    uint64_t h = (half + key) * kOtherHalf;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93;
    return h >> 32;
  }
  uint64_t encrypt(uint64_t value) const {
    uint64_t left = value >> right_bits_;
    uint64_t right = value & right_mask_;
    uint64_t key = key_;
    for (unsigned round = 0; round < kRounds; round += 2, key += kNextKey) {
      left ^= round_function(right, key) & left_mask_;
      right ^= round_function(left, key ^ kOtherHalf) & right_mask_;
    }
    return left << right_bits_ | right;
  }
  uint64_t decrypt(uint64_t value) const;

  uint64_t size_;
  uint64_t key_;
  unsigned right_bits_;
  uint64_t left_mask_;
  uint64_t right_mask_;
};

}  // namespace ringtrain::datasets
