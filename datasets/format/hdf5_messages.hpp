// SPDX-License-Identifier: Apache-2.0
// The middle layer of hdf5_profile.hpp: contents of header messages. Everything outside the profile
// is refused with a data error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/format/hdf5_object.hpp"
#include "datasets/format/hdf5_types.hpp"

namespace ringtrain::datasets {

// The address or size that stands for "none".
inline constexpr uint64_t kUndefined = ~uint64_t{0};

Hdf5Type read_type(std::string_view body, const Hdf5Place& place);
std::vector<uint64_t> read_dims(std::string_view body, const Hdf5Place& place);
// Returns the bytes of an array; refuses what overflows.
uint64_t byte_count(const Hdf5Type& type, const std::vector<uint64_t>& dims,
                    const Hdf5Place& place);

struct NamedAttribute {
  std::string name;
  Hdf5Attribute attribute;
};
NamedAttribute read_attribute(std::string_view body, const Hdf5Place& place);

struct Hdf5Link {
  std::string name;
  uint64_t address = 0;
};
// Refuses all but hard links.
Hdf5Link read_link(std::string_view body, const Hdf5Place& place);

// Refuses a group that keeps its links, or an object that keeps its attributes, in a heap and not
// in its header. `order_width`: bytes of a creation order in this message.
void require_compact(std::string_view body, unsigned order_width, const Hdf5Place& place);

}  // namespace ringtrain::datasets
