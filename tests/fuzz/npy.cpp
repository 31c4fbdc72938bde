// SPDX-License-Identifier: Apache-2.0
// Features and labels as .npy, cut from one input: the features' length comes first, in two bytes.
#include <algorithm>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "datasets/importers/arrays/npy.hpp"
#include "tests/fuzz/memory_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringtrain::datasets;
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t length = std::min<size_t>(rest.size(), data[0] | data[1] << 8);
  try {
    const auto x = npy_source(memory_source("x", rest.substr(0, length)));
    const auto y = npy_source(memory_source("y", rest.substr(length)));
    ArraySources sources{x.get(), y.get(), nullptr, nullptr};
    ImportOptions options;
    options.one_class = true;
    import_arrays(sources, ringtrain::fuzz::output_path(), options);
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
