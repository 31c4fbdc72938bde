// SPDX-License-Identifier: Apache-2.0
// CRC32C (Castagnoli, RFC 3720): guards every block of rows. The CPU's instruction where it has
// one, three streams at a time, else a table; both give the same value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringtrain {

// Returns the CRC32C of `size` bytes; pass an earlier result as `crc` to continue it.
uint32_t crc32c(const void* data, size_t size, uint32_t crc = 0);
// The same without the CPU's instruction, for machines that lack it and for tests.
uint32_t crc32c_portable(const void* data, size_t size, uint32_t crc = 0);

// Joins CRCs without the bytes: for a right part of always the same length,
// crc32c(left + right) == shift(crc32c(left)) ^ crc32c(right).
// Lets rows be written in any order and a block's CRC be known without reading it again.
class Crc32cShift {
 public:
  explicit Crc32cShift(uint64_t right_length);
  uint32_t operator()(uint32_t left) const {
    return table_[0][left & 0xff] ^ table_[1][left >> 8 & 0xff] ^ table_[2][left >> 16 & 0xff] ^
           table_[3][left >> 24];
  }

 private:
  std::array<std::array<uint32_t, 256>, 4> table_;
};

}  // namespace ringtrain
