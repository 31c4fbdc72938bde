// SPDX-License-Identifier: Apache-2.0
// A safetensors file, whose tensors are then read.
#include <vector>

#include "base/error.hpp"
#include "model_files/safetensors.hpp"
#include "tests/fuzz/memory_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ringtrain::fuzz::MemoryFile file(data, size);
  try {
    const ringtrain::model_files::SafetensorsReader reader(file.path());
    for (const auto& tensor : reader.tensors()) {
      std::vector<std::byte> bytes(tensor.bytes);
      reader.read(tensor, bytes);
    }
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
