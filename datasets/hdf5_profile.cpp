// SPDX-License-Identifier: Apache-2.0
// Section numbers are those of the HDF5 File Format Specification, version 3.0.
#include "datasets/hdf5_profile.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <utility>

#include "datasets/error.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kUndefined = ~uint64_t{0};
constexpr uint64_t kMaxHeaderBytes = uint64_t{1} << 20;
constexpr size_t kMaxObjects = 64;
constexpr size_t kMaxDims = 8;

// Where in which file, for messages.
struct Place {
  const File& file;
  std::string object;
  [[noreturn]] void refuse(std::string_view what) const {
    throw DataError(fmt::format("{}: {}: {}", file.path().string(), object, what));
  }
};

// Reads little-endian numbers from a bounded buffer.
class Cursor {
 public:
  Cursor(std::string_view bytes, const Place& place) : bytes_(bytes), place_(place) {}
  size_t left() const { return bytes_.size(); }
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) place_.refuse("damaged: a structure is longer than its header says");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  uint64_t number(unsigned width) {
    const std::string_view raw = take(width);
    uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
    }
    return value;
  }
  uint8_t u8() { return static_cast<uint8_t>(number(1)); }

 private:
  std::string_view bytes_;
  const Place& place_;
};

std::string read_checked(const Place& place, uint64_t file_size, uint64_t offset, uint64_t size) {
  if (offset > file_size || size > file_size - offset) {
    place.refuse(fmt::format("points to byte {} of a file of {} bytes: truncated or damaged",
                             offset, file_size));
  }
  if (size > kMaxHeaderBytes) place.refuse("its header is larger than any that ringtrain writes");
  std::string bytes(size, '\0');
  place.file.read_at(bytes.data(), bytes.size(), offset);
  return bytes;
}

// The last four bytes are the checksum of those before.
std::string_view without_checksum(std::string_view bytes, const Place& place) {
  const std::string_view body = bytes.substr(0, bytes.size() - 4);
  Cursor checksum(bytes.substr(bytes.size() - 4), place);
  if (checksum.number(4) != lookup3(body))
    place.refuse("damaged: the checksum of its header is wrong");
  return body;
}

struct Message {
  uint8_t type = 0;
  std::string body;
};

enum MessageType : uint8_t {
  kNil = 0x00,
  kDataspace = 0x01,
  kLinkInfo = 0x02,
  kDatatype = 0x03,
  kOldFillValue = 0x04,
  kFillValue = 0x05,
  kLink = 0x06,
  kExternalFiles = 0x07,
  kLayout = 0x08,
  kGroupInfo = 0x0a,
  kFilters = 0x0b,
  kAttribute = 0x0c,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kModificationTime = 0x12,
  kAttributeInfo = 0x15,
};

// IV.A.1.b: a version 2 object header with its continuations.
std::vector<Message> read_object(const Place& place, uint64_t file_size, uint64_t offset) {
  std::string prefix = read_checked(place, file_size, offset, 6);
  if (!prefix.starts_with("OHDR\x02")) {
    place.refuse("not written by ringtrain; use: ringtrain dataset import hdf5");
  }
  const auto flags = static_cast<uint8_t>(prefix[5]);
  const unsigned size_width = 1U << (flags & 3);
  const uint64_t head = 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
  prefix = read_checked(place, file_size, offset, head + size_width);
  const uint64_t size = Cursor(std::string_view(prefix).substr(head), place).number(size_width);
  if (size > kMaxHeaderBytes) place.refuse("its header is larger than any that ringtrain writes");
  std::string chunk = read_checked(place, file_size, offset, head + size_width + size + 4);
  std::string_view messages = without_checksum(chunk, place).substr(head + size_width);

  std::vector<Message> result;
  std::vector<std::pair<uint64_t, uint64_t>> continuations;
  uint64_t total = size;
  const size_t message_head = (flags & 0x04) != 0 ? 6 : 4;
  for (size_t next = 0;; ++next) {
    Cursor cursor(messages, place);
    while (cursor.left() >= message_head) {  // what is left over is a gap
      Message message;
      message.type = cursor.u8();
      const uint64_t length = cursor.number(2);
      const uint8_t message_flags = cursor.u8();
      cursor.take(message_head - 4);
      message.body = cursor.take(length);
      if ((message_flags & 0x02) != 0) place.refuse("has a shared header message");
      if (message.type == kContinuation) {
        Cursor body(message.body, place);
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

// IV.A.2.d
Hdf5Type read_type(std::string_view body, const Place& place) {
  using Kind = Hdf5Type::Kind;
  Cursor cursor(body, place);
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
std::vector<uint64_t> read_dims(std::string_view body, const Place& place) {
  Cursor cursor(body, place);
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

uint64_t byte_count(const Hdf5Type& type, const std::vector<uint64_t>& dims, const Place& place) {
  uint64_t total = type.size;
  for (const uint64_t dim : dims) {
    if (__builtin_mul_overflow(total, dim, &total)) place.refuse("its shape is impossibly large");
  }
  return total;
}

// IV.A.2.m
void read_attribute(std::string_view body, const Place& place, Hdf5Contents& contents) {
  Cursor cursor(body, place);
  if (cursor.u8() != 3 || cursor.u8() != 0) place.refuse("has an attribute of a foreign kind");
  const uint64_t name_size = cursor.number(2);
  const uint64_t type_size = cursor.number(2);
  const uint64_t space_size = cursor.number(2);
  cursor.u8();  // character set of the name
  std::string name(cursor.take(name_size));
  name.resize(std::strlen(name.c_str()));
  const Place at{place.file, fmt::format("attribute {}", name)};
  Hdf5Attribute attribute;
  attribute.type = read_type(cursor.take(type_size), at);
  attribute.dims = read_dims(cursor.take(space_size), at);
  attribute.bytes = cursor.take(byte_count(attribute.type, attribute.dims, at));
  contents.attributes.insert_or_assign(std::move(name), std::move(attribute));
}

struct Link {
  std::string name;
  uint64_t address = 0;
};

// IV.A.2.g
Link read_link(std::string_view body, const Place& place) {
  Cursor cursor(body, place);
  if (cursor.u8() != 1) place.refuse("has a link of an unknown version");
  const uint8_t flags = cursor.u8();
  const uint8_t type = (flags & 0x08) != 0 ? cursor.u8() : 0;
  if ((flags & 0x04) != 0) cursor.take(8);  // creation order
  if ((flags & 0x10) != 0) cursor.u8();     // character set
  Link link;
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

class Walk {
 public:
  Walk(const File& file, uint64_t file_size, Hdf5Contents& contents)
      : file_(file), file_size_(file_size), contents_(contents) {}

  void visit(const std::string& path, uint64_t address, int depth) {
    const Place place{file_, path.empty() ? "root group" : path};
    if (++objects_ > kMaxObjects) place.refuse("has more members than any that ringtrain writes");
    const std::vector<Message> messages = read_object(place, file_size_, address);
    bool is_dataset = false;
    for (const Message& m : messages) is_dataset |= m.type == kLayout || m.type == kDataspace;
    if (is_dataset) {
      add_dataset(place, path, messages);
    } else {
      add_group(place, path, messages, depth);
    }
  }

 private:
  void add_group(const Place& place, const std::string& path, const std::vector<Message>& messages,
                 int depth) {
    std::vector<Link> links;
    for (const Message& m : messages) {
      switch (m.type) {
        case kLink:
          links.push_back(read_link(m.body, place));
          break;
        case kLinkInfo:
          require_compact(m.body, 8, place);
          break;
        case kAttributeInfo:
          require_compact(m.body, 2, place);
          break;
        case kAttribute:
          if (path.empty()) read_attribute(m.body, place, contents_);
          break;
        case kGroupInfo:
        case kModificationTime:
          break;
        case kSymbolTable:
          place.refuse("not written by ringtrain; use: ringtrain dataset import hdf5");
        default:
          place.refuse(fmt::format("has an unexpected header message {:#x}", m.type));
      }
    }
    if (depth == 2 && !links.empty())
      place.refuse("has groups deeper than any that ringtrain writes");
    for (const Link& link : links) visit(path + "/" + link.name, link.address, depth + 1);
  }

  // IV.A.2.c and IV.A.2.v: with an address of a heap, members are stored elsewhere ("densely").
  static void require_compact(std::string_view body, unsigned order_width, const Place& place) {
    Cursor cursor(body, place);
    cursor.u8();
    const uint8_t flags = cursor.u8();
    if ((flags & 1) != 0) cursor.take(order_width);
    if (cursor.number(8) != kUndefined) {
      place.refuse("has more members than any that ringtrain writes");
    }
  }

  void add_dataset(const Place& place, const std::string& path,
                   const std::vector<Message>& messages) {
    Hdf5Dataset dataset;
    bool has_type = false;
    bool has_space = false;
    const Message* layout = nullptr;
    for (const Message& m : messages) {
      switch (m.type) {
        case kDatatype:
          dataset.type = read_type(m.body, place);
          has_type = true;
          break;
        case kDataspace:
          dataset.dims = read_dims(m.body, place);
          has_space = true;
          break;
        case kLayout:
          layout = &m;
          break;
        case kExternalFiles:
          place.refuse("its data lies in an external file, which is refused");
        case kFilters:
          place.refuse("is compressed; use: ringtrain dataset import hdf5");
        case kAttribute:
        case kAttributeInfo:
        case kOldFillValue:
        case kFillValue:
        case kModificationTime:
          break;
        default:
          place.refuse(fmt::format("has an unexpected header message {:#x}", m.type));
      }
    }
    if (!has_type || !has_space || layout == nullptr)
      place.refuse("damaged: type or shape is missing");
    dataset.bytes = byte_count(dataset.type, dataset.dims, place);
    read_layout(layout->body, place, dataset);
    contents_.datasets.insert_or_assign(path, std::move(dataset));
  }

  // IV.A.2.i
  void read_layout(std::string_view body, const Place& place, Hdf5Dataset& dataset) const {
    Cursor cursor(body, place);
    const uint8_t version = cursor.u8();
    if (version != 3 && version != 4) {
      place.refuse("not written by ringtrain; use: ringtrain dataset import hdf5");
    }
    const uint8_t layout_class = cursor.u8();
    if (layout_class != 1) {
      place.refuse(fmt::format("is stored {}, not contiguously; use: ringtrain dataset import hdf5",
                               layout_class == 0   ? "compactly"
                               : layout_class == 2 ? "in chunks"
                                                   : "virtually"));
    }
    dataset.offset = cursor.number(8);
    const uint64_t size = cursor.number(8);
    if (dataset.bytes == 0) {
      dataset.offset = 0;
      return;
    }
    if (dataset.offset == kUndefined) place.refuse("no data was ever written to it");
    if (size != dataset.bytes) {
      place.refuse(fmt::format("holds {} bytes where its shape needs {}", size, dataset.bytes));
    }
    if (dataset.offset > file_size_ || size > file_size_ - dataset.offset) {
      place.refuse(fmt::format("needs bytes up to {} of a file of {} bytes: truncated or damaged",
                               dataset.offset + size, file_size_));
    }
  }

  const File& file_;
  uint64_t file_size_;
  Hdf5Contents& contents_;
  size_t objects_ = 0;
};

uint32_t mix_rotate(uint32_t x, uint32_t y, int k) { return x ^ std::rotl(y, k); }

}  // namespace

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

Hdf5Contents read_hdf5_profile(const File& file) {
  const Place place{file, "superblock"};
  const uint64_t file_size = file.size();
  constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
  constexpr uint64_t kSuperblockSize = 48;
  std::string head(std::min<uint64_t>(file_size, 9), '\0');
  file.read_at(head.data(), head.size(), 0);
  if (!head.starts_with(kSignature)) {
    throw DataError(fmt::format("{}: not an HDF5 file; make one with: ringtrain dataset import",
                                file.path().string()));
  }
  if (head.size() < 9 || (head[8] != 3 && head[8] != 2)) {
    throw DataError(fmt::format(
        "{}: an HDF5 file, but not written by ringtrain; use: ringtrain dataset import hdf5",
        file.path().string()));
  }
  // II.A, version 3
  const std::string superblock = read_checked(place, file_size, 0, kSuperblockSize);
  Cursor cursor(without_checksum(superblock, place), place);
  cursor.take(9);
  if (cursor.u8() != 8 || cursor.u8() != 8) place.refuse("offsets are not 8 bytes wide");
  if (cursor.u8() != 0) place.refuse("the file was not closed by its writer");
  if (cursor.number(8) != 0) place.refuse("the file has a user block");
  if (cursor.number(8) != kUndefined)
    place.refuse("the file has extensions that ringtrain never writes");
  const uint64_t end = cursor.number(8);
  if (end > file_size) {
    throw DataError(fmt::format("{}: truncated: holds {} of its {} bytes", file.path().string(),
                                file_size, end));
  }
  const uint64_t root = cursor.number(8);
  Hdf5Contents contents;
  Walk(file, file_size, contents).visit("", root, 0);
  return contents;
}

}  // namespace ringtrain::datasets
