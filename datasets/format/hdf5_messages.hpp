// SPDX-License-Identifier: Apache-2.0
// The middle layer of hdf5_profile.hpp: what header messages say, everything outside the profile
// refused with a data error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/format/hdf5_object.hpp"
#include "datasets/format/hdf5_profile.hpp"

namespace ringtrain::datasets {

Hdf5Type read_type(std::string_view body, const Hdf5Place& place);
std::vector<uint64_t> read_dims(std::string_view body, const Hdf5Place& place);
// Bytes of an array; refuses what overflows.
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
// Hard links only.
Hdf5Link read_link(std::string_view body, const Hdf5Place& place);

// That a group keeps its links, or an object its attributes, in its header and not in a heap
// elsewhere. `order_width`: bytes of a creation order in this message.
void require_compact(std::string_view body, unsigned order_width, const Hdf5Place& place);

}  // namespace ringtrain::datasets
