// SPDX-License-Identifier: Apache-2.0
#include "model_files/state_dict.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <set>
#include <stdexcept>
#include <string_view>

#include "base/error.hpp"
#include "base/round_up.hpp"

namespace ringtrain::model_files {
namespace {

static_assert(std::endian::native == std::endian::little,
              "zip and pickle hold little-endian numbers");

constexpr uint64_t kWriteBackBytes = uint64_t{4} << 20;
constexpr uint64_t kAlignment = 64;  // of the tensors' bytes, as torch.save has it
constexpr const char* kFolder = "model/";

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::logic_error(std::string("state_dict: ") + otherwise);
}

template <class Number>
void put(std::string& to, Number number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

uint64_t bytes_of(const TensorInfo& info) {
  uint64_t bytes = size_of(info.dtype);
  for (const int64_t extent : info.shape) bytes *= static_cast<uint64_t>(extent);
  return bytes;
}

const char* storage_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "DoubleStorage";
    case Dtype::f32:
      return "FloatStorage";
    case Dtype::f16:
      return "HalfStorage";
    case Dtype::bf16:
      return "BFloat16Storage";
    case Dtype::i64:
      return "LongStorage";
    case Dtype::i32:
      return "IntStorage";
    case Dtype::i16:
      return "ShortStorage";
    case Dtype::i8:
      return "CharStorage";
    case Dtype::u8:
      return "ByteStorage";
    case Dtype::boolean:
      return "BoolStorage";
  }
  throw std::logic_error("state_dict: a type without a storage");
}

// The opcodes of Python's pickletools that a state_dict needs.
class Pickle {
 public:
  Pickle() : text_("\x80\x02") {}  // PROTO 2

  void mark() { text_ += '('; }
  void tuple() { text_ += 't'; }   // of all since the mark
  void reduce() { text_ += 'R'; }  // calls the function below the tuple
  void empty_tuple() { text_ += ')'; }
  void set_items() { text_ += 'u'; }
  void persistent() { text_ += 'Q'; }  // replaces a tuple by what the loader finds by it
  void no() { text_ += '\x89'; }
  void global(const char* module, const char* name) {
    text_ += fmt::format("c{}\n{}\n", module, name);
  }
  void text(std::string_view utf8) {
    text_ += 'X';
    put(text_, static_cast<uint32_t>(utf8.size()));
    text_ += utf8;
  }
  void number(int64_t value) {
    if (value >= 0 && value <= std::numeric_limits<int32_t>::max()) {
      text_ += 'J';
      put(text_, static_cast<int32_t>(value));
    } else {
      text_ += "\x8a\x08";  // LONG1 of 8 bytes
      put(text_, value);
    }
  }
  std::string take() { return std::move(text_) + '.'; }

 private:
  std::string text_;
};

void put_ordered_dict(Pickle& pickle) {
  pickle.global("collections", "OrderedDict");
  pickle.empty_tuple();
  pickle.reduce();
}

void put_numbers(Pickle& pickle, const std::vector<int64_t>& numbers) {
  pickle.mark();
  for (const int64_t number : numbers) pickle.number(number);
  pickle.tuple();
}

std::vector<int64_t> strides_of(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)
void put_tensor(Pickle& pickle, const TensorInfo& info, size_t index) {
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.mark();
  pickle.mark();
  pickle.text("storage");
  pickle.global("torch", storage_of(info.dtype));
  pickle.text(std::to_string(index));
  pickle.text("cpu");
  pickle.number(static_cast<int64_t>(bytes_of(info) / size_of(info.dtype)));
  pickle.tuple();
  pickle.persistent();
  pickle.number(0);
  put_numbers(pickle, info.shape);
  put_numbers(pickle, strides_of(info.shape));
  pickle.no();
  put_ordered_dict(pickle);
  pickle.tuple();
  pickle.reduce();
}

std::string pickle_of(const std::vector<TensorInfo>& tensors) {
  std::set<std::string_view> names;
  Pickle pickle;
  put_ordered_dict(pickle);
  pickle.mark();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!names.insert(tensors[i].name).second) {
      throw job_error(fmt::format("two tensors of the model are called {}", tensors[i].name));
    }
    pickle.text(tensors[i].name);
    put_tensor(pickle, tensors[i], i);
  }
  pickle.set_items();
  return pickle.take();
}

uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Sizes and positions stand in fields of zip64 always: one way for models of any size.
constexpr uint32_t kInZip64 = 0xffffffff;
constexpr uint16_t kZip64Field = 1;
constexpr uint16_t kPaddingField = 0x4246;  // "FB", torch's own
constexpr uint16_t kVersionNeeded = 45;     // 4.5: zip64
constexpr uint16_t kUtf8Names = 1 << 11;
constexpr uint16_t kFirstOf1980 = 0x21;  // no times, so that the same weights give the same bytes

// Puts the fields that a file's own header and the directory's share.
void put_description(std::string& to, uint32_t crc, size_t name_bytes, size_t extra_bytes) {
  put(to, kVersionNeeded);
  put(to, kUtf8Names);
  put(to, uint16_t{0});  // stored, not compressed
  put(to, uint16_t{0});
  put(to, kFirstOf1980);
  put(to, crc);
  put(to, kInZip64);
  put(to, kInZip64);
  put(to, static_cast<uint16_t>(name_bytes));
  put(to, static_cast<uint16_t>(extra_bytes));
}

}  // namespace

StateDictWriter::StateDictWriter(const std::filesystem::path& path,
                                 const std::vector<TensorInfo>& tensors)
    : pending_(path) {
  const std::string pickle = pickle_of(tensors);
  pending_.file().write_back_every(kWriteBackBytes);
  for (const TensorInfo& info : tensors) sizes_.push_back(bytes_of(info));
  // The order of torch.save; torch.load takes the archive's name from the first.
  add("data.pkl", bytes_of(pickle));
  add("byteorder", bytes_of("little"));
}

void StateDictWriter::add(const std::string& name, std::span<const std::byte> bytes) {
  Entry entry{.name = kFolder + name, .at = end_, .bytes = bytes.size(), .crc = crc_of(bytes)};
  constexpr uint64_t kHeader = 30;
  constexpr uint64_t kZip64 = 20;
  constexpr uint64_t kPadding = 4;
  const uint64_t least = end_ + kHeader + entry.name.size() + kZip64 + kPadding;
  const uint64_t padding = round_up(least, kAlignment) - least;
  std::string header = "PK\x03\x04";
  put_description(header, entry.crc, entry.name.size(), kZip64 + kPadding + padding);
  header += entry.name;
  put(header, kZip64Field);
  put(header, uint16_t{16});
  put(header, entry.bytes);  // not compressed, and compressed
  put(header, entry.bytes);
  put(header, kPaddingField);
  put(header, static_cast<uint16_t>(padding));
  header.append(padding, 'Z');
  File& file = pending_.file();
  file.write_at(header.data(), header.size(), end_);
  file.write_at(bytes.data(), bytes.size(), end_ + header.size());
  end_ += header.size() + bytes.size();
  entries_.push_back(std::move(entry));
}

void StateDictWriter::write(std::span<const std::byte> bytes) {
  require(written_ < sizes_.size(), "more tensors than were named");
  require(bytes.size() == sizes_[written_], "a tensor's bytes do not match its shape");
  add(fmt::format("data/{}", written_++), bytes);
}

void StateDictWriter::commit() {
  require(written_ == sizes_.size(), "a tensor has not been written");
  add("version", bytes_of("3\n"));
  std::string directory;
  for (const Entry& entry : entries_) {
    directory += "PK\x01\x02";
    put(directory, kVersionNeeded);  // the writer's
    put_description(directory, entry.crc, entry.name.size(), 28);
    put(directory, uint16_t{0});  // no comment
    put(directory, uint16_t{0});  // of the first disk
    put(directory, uint16_t{0});  // no attributes
    put(directory, uint32_t{0});
    put(directory, kInZip64);
    directory += entry.name;
    put(directory, kZip64Field);
    put(directory, uint16_t{24});
    put(directory, entry.bytes);
    put(directory, entry.bytes);
    put(directory, entry.at);
  }
  const auto directory_bytes = static_cast<uint64_t>(directory.size());
  const auto count = static_cast<uint64_t>(entries_.size());
  std::string end = "PK\x06\x06";
  put(end, uint64_t{44});  // bytes of this record that follow
  put(end, kVersionNeeded);
  put(end, kVersionNeeded);
  put(end, uint64_t{0});  // one disk alone
  put(end, count);
  put(end, count);
  put(end, directory_bytes);
  put(end, end_);
  end += "PK\x06\x07";
  put(end, uint32_t{0});
  put(end, end_ + directory_bytes);  // of the record before this
  put(end, uint32_t{1});
  end += "PK\x05\x06";
  put(end, uint32_t{0});
  put(end, uint32_t{kInZip64});  // both counts
  put(end, kInZip64);
  put(end, kInZip64);
  put(end, uint16_t{0});
  directory += end;
  pending_.file().write_at(directory.data(), directory.size(), end_);
  pending_.commit();
}

void safetensors_to_state_dict(const std::filesystem::path& from, const std::filesystem::path& to) {
  const SafetensorsReader reader(from);
  std::vector<TensorInfo> tensors;
  for (const StoredTensor& stored : reader.tensors()) tensors.push_back(stored.info);
  StateDictWriter writer(to, tensors);
  for (const StoredTensor& stored : reader.tensors()) {
    std::vector<std::byte> bytes(stored.bytes);
    reader.read(stored, bytes);
    writer.write(bytes);
  }
  writer.commit();
}

}  // namespace ringtrain::model_files
