// SPDX-License-Identifier: Apache-2.0
#include "job/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"

namespace ringtrain {

const std::string& Document::origin(std::string_view path) const {
  std::string key(path);
  while (!key.empty()) {
    if (const auto found = origins.find(key); found != origins.end()) return found->second;
    const auto cut = key.find_last_of(".[");
    key.resize(cut == std::string::npos ? 0 : cut);
  }
  return origins.at("");
}

void Document::refuse(std::string_view path, std::string_view problem) const {
  const std::string& where = origin(path);
  const bool says_path = path.empty() || where == fmt::format("--set {}", path);
  throw RefusedKey(says_path ? fmt::format("{}: {}", where, problem)
                             : fmt::format("{}: {}: {}", where, path, problem),
                   path, where, problem);
}

std::string join_path(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

std::string join_path(std::string_view parent, size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

std::string read_job_text(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw job_error(fmt::format("{}: there is no such job file", file.string()));
  }
  if (std::filesystem::is_directory(status)) {
    throw job_error(fmt::format("{}: is a directory, not a job file", file.string()));
  }
  try {
    // No pipe: every rank's node may read it again.
    const File opened = File::open_for_reading(file);
    std::string text(std::min<uint64_t>(opened.size(), kMaxJobFileBytes + 1), '\0');
    opened.read_at(text.data(), text.size(), 0);
    return text;
  } catch (const Error& unreadable) {
    throw job_error(unreadable.what());
  }
}

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return fmt::format("'{}'", text);
  size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return fmt::format("'{}...'", text.substr(0, cut));
}

}  // namespace ringtrain
