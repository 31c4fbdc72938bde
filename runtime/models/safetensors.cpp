// SPDX-License-Identifier: Apache-2.0
#include "model_files/safetensors.hpp"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "base/error.hpp"
#include "runtime/models/model_files.hpp"
#include "runtime/models/tensor_elements.hpp"

namespace ringtrain {
namespace {

using model_files::Dtype;

at::ScalarType type_of(Dtype dtype) {
  for (const TensorElement& element : kTensorElements) {
    if (element.dtype == dtype) return element.type;
  }
  throw data_error(fmt::format("no tensor has the type {}", model_files::name_of(dtype)));
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<model_files::TensorInfo> infos;
  for (const NamedTensor& named : tensors) {
    infos.push_back({named.name, tensor_dtype(named), named.tensor.sizes().vec()});
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
