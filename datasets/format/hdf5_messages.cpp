// SPDX-License-Identifier: Apache-2.0
// Section numbers are those of the HDF5 File Format Specification, version 3.0.
#include "datasets/format/hdf5_messages.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxDims = 8;

}  // namespace

// IV.A.2.d
Hdf5Type read_type(std::string_view body, const Hdf5Place& place) {
  using Kind = Hdf5Type::Kind;
  Hdf5Cursor cursor(body, place);
  const uint8_t type_class = cursor.u8() & 0x0f;  // the high half is the version of the encoding
  const uint64_t bits = cursor.number(3);
  const auto size = static_cast<uint32_t>(cursor.number(4));
  if (type_class == 0 && cursor.left() >= 4) {
    const bool whole = cursor.number(4) == uint64_t{size} * 8 << 16;  // offset 0, every bit used
    if (whole && bits == 0x00 && size == 1) return {Kind::u8, size};
    if (whole && bits == 0x00 && size == 4) return {Kind::u32, size};
    if (whole && bits == 0x00 && size == 8) return {Kind::u64, size};
    if (whole && bits == 0x08 && size == 8) return {Kind::i64, size};
  } else if (type_class == 1 && bits == 0x1f20 && size == 4) {
    constexpr std::string_view kIeee32("\x00\x00\x20\x00\x17\x08\x00\x17\x7f\x00\x00\x00", 12);
    if (cursor.take(12) == kIeee32) return {Kind::f32, size};
  } else if (type_class == 3 && size > 0 && size <= 1U << 16) {
    return {Kind::string, size};
  }
  place.refuse(
      "its type is not one of u8, u32, u64, i64, f32 (little-endian) or fixed-length string");
}

// IV.A.2.b
std::vector<uint64_t> read_dims(std::string_view body, const Hdf5Place& place) {
  Hdf5Cursor cursor(body, place);
  if (cursor.u8() != 2)
    place.refuse("not written by ringtrain; use: ringtrain dataset import hdf5");
  const uint8_t rank = cursor.u8();
  cursor.u8();  // whether maximum dimensions follow
  const uint8_t type = cursor.u8();
  if (type > 1 || rank > kMaxDims) place.refuse("its shape is null or has too many dimensions");
  std::vector<uint64_t> dims(rank);
  for (uint64_t& dim : dims) dim = cursor.number(8);
  return dims;
}

uint64_t byte_count(const Hdf5Type& type, const std::vector<uint64_t>& dims,
                    const Hdf5Place& place) {
  uint64_t total = type.size;
  for (const uint64_t dim : dims) {
    if (__builtin_mul_overflow(total, dim, &total)) place.refuse("its shape is impossibly large");
  }
  return total;
}

// IV.A.2.m
NamedAttribute read_attribute(std::string_view body, const Hdf5Place& place) {
  Hdf5Cursor cursor(body, place);
  if (cursor.u8() != 3 || cursor.u8() != 0) place.refuse("has an attribute of a foreign kind");
  const uint64_t name_size = cursor.number(2);
  const uint64_t type_size = cursor.number(2);
  const uint64_t space_size = cursor.number(2);
  cursor.u8();  // character set of the name
  std::string name(cursor.take(name_size));
  name.resize(std::strlen(name.c_str()));
  const Hdf5Place at{place.file, fmt::format("attribute {}", name)};
  Hdf5Attribute attribute;
  attribute.type = read_type(cursor.take(type_size), at);
  attribute.dims = read_dims(cursor.take(space_size), at);
  attribute.bytes = cursor.take(byte_count(attribute.type, attribute.dims, at));
  return {std::move(name), std::move(attribute)};
}

// IV.A.2.g
Hdf5Link read_link(std::string_view body, const Hdf5Place& place) {
  Hdf5Cursor cursor(body, place);
  if (cursor.u8() != 1) place.refuse("has a link of an unknown version");
  const uint8_t flags = cursor.u8();
  const uint8_t type = (flags & 0x08) != 0 ? cursor.u8() : 0;
  if ((flags & 0x04) != 0) cursor.take(8);  // creation order
  if ((flags & 0x10) != 0) cursor.u8();     // character set
  Hdf5Link link;
  link.name = cursor.take(cursor.number(1U << (flags & 3)));
  if (type != 0) {
    place.refuse(fmt::format("{} is {} link; only hard links are allowed", link.name,
                             type == 1    ? "a soft"
                             : type == 64 ? "an external"
                                          : "a user-defined"));
  }
  link.address = cursor.number(8);
  return link;
}

// IV.A.2.c and IV.A.2.v: the address of a heap means that members are stored there ("densely").
void require_compact(std::string_view body, unsigned order_width, const Hdf5Place& place) {
  Hdf5Cursor cursor(body, place);
  cursor.u8();
  const uint8_t flags = cursor.u8();
  if ((flags & 1) != 0) cursor.take(order_width);
  if (cursor.number(8) != kUndefined) {
    place.refuse("has more members than any that ringtrain writes");
  }
}

}  // namespace ringtrain::datasets
