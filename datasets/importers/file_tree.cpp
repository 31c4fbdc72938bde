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

// Returns a text of libarchive for messages; "?" for null.
std::string shown(const char* text) {
  return printable(text == nullptr ? "?" : std::string(text).substr(0, 200));
}

// Reads an archive entry by entry. Everything suspect is a data error.
class ArchiveReader {
 public:
  ArchiveReader(std::string name, const TreeLimits& limits)
      : name_(std::move(name)), limits_(limits), reader_(archive_read_new(), archive_read_free) {
    if (!reader_) refuse("out of memory");
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_format_tar(reader_.get());
    archive_read_support_format_zip(reader_.get());
  }

  void open_file(const std::filesystem::path& path) {
    check_open(archive_read_open_filename(reader_.get(), path.c_str(), 1 << 18));
    budget_ = std::filesystem::file_size(path) * kMaxRatio + kFreeBytes;
  }
  void open_memory(std::string_view bytes) {
    check_open(archive_read_open_memory(reader_.get(), bytes.data(), bytes.size()));
    budget_ = bytes.size() * kMaxRatio + kFreeBytes;
  }

  // Goes to the next regular file, and calls on_folder(path) on its way. Returns false at the end.
  template <typename OnFolder>
  bool next(const OnFolder& on_folder) {
    int result = ARCHIVE_OK;
    while ((result = archive_read_next_header(reader_.get(), &entry_)) == ARCHIVE_OK ||
           result == ARCHIVE_WARN) {
      if (++entries_ > limits_.max_entries) {
        refuse(fmt::format("more than {} entries", limits_.max_entries));
      }
      if (is_file()) return true;
      while (path_.ends_with('/')) path_.pop_back();
      if (!path_.empty() && path_ != ".") on_folder(path_);
    }
    if (result != ARCHIVE_EOF) refuse("damaged: " + reason());
    return false;
  }
  const std::string& path() const { return path_; }
  uint64_t number() const { return entries_ - 1; }

  // Unpacks the bytes of the file.
  void take(std::string& bytes) {
    const int64_t promised =
        archive_entry_size_is_set(entry_) != 0 ? archive_entry_size(entry_) : -1;
    if (promised > 0) check_size(static_cast<uint64_t>(promised));
    bytes.clear();
    const void* block = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int state = ARCHIVE_OK;
    while ((state = archive_read_data_block(reader_.get(), &block, &size, &offset)) == ARCHIVE_OK) {
      const auto end = static_cast<uint64_t>(offset) + size;
      if (offset < 0) refuse("damaged");
      check_size(end);
      if (end < bytes.size()) refuse("damaged: an entry overlaps itself");
      const uint64_t grown = end - bytes.size();
      if (grown > budget_) refuse("unpacks to more than a thousand times its size: refused");
      budget_ -= grown;
      bytes.resize(static_cast<size_t>(offset));  // a hole of a sparse file
      bytes.append(static_cast<const char*>(block), size);
    }
    if (state != ARCHIVE_EOF) refuse(fmt::format("damaged at '{}': {}", entry_name(), reason()));
    if (promised >= 0 && bytes.size() != static_cast<uint64_t>(promised)) {
      refuse(fmt::format("damaged: the entry '{}' has a wrong length", entry_name()));
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw data_error(fmt::format("{}: {}", name_, why));
  }
  [[noreturn]] void refuse_entry(std::string_view why) const {
    refuse(fmt::format("the entry '{}' {}", entry_name(), why));
  }
  std::string reason() const { return shown(archive_error_string(reader_.get())); }
  std::string entry_name() const { return shown(archive_entry_pathname(entry_)); }

  void check_open(int result) const {
    if (result != ARCHIVE_OK) {
      refuse("neither a folder nor an archive that can be read: " + reason());
    }
  }
  void check_size(uint64_t size) const {
    if (size > limits_.max_file_bytes) {
      refuse_entry(fmt::format("is larger than {} bytes", limits_.max_file_bytes));
    }
  }

  // Takes the path of the entry. Returns false for a folder, refuses what is no plain file.
  bool is_file() {
    const char* raw = archive_entry_pathname(entry_);
    if (raw == nullptr) refuse(fmt::format("entry {} has no readable name", entries_));
    path_ = raw;
    while (path_.starts_with("./")) path_.erase(0, 2);
    const auto type = archive_entry_filetype(entry_);
    if (type == AE_IFDIR && (path_.empty() || path_ == ".")) return false;
    if (!is_safe(path_)) refuse_entry("leads outside the archive");
    if (archive_entry_hardlink(entry_) != nullptr || archive_entry_symlink(entry_) != nullptr) {
      refuse_entry("is a link");
    }
    if (type == AE_IFDIR) return false;
    if (type != AE_IFREG) refuse_entry("is not a regular file");
    if (archive_entry_is_encrypted(entry_) != 0) refuse_entry("is encrypted");
    return true;
  }

  std::string name_;
  const TreeLimits& limits_;
  std::unique_ptr<archive, int (*)(archive*)> reader_;
  uint64_t budget_ = 0;  // bytes that may still be unpacked
  archive_entry* entry_ = nullptr;
  uint64_t entries_ = 0;
  std::string path_;
};

}  // namespace

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

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

template <typename Visit, typename VisitOther>
void FileTree::walk_archive(Visit&& visit, VisitOther&& other) const {
  ArchiveReader reader(name_, limits_);
  if (kind_ == Kind::archive_memory) {
    reader.open_memory(memory_);
  } else {
    reader.open_file(path_);
  }
  const auto on_folder = [&](const std::string& path) { other(path, Other::folder); };
  while (reader.next(on_folder)) {
    visit(reader.path(), reader.number(), [&](std::string& bytes) { reader.take(bytes); });
  }
}

template <typename Visit, typename VisitOther>
void FileTree::walk_folder(Visit&& visit, VisitOther&& other) const {
  std::vector<std::string> paths;
  try {
    using Iterator = std::filesystem::recursive_directory_iterator;
    // Linked folders are not entered, so there are no loops.
    for (auto entry = Iterator(path_); entry != Iterator(); ++entry) {
      const bool is_folder = entry->is_directory();
      const std::string path = entry->path().lexically_relative(path_).string();
      if (entry->path().filename().string().starts_with('.')) {
        if (is_folder) entry.disable_recursion_pending();
        other(path, is_folder ? Other::hidden_folder : Other::hidden_file);
        continue;
      }
      if (is_folder) other(path, entry->is_symlink() ? Other::linked_folder : Other::folder);
      if (!entry->is_regular_file()) continue;  // follows the user's links to files
      if (paths.size() == limits_.max_entries) {
        throw data_error(fmt::format("{}: more than {} files", name_, limits_.max_entries));
      }
      paths.push_back(path);
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

void FileTree::list(const std::function<void(const std::string&, uint64_t)>& visit,
                    const std::function<void(const std::string&, Other)>& other) const {
  const auto entry = [&](const std::string& path, uint64_t number, const auto&) {
    visit(path, number);
  };
  kind_ == Kind::folder ? walk_folder(entry, other) : walk_archive(entry, other);
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
  const auto ignored = [](const std::string&, Other) {};
  kind_ == Kind::folder ? walk_folder(entry, ignored) : walk_archive(entry, ignored);
}

}  // namespace ringtrain::datasets
