// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/npy_header.hpp"

#include <fmt/format.h>

namespace ringtrain::datasets {

// NEP 1: magic, version 1.0, length, a Python literal padded so that the numbers begin at a
// multiple of 64.
std::string npy_header(std::string_view type, const std::string& shape) {
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  constexpr size_t kFixed = 10;
  text.append(63 - (kFixed + text.size()) % 64, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

std::string_view npy_type(ElementType element) {
  if (element == ElementType::i64) return "<i8";
  return element == ElementType::u8 ? "|u1" : "<f4";
}

}  // namespace ringtrain::datasets
