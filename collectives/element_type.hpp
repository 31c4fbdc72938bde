// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringtrain::collectives {

// Types of elements that collectives move. `raw` are bytes that cannot be reduced.
enum class ElementType : uint8_t {
  boolean,
  uint8,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  raw,
};

// Bytes of one element.
size_t size_of(ElementType type);

std::string_view name_of(ElementType type);

}  // namespace ringtrain::collectives
