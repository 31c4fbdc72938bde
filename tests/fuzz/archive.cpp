// SPDX-License-Identifier: Apache-2.0
// Walking an archive: tar, gzipped tar, zip.
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "datasets/importers/file_tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringtrain::datasets;
  constexpr uint64_t kMaxFile = uint64_t{1} << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const FileTree tree("input", bytes, {1000, kMaxFile});
  try {
    tree.list([](const std::string&, uint64_t) {}, [](const std::string&, auto) {});
    tree.read([](const std::string&, uint64_t) { return true; },
              [](const std::string& path, uint64_t, std::string& content) {
                const bool leads_out = path.empty() || path.front() == '/' ||
                                       path.starts_with("../") ||
                                       path.find("/../") != std::string::npos;
                if (leads_out || content.size() > kMaxFile) std::abort();
              });
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
