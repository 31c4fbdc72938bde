// SPDX-License-Identifier: Apache-2.0
#include "model_files/safetensors.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <utility>

#include "base/error.hpp"
#include "runtime/models/model_files.hpp"

namespace ringtrain {
namespace {

using model_files::Dtype;

struct Element {
  torch::ScalarType type;
  Dtype dtype;
};

constexpr std::array kElements{
    Element{torch::kFloat64, Dtype::f64}, Element{torch::kFloat32, Dtype::f32},
    Element{torch::kFloat16, Dtype::f16}, Element{torch::kBFloat16, Dtype::bf16},
    Element{torch::kInt64, Dtype::i64},   Element{torch::kInt32, Dtype::i32},
    Element{torch::kInt16, Dtype::i16},   Element{torch::kInt8, Dtype::i8},
    Element{torch::kUInt8, Dtype::u8},    Element{torch::kBool, Dtype::boolean},
};

Dtype dtype_of(const NamedTensor& named) {
  for (const Element& element : kElements) {
    if (element.type == named.tensor.scalar_type()) return element.dtype;
  }
  throw job_error(fmt::format("tensor {}: safetensors has no type for {}", named.name,
                              c10::toString(named.tensor.scalar_type())));
}

torch::ScalarType type_of(Dtype dtype) {
  for (const Element& element : kElements) {
    if (element.dtype == dtype) return element.type;
  }
  throw data_error(fmt::format("no tensor has the type {}", model_files::name_of(dtype)));
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<model_files::TensorInfo> infos;
  for (const NamedTensor& named : tensors) {
    infos.push_back({named.name, dtype_of(named), named.tensor.sizes().vec()});
  }
  model_files::SafetensorsWriter writer(path, std::move(infos), metadata);
  for (const size_t index : writer.order()) {
    // One tensor at a time: copies of all would double the memory of a large model.
    const torch::Tensor tensor = tensors[index].tensor.detach().to(torch::kCPU).contiguous();
    writer.write(index, {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const model_files::SafetensorsReader reader(path);
  Safetensors result{.tensors = {}, .metadata = reader.metadata()};
  for (const model_files::StoredTensor& stored : reader.tensors()) {
    torch::Tensor tensor = torch::empty(stored.info.shape, type_of(stored.info.dtype));
    reader.read(stored, {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
    result.tensors.push_back({stored.info.name, std::move(tensor)});
  }
  return result;
}

}  // namespace ringtrain
