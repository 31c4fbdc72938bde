// SPDX-License-Identifier: Apache-2.0
// The four IDX files of an import, cut from one input: their lengths come first, two bytes each.
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "datasets/importers/idx.hpp"
#include "tests/fuzz/memory_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringtrain::datasets;
  constexpr size_t kLengths = 6;
  if (size < kLengths) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + kLengths, size - kLengths);
  std::array<std::unique_ptr<ByteSource>, 4> sources;
  for (size_t i = 0; i < sources.size(); ++i) {
    size_t length = rest.size();
    if (i < 3) length = std::min<size_t>(length, data[2 * i] | data[2 * i + 1] << 8);
    sources[i] = memory_source("input", rest.substr(0, length));
    rest.remove_prefix(length);
  }
  ImportOptions options;
  options.one_class = true;
  try {
    import_idx({*sources[0], *sources[1], sources[2].get(), sources[3].get()},
               ringtrain::fuzz::output_path(), options);
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
