// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace ringtrain {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed

constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (size_t t = 1; t < 8; ++t) {
    for (size_t i = 0; i < 256; ++i) {
      tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    }
  }
  return tables;
}
constexpr auto kTables = make_tables();

uint64_t load64(const unsigned char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

uint32_t update_portable(uint32_t crc, const unsigned char* p, size_t size) {
  while (size >= 8) {
    const uint64_t v = load64(p) ^ crc;
    crc = kTables[7][v & 0xff] ^ kTables[6][v >> 8 & 0xff] ^ kTables[5][v >> 16 & 0xff] ^
          kTables[4][v >> 24 & 0xff] ^ kTables[3][v >> 32 & 0xff] ^ kTables[2][v >> 40 & 0xff] ^
          kTables[1][v >> 48 & 0xff] ^ kTables[0][v >> 56];
    p += 8;
    size -= 8;
  }
  for (; size > 0; --size) crc = (crc >> 8) ^ kTables[0][(crc ^ *p++) & 0xff];
  return crc;
}

// A linear map over GF(2) on 32-bit vectors: column i is the image of bit i.
using Matrix = std::array<uint32_t, 32>;

uint32_t multiply(const Matrix& m, uint32_t v) {
  uint32_t result = 0;
  for (size_t i = 0; v != 0; ++i, v >>= 1) {
    if ((v & 1) != 0) result ^= m[i];
  }
  return result;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (size_t i = 0; i < 32; ++i) result[i] = multiply(a, b[i]);
  return result;
}

#if defined(__x86_64__)
// The instruction has a latency of three cycles and can start every cycle: three streams keep it
// busy.
constexpr size_t kStride = 2048;

__attribute__((target("sse4.2"))) uint32_t update_sse42(uint32_t crc32, const unsigned char* p,
                                                        size_t size) {
  static const Crc32cShift one_stride(kStride);
  static const Crc32cShift two_strides(2 * kStride);
  uint64_t crc = crc32;
  while (size >= 3 * kStride) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < kStride; i += 8) {
      crc = _mm_crc32_u64(crc, load64(p + i));
      second = _mm_crc32_u64(second, load64(p + kStride + i));
      third = _mm_crc32_u64(third, load64(p + 2 * kStride + i));
    }
    crc =
        two_strides(static_cast<uint32_t>(crc)) ^ one_stride(static_cast<uint32_t>(second)) ^ third;
    p += 3 * kStride;
    size -= 3 * kStride;
  }
  for (; size >= 8; size -= 8, p += 8) crc = _mm_crc32_u64(crc, load64(p));
  crc32 = static_cast<uint32_t>(crc);
  for (; size > 0; --size) crc32 = _mm_crc32_u8(crc32, *p++);
  return crc32;
}
#endif

}  // namespace

Crc32cShift::Crc32cShift(uint64_t right_length) {
  // One zero bit moves the register by one place; squaring doubles the number of places.
  Matrix power{};
  power[0] = kPolynomial;
  for (size_t i = 1; i < 32; ++i) power[i] = 1U << (i - 1);
  for (int i = 0; i < 3; ++i) power = product(power, power);  // one bit -> one byte
  Matrix total{};
  for (size_t i = 0; i < 32; ++i) total[i] = 1U << i;
  for (uint64_t n = right_length; n != 0; n >>= 1) {
    if ((n & 1) != 0) total = product(power, total);
    power = product(power, power);
  }
  for (size_t byte = 0; byte < 4; ++byte) {
    for (uint32_t v = 0; v < 256; ++v) table_[byte][v] = multiply(total, v << (8 * byte));
  }
}

uint32_t crc32c_portable(const void* data, size_t size, uint32_t crc) {
  return ~update_portable(~crc, static_cast<const unsigned char*>(data), size);
}

uint32_t crc32c(const void* data, size_t size, uint32_t crc) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~update_sse42(~crc, static_cast<const unsigned char*>(data), size);
#endif
  return crc32c_portable(data, size, crc);
}

}  // namespace ringtrain
