// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>

#include <cstdint>
#include <exception>

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/models/model_files.hpp"
#include "runtime/models/torch_error.hpp"

namespace ringtrain {

void write_torchscript(const std::filesystem::path& path, const Model& model,
                       const std::map<std::string, std::string>& extra_files) {
  const torch::jit::Module module = model.script();
  PendingFile pending(path);
  {
    uint64_t at = 0;
    // libtorch's writer does not expect exceptions here; it takes a short count for a failure.
    std::exception_ptr failure;
    const auto write = [&](const void* data, size_t size) -> size_t {
      try {
        pending.file().write_at(data, size, at);
      } catch (...) {
        failure = std::current_exception();
        return 0;
      }
      at += size;
      return size;
    };
    try {
      torch::jit::ExportModule(module, write, {extra_files.begin(), extra_files.end()});
    } catch (const std::exception& error) {
      if (failure) std::rethrow_exception(failure);
      throw data_error(
          fmt::format("{}: cannot write the model: {}", path.string(), torch_cause(error)));
    }
    if (failure) std::rethrow_exception(failure);
  }
  pending.commit();
}

}  // namespace ringtrain
