// SPDX-License-Identifier: Apache-2.0
#include "model_files/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/round_up.hpp"

namespace ringtrain::model_files {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "safetensors holds little-endian numbers");

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr uint64_t kWriteBackBytes = uint64_t{4} << 20;
constexpr const char* kMetadata = "__metadata__";

struct Element {
  Dtype dtype;
  std::string_view name;
  size_t bytes;
};

constexpr std::array kElements{
    Element{Dtype::f64, "F64", 8}, Element{Dtype::f32, "F32", 4},
    Element{Dtype::f16, "F16", 2}, Element{Dtype::bf16, "BF16", 2},
    Element{Dtype::i64, "I64", 8}, Element{Dtype::i32, "I32", 4},
    Element{Dtype::i16, "I16", 2}, Element{Dtype::i8, "I8", 1},
    Element{Dtype::u8, "U8", 1},   Element{Dtype::boolean, "BOOL", 1},
};

const Element& element_of(Dtype dtype) {
  return *std::find_if(kElements.begin(), kElements.end(),
                       [&](const Element& element) { return element.dtype == dtype; });
}

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::logic_error(std::string("safetensors: ") + otherwise);
}

std::vector<StoredTensor> stored(std::vector<TensorInfo> infos) {
  std::vector<StoredTensor> tensors;
  for (TensorInfo& info : infos) {
    uint64_t bytes = size_of(info.dtype);
    for (const int64_t extent : info.shape) bytes *= static_cast<uint64_t>(extent);
    tensors.push_back({.info = std::move(info), .at = 0, .bytes = bytes});
  }
  return tensors;
}

// The header is read with these complaints; the caller puts the file's name in front.
[[noreturn]] void refuse(const std::string& what) { throw data_error(what); }

// Nothing of the format is nested deeper than {"name": {"shape": [..]}}, and a name may come only
// once.
json parse_header(const std::string& text) {
  std::set<std::string> names;
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > 3) refuse("its header is nested too deep");
    if (event == json::parse_event_t::key && depth == 1 &&
        !names.insert(value.get<std::string>()).second) {
      refuse(fmt::format("its header names {} twice", value.get<std::string>()));
    }
    return true;
  };
  json header;
  try {
    header = json::parse(text, check);
  } catch (const json::exception&) {
    refuse("its header is not JSON");
  }
  if (!header.is_object()) refuse("its header is not a JSON object");
  return header;
}

uint64_t whole_number(const json& value, const std::string& tensor) {
  if (!value.is_number_unsigned()) {
    refuse(fmt::format("tensor {}: shape and data_offsets must be whole numbers", tensor));
  }
  return value.get<uint64_t>();
}

// Returns a tensor whose position counts from the header's end.
StoredTensor parse_tensor(const std::string& name, const json& value) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value["dtype"].is_string() || !value.contains("shape") || !value["shape"].is_array() ||
      !value.contains("data_offsets") || !value["data_offsets"].is_array() ||
      value["data_offsets"].size() != 2) {
    refuse(fmt::format("tensor {}: not of the form dtype, shape, data_offsets", name));
  }
  const auto dtype = value["dtype"].get<std::string>();
  const auto* element =
      std::find_if(kElements.begin(), kElements.end(), [&](auto& e) { return e.name == dtype; });
  if (element == kElements.end()) refuse(fmt::format("tensor {}: unknown dtype {}", name, dtype));

  StoredTensor tensor;
  tensor.info = {.name = name, .dtype = element->dtype, .shape = {}};
  uint64_t bytes = element->bytes;
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  for (const json& dimension : value["shape"]) {
    const uint64_t extent = whole_number(dimension, name);
    if (extent > kMost || (extent > 0 && bytes > kMost / extent)) {
      refuse(fmt::format("tensor {}: its shape is too large", name));
    }
    bytes *= extent;
    tensor.info.shape.push_back(static_cast<int64_t>(extent));
  }
  const uint64_t begin = whole_number(value["data_offsets"][0], name);
  const uint64_t end = whole_number(value["data_offsets"][1], name);
  if (end < begin || end - begin != bytes) {
    refuse(fmt::format("tensor {}: its data_offsets do not match its shape", name));
  }
  tensor.at = begin;
  tensor.bytes = bytes;
  return tensor;
}

Metadata parse_metadata(const json& value) {
  if (!value.is_object()) refuse("__metadata__ is not an object");
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) refuse(fmt::format("__metadata__: {} is not a string", key));
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

// Returns the header, padded with spaces so that the data begin at a multiple of 8 bytes. Sets the
// tensors' positions.
std::string make_header(std::vector<StoredTensor>& tensors, const std::vector<size_t>& order,
                        const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  uint64_t at = 0;
  for (const size_t index : order) {
    StoredTensor& tensor = tensors[index];
    const TensorInfo& info = tensor.info;
    if (info.name == kMetadata || header.contains(info.name)) {
      throw job_error(fmt::format("two tensors of the model are called {}", info.name));
    }
    const uint64_t end = at + tensor.bytes;
    header[info.name] = {{"dtype", std::string(name_of(info.dtype))},
                         {"shape", info.shape},
                         {"data_offsets", {at, end}}};
    tensor.at = at;
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw job_error(
        fmt::format("a name or the metadata of the model is not UTF-8: {}", error.what()));
  }
  text.resize(round_up(text.size(), 8), ' ');
  for (StoredTensor& tensor : tensors) tensor.at += kLengthBytes + text.size();
  return text;
}

std::vector<size_t> file_order(const std::vector<StoredTensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t index) {
    const TensorInfo& info = tensors[index].info;
    return std::tuple(-static_cast<int64_t>(size_of(info.dtype)), std::string_view(info.name));
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

}  // namespace

std::string_view name_of(Dtype dtype) { return element_of(dtype).name; }

size_t size_of(Dtype dtype) { return element_of(dtype).bytes; }

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path)
    : file_(File::open_for_reading(path)) {
  try {
    read_header();
  } catch (const Error& error) {
    throw data_error(fmt::format("{}: not a safetensors file that can be read: {}", path.string(),
                                 error.what()));
  }
}

void SafetensorsReader::read_header() {
  const uint64_t size = file_.size();
  if (size < kLengthBytes) refuse("it is too short");
  uint64_t header_bytes = 0;
  file_.read_at(&header_bytes, kLengthBytes, 0);
  if (header_bytes > std::min(size - kLengthBytes, kMaxHeaderBytes)) {
    refuse(fmt::format("its header would be {} bytes long, in a file of {}", header_bytes, size));
  }
  std::string text(header_bytes, '\0');
  file_.read_at(text.data(), header_bytes, kLengthBytes);

  const json header = parse_header(text);
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      metadata_ = parse_metadata(value);
    } else {
      tensors_.push_back(parse_tensor(name, value));
    }
  }

  // The tensors cover the rest of the file: no gap, no overlap, nothing after them.
  std::sort(tensors_.begin(), tensors_.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return std::tie(a.at, a.bytes, a.info.name) < std::tie(b.at, b.bytes, b.info.name);
  });
  const uint64_t data_at = kLengthBytes + header_bytes;
  uint64_t covered = 0;
  for (StoredTensor& tensor : tensors_) {
    if (tensor.at != covered) {
      refuse(fmt::format("tensor {}: its data overlap others or leave a gap", tensor.info.name));
    }
    covered += tensor.bytes;
    tensor.at += data_at;
  }
  if (covered != size - data_at) {
    refuse(fmt::format("its tensors take {} bytes, but {} follow the header", covered,
                       size - data_at));
  }
}

void SafetensorsReader::read(const StoredTensor& tensor, std::span<std::byte> to) const {
  require(to.size() == tensor.bytes, "a tensor has another size");
  file_.read_at(to.data(), to.size(), tensor.at);
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     std::vector<TensorInfo> tensors, const Metadata& metadata)
    : tensors_(stored(std::move(tensors))),
      order_(file_order(tensors_)),
      written_(tensors_.size(), false),
      header_(make_header(tensors_, order_, metadata)),
      pending_(path) {
  File& file = pending_.file();
  file.write_back_every(kWriteBackBytes);  // the disk works while the next tensors are copied
  const uint64_t header_bytes = header_.size();
  file.write_at(&header_bytes, kLengthBytes, 0);
  file.write_at(header_.data(), header_bytes, kLengthBytes);
}

void SafetensorsWriter::write(size_t index, std::span<const std::byte> bytes) {
  const StoredTensor& tensor = tensors_.at(index);
  require(bytes.size() == tensor.bytes, "a tensor's bytes do not match its shape");
  pending_.file().write_at(bytes.data(), bytes.size(), tensor.at);
  written_[index] = true;
}

void SafetensorsWriter::commit() {
  require(std::find(written_.begin(), written_.end(), false) == written_.end(),
          "a tensor has not been written");
  pending_.commit();
}

}  // namespace ringtrain::model_files
