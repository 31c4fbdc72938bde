// SPDX-License-Identifier: Apache-2.0
// Archives for tests, made in memory by libarchive.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace ringtrain::datasets::testing {

struct ArchiveEntry {
  std::string path;
  std::string bytes;
  std::string link = {};       // target of a symbolic link
  std::string hard_link = {};  // target of a hard link
  unsigned type = AE_IFREG;
};

// kind: "tar", "tar.gz" or "zip".
inline std::string archive_of(const std::string& kind, const std::vector<ArchiveEntry>& entries) {
  size_t total = 1 << 20;
  for (const ArchiveEntry& entry : entries) total += entry.bytes.size() + 4096;
  std::string memory(total, '\0');
  size_t used = 0;
  ::archive* out = archive_write_new();
  kind == "zip" ? archive_write_set_format_zip(out) : archive_write_set_format_pax_restricted(out);
  if (kind == "tar.gz") archive_write_add_filter_gzip(out);
  if (archive_write_open_memory(out, memory.data(), memory.size(), &used) != ARCHIVE_OK) {
    throw std::runtime_error("archive_write_open_memory");
  }
  for (const ArchiveEntry& from : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, from.path.c_str());
    archive_entry_set_filetype(entry, from.link.empty() ? from.type : AE_IFLNK);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<la_int64_t>(from.bytes.size()));
    if (!from.link.empty()) archive_entry_set_symlink(entry, from.link.c_str());
    if (!from.hard_link.empty()) archive_entry_set_hardlink(entry, from.hard_link.c_str());
    if (archive_write_header(out, entry) < ARCHIVE_WARN) {
      throw std::runtime_error(archive_error_string(out));
    }
    archive_write_data(out, from.bytes.data(), from.bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(out);
  archive_write_free(out);
  memory.resize(used);
  return memory;
}

}  // namespace ringtrain::datasets::testing
