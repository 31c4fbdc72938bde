// SPDX-License-Identifier: Apache-2.0
// Section numbers are those of the HDF5 File Format Specification, version 3.0.
#include "datasets/format/hdf5_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "datasets/format/hdf5_messages.hpp"
#include "datasets/format/hdf5_object.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxObjects = 64;

enum MessageType : uint8_t {
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
  kSymbolTable = 0x11,
  kModificationTime = 0x12,
  kAttributeInfo = 0x15,
};

class Walk {
 public:
  Walk(const storage::Source& file, uint64_t file_size, Hdf5Contents& contents)
      : file_(file), file_size_(file_size), contents_(contents) {}

  void visit(const std::string& path, uint64_t address, int depth) {
    const Hdf5Place place{file_, path.empty() ? "root group" : path};
    if (++objects_ > kMaxObjects) place.refuse("has more members than any that ringtrain writes");
    const std::vector<Hdf5Message> messages = read_object(place, file_size_, address);
    bool is_dataset = false;
    for (const Hdf5Message& m : messages) is_dataset |= m.type == kLayout || m.type == kDataspace;
    if (is_dataset) {
      add_dataset(place, path, messages);
    } else {
      add_group(place, path, messages, depth);
    }
  }

 private:
  void add_group(const Hdf5Place& place, const std::string& path,
                 const std::vector<Hdf5Message>& messages, int depth) {
    std::vector<Hdf5Link> links;
    for (const Hdf5Message& m : messages) {
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
          if (path.empty()) {
            NamedAttribute read = read_attribute(m.body, place);
            contents_.attributes.insert_or_assign(std::move(read.name), std::move(read.attribute));
          }
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
    for (const Hdf5Link& link : links) visit(path + "/" + link.name, link.address, depth + 1);
  }

  void add_dataset(const Hdf5Place& place, const std::string& path,
                   const std::vector<Hdf5Message>& messages) {
    Hdf5Dataset dataset;
    bool has_type = false;
    bool has_space = false;
    const Hdf5Message* layout = nullptr;
    for (const Hdf5Message& m : messages) {
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
  void read_layout(std::string_view body, const Hdf5Place& place, Hdf5Dataset& dataset) const {
    Hdf5Cursor cursor(body, place);
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

  const storage::Source& file_;
  uint64_t file_size_;
  Hdf5Contents& contents_;
  size_t objects_ = 0;
};

}  // namespace

Hdf5Contents read_hdf5_profile(const storage::Source& file) {
  const Hdf5Place place{file, "superblock"};
  const uint64_t file_size = file.size();
  constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
  constexpr uint64_t kSuperblockSize = 48;
  std::string head(std::min<uint64_t>(file_size, 9), '\0');
  file.read_at(head.data(), head.size(), 0);
  if (!head.starts_with(kSignature)) {
    throw data_error(
        fmt::format("{}: not an HDF5 file; make one with: ringtrain dataset import", file.name()));
  }
  if (head.size() < 9 || (head[8] != 3 && head[8] != 2)) {
    throw data_error(fmt::format(
        "{}: an HDF5 file, but not written by ringtrain; use: ringtrain dataset import hdf5",
        file.name()));
  }
  // II.A, version 3
  const std::string superblock = read_checked(place, file_size, 0, kSuperblockSize);
  Hdf5Cursor cursor(without_checksum(superblock, place), place);
  cursor.take(9);
  if (cursor.u8() != 8 || cursor.u8() != 8) place.refuse("offsets are not 8 bytes wide");
  if (cursor.u8() != 0) place.refuse("the file was not closed by its writer");
  if (cursor.number(8) != 0) place.refuse("the file has a user block");
  if (cursor.number(8) != kUndefined)
    place.refuse("the file has extensions that ringtrain never writes");
  const uint64_t end = cursor.number(8);
  if (end > file_size) {
    throw data_error(
        fmt::format("{}: truncated: holds {} of its {} bytes", file.name(), file_size, end));
  }
  const uint64_t root = cursor.number(8);
  Hdf5Contents contents;
  Walk(file, file_size, contents).visit("", root, 0);
  return contents;
}

}  // namespace ringtrain::datasets
