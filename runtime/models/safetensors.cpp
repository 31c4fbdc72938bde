// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/models/model_files.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "safetensors holds little-endian numbers");

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr uint64_t kWriteBackBytes = uint64_t{4} << 20;
constexpr const char* kMetadata = "__metadata__";

struct Element {
  at::ScalarType type;
  std::string_view name;
};

constexpr std::array kElements{
    Element{at::kDouble, "F64"},    Element{at::kFloat, "F32"}, Element{at::kHalf, "F16"},
    Element{at::kBFloat16, "BF16"}, Element{at::kLong, "I64"},  Element{at::kInt, "I32"},
    Element{at::kShort, "I16"},     Element{at::kChar, "I8"},   Element{at::kByte, "U8"},
    Element{at::kBool, "BOOL"},
};

struct Entry {
  std::string name;
  at::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin;  // bytes after the header
  uint64_t end;
};

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

Entry parse_entry(const std::string& name, const json& value) {
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

  Entry entry{.name = name, .type = element->type, .shape = {}, .begin = 0, .end = 0};
  uint64_t bytes = at::elementSize(element->type);
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  for (const json& dimension : value["shape"]) {
    const uint64_t extent = whole_number(dimension, name);
    if (extent > kMost || (extent > 0 && bytes > kMost / extent)) {
      refuse(fmt::format("tensor {}: its shape is too large", name));
    }
    bytes *= extent;
    entry.shape.push_back(static_cast<int64_t>(extent));
  }
  entry.begin = whole_number(value["data_offsets"][0], name);
  entry.end = whole_number(value["data_offsets"][1], name);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    refuse(fmt::format("tensor {}: its data_offsets do not match its shape", name));
  }
  return entry;
}

std::map<std::string, std::string> parse_metadata(const json& value) {
  if (!value.is_object()) refuse("__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) refuse(fmt::format("__metadata__: {} is not a string", key));
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

Safetensors read_checked(const File& file) {
  const uint64_t size = file.size();
  if (size < kLengthBytes) refuse("it is too short");
  uint64_t header_bytes = 0;
  file.read_at(&header_bytes, kLengthBytes, 0);
  if (header_bytes > std::min(size - kLengthBytes, kMaxHeaderBytes)) {
    refuse(fmt::format("its header would be {} bytes long, in a file of {}", header_bytes, size));
  }
  std::string text(header_bytes, '\0');
  file.read_at(text.data(), header_bytes, kLengthBytes);

  Safetensors result;
  std::vector<Entry> entries;
  const json header = parse_header(text);
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      result.metadata = parse_metadata(value);
    } else {
      entries.push_back(parse_entry(name, value));
    }
  }

  // The tensors cover the rest of the file: no gap, no overlap, nothing after them.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  const uint64_t data_at = kLengthBytes + header_bytes;
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered) {
      refuse(fmt::format("tensor {}: its data overlap others or leave a gap", entry.name));
    }
    covered = entry.end;
  }
  if (covered != size - data_at) {
    refuse(fmt::format("its tensors take {} bytes, but {} follow the header", covered,
                       size - data_at));
  }

  for (const Entry& entry : entries) {
    at::Tensor tensor = at::empty(entry.shape, entry.type);
    file.read_at(tensor.data_ptr(), entry.end - entry.begin, data_at + entry.begin);
    result.tensors.push_back({entry.name, std::move(tensor)});
  }
  return result;
}

std::string_view dtype_of(const NamedTensor& named) {
  for (const Element& element : kElements) {
    if (element.type == named.tensor.scalar_type()) return element.name;
  }
  throw job_error(fmt::format("tensor {}: safetensors has no type for {}", named.name,
                              c10::toString(named.tensor.scalar_type())));
}

// The header, padded with spaces so that the data begin at a multiple of 8 bytes.
std::string make_header(const std::vector<const NamedTensor*>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  uint64_t at = 0;
  for (const NamedTensor* named : tensors) {
    if (named->name == kMetadata || header.contains(named->name)) {
      throw job_error(fmt::format("two tensors of the model are called {}", named->name));
    }
    const uint64_t end = at + named->tensor.nbytes();
    header[named->name] = {{"dtype", std::string(dtype_of(*named))},
                           {"shape", named->tensor.sizes().vec()},
                           {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw job_error(
        fmt::format("a name or the metadata of the model is not UTF-8: {}", error.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const NamedTensor*> sorted;
  for (const NamedTensor& named : tensors) sorted.push_back(&named);
  std::sort(sorted.begin(), sorted.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const auto key = [](const NamedTensor* named) {
      return std::tuple(-static_cast<int64_t>(named->tensor.element_size()),
                        std::string_view(named->name));
    };
    return key(a) < key(b);
  });
  const std::string header = make_header(sorted, metadata);
  const uint64_t header_bytes = header.size();

  PendingFile pending(path);
  {
    File& file = pending.file();
    file.write_back_every(kWriteBackBytes);  // the disk works while the next tensors are copied
    file.write_at(&header_bytes, kLengthBytes, 0);
    file.write_at(header.data(), header_bytes, kLengthBytes);
    uint64_t at = kLengthBytes + header_bytes;
    for (const NamedTensor* named : sorted) {
      const at::Tensor tensor = named->tensor.detach().to(at::kCPU).contiguous();
      file.write_at(tensor.const_data_ptr(), tensor.nbytes(), at);
      at += tensor.nbytes();
    }
  }
  pending.commit();
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const auto file = File::open_for_reading(path);
  try {
    return read_checked(file);
  } catch (const Error& error) {
    throw data_error(fmt::format("{}: not a safetensors file that can be read: {}", path.string(),
                                 error.what()));
  }
}

}  // namespace ringtrain
