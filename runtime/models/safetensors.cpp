// SPDX-License-Identifier: Apache-2.0
#include "model_files/safetensors.hpp"

#include <ATen/ops/empty.h>
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
  at::ScalarType type;
  Dtype dtype;
};

constexpr std::array kElements{
    Element{at::kDouble, Dtype::f64}, Element{at::kFloat, Dtype::f32},
    Element{at::kHalf, Dtype::f16},   Element{at::kBFloat16, Dtype::bf16},
    Element{at::kLong, Dtype::i64},   Element{at::kInt, Dtype::i32},
    Element{at::kShort, Dtype::i16},  Element{at::kChar, Dtype::i8},
    Element{at::kByte, Dtype::u8},    Element{at::kBool, Dtype::boolean},
};

Dtype dtype_of(const NamedTensor& named) {
  for (const Element& element : kElements) {
    if (element.type == named.tensor.scalar_type()) return element.dtype;
  }
  throw job_error(fmt::format("tensor {}: safetensors has no type for {}", named.name,
                              c10::toString(named.tensor.scalar_type())));
}

at::ScalarType type_of(Dtype dtype) {
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
    const at::Tensor tensor = tensors[index].tensor.detach().to(at::kCPU).contiguous();
    writer.write(index, {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const model_files::SafetensorsReader reader(path);
  Safetensors result{.tensors = {}, .metadata = reader.metadata()};
  for (const model_files::StoredTensor& stored : reader.tensors()) {
    at::Tensor tensor = at::empty(stored.info.shape, type_of(stored.info.dtype));
    reader.read(stored, {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
    result.tensors.push_back({stored.info.name, std::move(tensor)});
  }
  return result;
}

}  // namespace ringtrain
