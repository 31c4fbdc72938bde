// SPDX-License-Identifier: Apache-2.0
// A value that remembers where each key came from, so that a refusal can name file, line and key.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ringtrain {

// A job error about one key.
class RefusedKey : public Error {
 public:
  RefusedKey(const std::string& message, std::string_view path, std::string_view origin,
             std::string_view problem)
      : Error(ErrorKind::job, message), path_(path), origin_(origin), problem_(problem) {}
  const std::string& path() const { return path_; }
  const std::string& origin() const { return origin_; }
  const std::string& problem() const { return problem_; }

 private:
  std::string path_, origin_, problem_;
};

struct Document {
  nlohmann::json value;
  // From a key's path ("optimizer.type", "volumes[0].mount", "" for the whole) to "job.yaml:3" or
  // "--set optimizer.type".
  std::map<std::string, std::string> origins;

  // Returns the place of the key, or else of the nearest group around it.
  const std::string& origin(std::string_view path) const;

  // Throws a RefusedKey "job.yaml:3: optimizer.type: problem".
  [[noreturn]] void refuse(std::string_view path, std::string_view problem) const;
};

// Returns the path of a key inside the group `parent`; of the element `index` of the list `parent`.
std::string join_path(std::string_view parent, std::string_view key);
std::string join_path(std::string_view parent, size_t index);

inline constexpr size_t kMaxJobFileBytes = 1 << 20;

// Returns the text of a regular file, of a larger one kMaxJobFileBytes + 1 bytes; anything else (a
// pipe, a directory) is a job error.
std::string read_job_text(const std::filesystem::path& file);

// Returns a text for a message: in quotes, and cut where it is long.
std::string in_quotes(std::string_view text);

}  // namespace ringtrain
