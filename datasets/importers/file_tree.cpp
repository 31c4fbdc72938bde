// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/file_tree.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain::datasets {
namespace {

// More than any real archive of images or arrays reaches; zip bombs start far above.
constexpr uint64_t kMaxRatio = 1032;
constexpr uint64_t kFreeBytes = uint64_t{16} << 20;

bool is_safe(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos) {
    return false;
  }
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return false;
    at = slash + 1;
  }
  return true;
}

// Messages print what an archive says, so only what is printable of it.
std::string printable(const char* text) {
  std::string result = text == nullptr ? "?" : std::string(text).substr(0, 200);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return result;
}

}  // namespace

FileTree::FileTree(std::filesystem::path path, TreeLimits limits)
    : kind_(Kind::archive_file), path_(std::move(path)), name_(path_.string()), limits_(limits) {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) {
    kind_ = Kind::folder;
  } else {
    File::open_for_reading(path_);  // for its errors
  }
}

FileTree::FileTree(std::string name, std::string_view archive, TreeLimits limits)
    : kind_(Kind::archive_memory), name_(std::move(name)), memory_(archive), limits_(limits) {}

template <typename Entry>
void FileTree::walk_archive(Entry&& visit) const {
  const auto refuse = [&](const std::string& what) {
    throw data_error(fmt::format("{}: {}", name_, what));
  };
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), archive_read_free);
  if (!reader) refuse("out of memory");
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  uint64_t packed = memory_.size();
  int result = ARCHIVE_OK;
  if (kind_ == Kind::archive_memory) {
    result = archive_read_open_memory(reader.get(), memory_.data(), memory_.size());
  } else {
    packed = std::filesystem::file_size(path_);
    result = archive_read_open_filename(reader.get(), path_.c_str(), 1 << 18);
  }
  if (result != ARCHIVE_OK) {
    refuse("neither a folder nor an archive that can be read: " +
           printable(archive_error_string(reader.get())));
  }
  uint64_t budget = packed * kMaxRatio + kFreeBytes;
  uint64_t number = 0;
  archive_entry* entry = nullptr;
  while ((result = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK ||
         result == ARCHIVE_WARN) {
    if (++number > limits_.max_entries)
      refuse(fmt::format("more than {} entries", limits_.max_entries));
    const char* raw = archive_entry_pathname(entry);
    if (raw == nullptr) refuse(fmt::format("entry {} has no readable name", number));
    std::string path = raw;
    while (path.starts_with("./")) path.erase(0, 2);
    const auto type = archive_entry_filetype(entry);
    if (type == AE_IFDIR && (path.empty() || path == ".")) continue;
    if (!is_safe(path))
      refuse(fmt::format("the entry '{}' leads outside the archive", printable(raw)));
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr) {
      refuse(fmt::format("the entry '{}' is a link", printable(raw)));
    }
    if (type == AE_IFDIR) continue;
    if (type != AE_IFREG)
      refuse(fmt::format("the entry '{}' is not a regular file", printable(raw)));
    if (archive_entry_is_encrypted(entry) != 0) {
      refuse(fmt::format("the entry '{}' is encrypted", printable(raw)));
    }
    // Takes the bytes of this entry; only called for entries that are wanted.
    const auto take = [&](std::string& bytes) {
      const int64_t promised =
          archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : -1;
      const auto too_large = [&](uint64_t size) {
        if (size > limits_.max_file_bytes) {
          refuse(fmt::format("the entry '{}' is larger than {} bytes", printable(raw),
                             limits_.max_file_bytes));
        }
      };
      if (promised > 0) too_large(static_cast<uint64_t>(promised));
      bytes.clear();
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      int state = ARCHIVE_OK;
      while ((state = archive_read_data_block(reader.get(), &block, &size, &offset)) ==
             ARCHIVE_OK) {
        const auto end = static_cast<uint64_t>(offset) + size;
        if (offset < 0) refuse("damaged");
        too_large(end);
        if (end < bytes.size()) refuse("damaged: an entry overlaps itself");
        const uint64_t grown = end - bytes.size();
        if (grown > budget) refuse("unpacks to more than a thousand times its size: refused");
        budget -= grown;
        bytes.resize(static_cast<size_t>(offset));  // a hole of a sparse file
        bytes.append(static_cast<const char*>(block), size);
      }
      if (state != ARCHIVE_EOF) {
        refuse(fmt::format("damaged at '{}': {}", printable(raw),
                           printable(archive_error_string(reader.get()))));
      }
      if (promised >= 0 && bytes.size() != static_cast<uint64_t>(promised)) {
        refuse(fmt::format("damaged: the entry '{}' has a wrong length", printable(raw)));
      }
    };
    visit(path, number - 1, take);
  }
  if (result != ARCHIVE_EOF) refuse("damaged: " + printable(archive_error_string(reader.get())));
}

template <typename Entry>
void FileTree::walk_folder(Entry&& visit) const {
  std::vector<std::string> paths;
  try {
    using Iterator = std::filesystem::recursive_directory_iterator;
    // Linked folders are not entered, so there are no loops.
    for (auto entry = Iterator(path_); entry != Iterator(); ++entry) {
      if (entry->path().filename().string().starts_with('.')) {
        if (entry->is_directory()) entry.disable_recursion_pending();
        continue;
      }
      if (!entry->is_regular_file()) continue;  // follows links to files, which the user made
      if (paths.size() == limits_.max_entries) {
        throw data_error(fmt::format("{}: more than {} files", name_, limits_.max_entries));
      }
      paths.push_back(entry->path().lexically_relative(path_).string());
    }
  } catch (const std::filesystem::filesystem_error& error) {
    throw data_error(fmt::format("{}: {}", error.path1().string(), error.code().message()));
  }
  std::sort(paths.begin(), paths.end());
  for (uint64_t i = 0; i < paths.size(); ++i) {
    visit(paths[i], i,
          [&](std::string& bytes) { bytes = read_file(path_ / paths[i], limits_.max_file_bytes); });
  }
}

void FileTree::list(const std::function<void(const std::string&, uint64_t)>& visit) const {
  const auto entry = [&](const std::string& path, uint64_t number, const auto&) {
    visit(path, number);
  };
  kind_ == Kind::folder ? walk_folder(entry) : walk_archive(entry);
}

void FileTree::read(
    const std::function<bool(const std::string&, uint64_t)>& wanted,
    const std::function<void(const std::string&, uint64_t, std::string&)>& visit) const {
  std::string bytes;
  const auto entry = [&](const std::string& path, uint64_t number, const auto& take) {
    if (!wanted(path, number)) return;
    take(bytes);
    visit(path, number, bytes);
  };
  kind_ == Kind::folder ? walk_folder(entry) : walk_archive(entry);
}

}  // namespace ringtrain::datasets
