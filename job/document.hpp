// SPDX-License-Identifier: Apache-2.0
// A YAML text as a JSON value that remembers where each key came from, so that a refusal can name
// file, line and key. Only what a job file needs: one document of maps, lists and plain values.
// Everything that could surprise (aliases, type tags, duplicate keys, deep nesting, numbers out of
// range, control characters) is refused with a job error.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ringtrain {

struct Document {
  nlohmann::json value;
  // From a key's path ("optimizer.type", "volumes[0].mount", "" for the whole) to "job.yaml:3" or
  // "--set optimizer.type".
  std::map<std::string, std::string> origins;

  // Where the key, or else the nearest group around it, was written.
  const std::string& origin(std::string_view path) const;

  // Throws a job error "job.yaml:3: optimizer.type: problem".
  [[noreturn]] void refuse(std::string_view path, std::string_view problem) const;
};

// The path of a key inside the group `parent`; of the element `index` of the list `parent`.
std::string join_path(std::string_view parent, std::string_view key);
std::string join_path(std::string_view parent, std::size_t index);

// The text of a regular file of at most 1 MiB; anything else (a pipe, a directory) is a job error.
std::string read_job_text(const std::filesystem::path& file);

// `name` stands in messages and origins, with line numbers: "job.yaml" gives "job.yaml:3".
Document parse_yaml(const std::string& text, const std::string& name);

// One value, as it stands after --set key=. Every origin is "--set key".
Document parse_override_value(const std::string& text, const std::string& key);

// A text for a message: in quotes, and cut where it is long.
std::string in_quotes(std::string_view text);

}  // namespace ringtrain
