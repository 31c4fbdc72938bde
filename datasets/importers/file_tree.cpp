// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/file_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/importers/archive_reader.hpp"

namespace ringtrain::datasets {

FileTree::FileTree(std::filesystem::path path, ArchiveLimits limits)
    : kind_(Kind::archive_file), path_(std::move(path)), name_(path_.string()), limits_(limits) {
  std::error_code error;
  if (std::filesystem::is_directory(path_, error)) {
    kind_ = Kind::folder;
  } else {
    File::open_for_reading(path_);  // for its errors
  }
}

FileTree::FileTree(std::string name, std::string_view archive, ArchiveLimits limits)
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
