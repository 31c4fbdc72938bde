// SPDX-License-Identifier: Apache-2.0
// The files of a folder or of an archive (.zip, .tar, .tar.gz), walked without unpacking anything
// to disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "datasets/importers/archive_reader.hpp"

namespace ringtrain::datasets {

class FileTree {
 public:
  // An entry that is no regular file to read; in an archive always `folder`. A walk enters neither
  // hidden nor linked folders.
  enum class Other { folder, hidden_file, hidden_folder, linked_folder };

  // Throws a data error if there is nothing at `path`.
  explicit FileTree(std::filesystem::path path, ArchiveLimits limits = {});
  // Takes an archive in memory. Requires: it outlives the tree.
  FileTree(std::string name, std::string_view archive, ArchiveLimits limits = {});

  // Calls visit(path inside, number) for every regular file, in an order that stays the same, and
  // other(path, kind) for the rest.
  void list(const std::function<void(const std::string& path, uint64_t number)>& visit,
            const std::function<void(const std::string& path, Other kind)>& other) const;

  // Calls visit(path, number, bytes) for the files for which wanted(path, number) holds; `bytes`
  // may be moved from. Throws a data error for files of more than max_file_bytes, more than
  // max_entries, and all that ArchiveReader refuses.
  void read(const std::function<bool(const std::string& path, uint64_t number)>& wanted,
            const std::function<void(const std::string& path, uint64_t number, std::string& bytes)>&
                visit) const;

  const std::string& name() const { return name_; }

 private:
  enum class Kind { folder, archive_file, archive_memory };
  template <typename Visit, typename VisitOther>
  void walk_archive(Visit&& visit, VisitOther&& other) const;
  template <typename Visit, typename VisitOther>
  void walk_folder(Visit&& visit, VisitOther&& other) const;

  Kind kind_;
  std::filesystem::path path_;
  std::string name_;
  std::string_view memory_;
  ArchiveLimits limits_;
};

}  // namespace ringtrain::datasets
