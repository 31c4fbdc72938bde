// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ringtrain {
namespace {

std::string random_bytes(size_t size) {
  std::mt19937 generator(static_cast<unsigned>(size));
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

TEST(Crc32c, GivesTheKnownValues) {
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283);
  EXPECT_EQ(crc32c(std::string(32, '\0').data(), 32), 0x8a9136aa);
  EXPECT_EQ(crc32c(std::string(32, '\xff').data(), 32), 0x62a8ab43);
  EXPECT_EQ(crc32c("", 0), 0U);
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  for (const size_t size : {1, 7, 8, 9, 6143, 6144, 6145, 50000, 100001}) {
    const std::string bytes = random_bytes(size);
    EXPECT_EQ(crc32c(bytes.data(), size), crc32c_portable(bytes.data(), size)) << size;
  }
}

TEST(Crc32c, GoesOnWhereItStopped) {
  const std::string bytes = random_bytes(30000);
  const uint32_t first = crc32c(bytes.data(), 12345);
  EXPECT_EQ(crc32c(bytes.data() + 12345, bytes.size() - 12345, first),
            crc32c(bytes.data(), bytes.size()));
}

TEST(Crc32c, JoinsPartsWithoutTheirBytes) {
  const std::string bytes = random_bytes(10 * 784);
  const Crc32cShift shift(784);
  uint32_t joined = 0;
  for (size_t i = 0; i < 10; ++i) joined = shift(joined) ^ crc32c(bytes.data() + i * 784, 784);
  EXPECT_EQ(joined, crc32c(bytes.data(), bytes.size()));
}

}  // namespace
}  // namespace ringtrain
