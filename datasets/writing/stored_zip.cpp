// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/stored_zip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <limits>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kAlignment = 64;

// Little-endian fields of a zip's records: APPNOTE 6.3.10, 4.3.
class Record {
 public:
  Record& u16(uint64_t value) { return number(value, 2); }
  Record& u32(uint64_t value) { return number(value, 4); }
  Record& text(std::string_view value) {
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& number(uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
    return *this;
  }
  std::string bytes_;
};

// The fields that both headers of a file have: flags (names are UTF-8), method (stored), time, date
// (1 January 1980), checksum, sizes, lengths.
void add_common(Record& record, uint32_t crc, uint64_t size, size_t name, size_t extra) {
  record.u16(0x0800).u16(0).u16(0).u16(0x21).u32(crc).u32(size).u32(size).u16(name).u16(extra);
}

}  // namespace

void StoredZip::write(std::string_view bytes) {
  pending_.file().write_at(bytes.data(), bytes.size(), at_);
  at_ += bytes.size();
}

void StoredZip::add(const std::string& name, std::string_view bytes) {
  constexpr size_t kHeader = 30;
  constexpr size_t kExtraHeader = 4;
  if (at_ + bytes.size() > std::numeric_limits<uint32_t>::max() - (uint64_t{1} << 20)) {
    throw data_error(fmt::format("{}: a model of more than 4 GiB, which this format does not hold",
                                 pending_.destination().string()));
  }
  const uint64_t begin = at_ + kHeader + name.size() + kExtraHeader;
  const uint64_t padding = (kAlignment - begin % kAlignment) % kAlignment;
  Entry entry{name, 0, static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(at_)};
  entry.crc32 = static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  Record header;
  header.u32(0x04034b50).u16(20);
  add_common(header, entry.crc32, entry.size, name.size(), kExtraHeader + padding);
  header.text(name).u16(0x4246).u16(padding).text(std::string(padding, 'Z'));  // "FB", as PyTorch's
  write(header.bytes());
  write(bytes);
  entries_.push_back(entry);
}

void StoredZip::commit() {
  const uint64_t directory = at_;
  for (const Entry& entry : entries_) {
    Record record;
    record.u32(0x02014b50).u16(20).u16(20);
    add_common(record, entry.crc32, entry.size, entry.name.size(), 0);
    record.u16(0).u16(0).u16(0).u32(0).u32(entry.at).text(entry.name);
    write(record.bytes());
  }
  Record end;
  end.u32(0x06054b50).u16(0).u16(0).u16(entries_.size()).u16(entries_.size());
  end.u32(at_ - directory).u32(directory).u16(0);
  write(end.bytes());
  pending_.file().sync();
  pending_.commit();
}

}  // namespace ringtrain::datasets
