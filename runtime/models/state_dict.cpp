// SPDX-License-Identifier: Apache-2.0
#include "model_files/state_dict.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include "runtime/models/model_files.hpp"
#include "runtime/models/tensor_elements.hpp"

namespace ringtrain {

void write_state_dict(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  std::vector<model_files::TensorInfo> infos;
  for (const NamedTensor& named : tensors) {
    infos.push_back({named.name, tensor_dtype(named), named.tensor.sizes().vec()});
  }
  model_files::StateDictWriter writer(path, infos);
  for (const NamedTensor& named : tensors) {
    const at::Tensor tensor = named.tensor.detach().to(at::kCPU).contiguous();
    writer.write({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  writer.commit();
}

}  // namespace ringtrain
