// SPDX-License-Identifier: Apache-2.0
#include "datasets/format/hdf5_object.hpp"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

// Types of messages that belong to the header itself: IV.A.2.a and IV.A.2.q.
constexpr uint8_t kNil = 0x00;
constexpr uint8_t kContinuation = 0x10;

constexpr uint64_t kMaxHeaderBytes = uint64_t{1} << 20;

uint32_t mix_rotate(uint32_t x, uint32_t y, int k) { return x ^ std::rotl(y, k); }

}  // namespace

void Hdf5Place::refuse(std::string_view why) const {
  throw data_error(fmt::format("{}: {}: {}", file.name(), object, why));
}

std::string_view Hdf5Cursor::take(uint64_t size) {
  if (size > bytes_.size()) place_.refuse("damaged: a structure is longer than its header says");
  const std::string_view taken = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return taken;
}

uint64_t Hdf5Cursor::number(unsigned width) {
  const std::string_view raw = take(width);
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
  }
  return value;
}

std::string read_checked(const Hdf5Place& place, uint64_t file_size, uint64_t offset,
                         uint64_t size) {
  if (offset > file_size || size > file_size - offset) {
    place.refuse(fmt::format("points to byte {} of a file of {} bytes: truncated or damaged",
                             offset, file_size));
  }
  if (size > kMaxHeaderBytes) place.refuse("its header is larger than any that ringtrain writes");
  std::string bytes(size, '\0');
  place.file.read_at(bytes.data(), bytes.size(), offset);
  return bytes;
}

std::string_view without_checksum(std::string_view bytes, const Hdf5Place& place) {
  const std::string_view body = bytes.substr(0, bytes.size() - 4);
  Hdf5Cursor checksum(bytes.substr(bytes.size() - 4), place);
  if (checksum.number(4) != lookup3(body))
    place.refuse("damaged: the checksum of its header is wrong");
  return body;
}

std::vector<Hdf5Message> read_object(const Hdf5Place& place, uint64_t file_size, uint64_t offset) {
  std::string prefix = read_checked(place, file_size, offset, 6);
  if (!prefix.starts_with("OHDR\x02")) {
    place.refuse("not written by ringtrain; use: ringtrain dataset import hdf5");
  }
  const auto flags = static_cast<uint8_t>(prefix[5]);
  const unsigned size_width = 1U << (flags & 3);
  const uint64_t head = 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
  prefix = read_checked(place, file_size, offset, head + size_width);
  const uint64_t size = Hdf5Cursor(std::string_view(prefix).substr(head), place).number(size_width);
  if (size > kMaxHeaderBytes) place.refuse("its header is larger than any that ringtrain writes");
  std::string chunk = read_checked(place, file_size, offset, head + size_width + size + 4);
  std::string_view messages = without_checksum(chunk, place).substr(head + size_width);

  std::vector<Hdf5Message> result;
  std::vector<std::pair<uint64_t, uint64_t>> continuations;
  uint64_t total = size;
  const size_t message_head = (flags & 0x04) != 0 ? 6 : 4;
  for (size_t next = 0;; ++next) {
    Hdf5Cursor cursor(messages, place);
    while (cursor.left() >= message_head) {  // fewer bytes are a gap
      Hdf5Message message;
      message.type = cursor.u8();
      const uint64_t length = cursor.number(2);
      const uint8_t message_flags = cursor.u8();
      cursor.take(message_head - 4);
      message.body = cursor.take(length);
      if ((message_flags & 0x02) != 0) place.refuse("has a shared header message");
      if (message.type == kContinuation) {
        Hdf5Cursor body(message.body, place);
        const uint64_t where = body.number(8);
        continuations.emplace_back(where, body.number(8));
      } else if (message.type != kNil) {
        result.push_back(std::move(message));
      }
    }
    if (next == continuations.size()) return result;
    const auto [where, length] = continuations[next];
    total += length;
    if (length < 8 || length > kMaxHeaderBytes || total > kMaxHeaderBytes) {
      place.refuse("its header is larger than any that ringtrain writes");
    }
    chunk = read_checked(place, file_size, where, length);
    messages = without_checksum(chunk, place);
    if (!messages.starts_with("OCHK")) place.refuse("damaged: a part of its header is missing");
    messages.remove_prefix(4);
  }
}

uint32_t lookup3(std::string_view bytes) {
  // Bob Jenkins, lookup3.c, hashlittle() with initval 0 (public domain).
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && at + i < bytes.size(); ++i) {
      value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    }
    return value;
  };
  uint32_t a = 0xdeadbeef + static_cast<uint32_t>(bytes.size());
  uint32_t b = a;
  uint32_t c = a;
  size_t at = 0;
  for (; bytes.size() - at > 12; at += 12) {
    a += word(at);
    b += word(at + 4);
    c += word(at + 8);
    a = mix_rotate(a - c, c, 4), c += b;
    b = mix_rotate(b - a, a, 6), a += c;
    c = mix_rotate(c - b, b, 8), b += a;
    a = mix_rotate(a - c, c, 16), c += b;
    b = mix_rotate(b - a, a, 19), a += c;
    c = mix_rotate(c - b, b, 4), b += a;
  }
  if (at == bytes.size()) return c;
  a += word(at);
  b += word(at + 4);
  c += word(at + 8);
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  c = (c ^ b) - std::rotl(b, 24);
  return c;
}

}  // namespace ringtrain::datasets
