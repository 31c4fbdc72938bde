// SPDX-License-Identifier: Apache-2.0
// DIR/audit.jsonl: every change that somebody has made, a JSON object on a line each. The file is
// moved to audit.jsonl.1 when it is large, in place of the one before.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace ringtrain::server {

// A change. `by` is a token's name; `from` an address; `request` what was asked, as "POST
// /api/v1/jobs"; `made` the path of what came of it, or empty.
struct Change {
  std::string by;
  std::string from;
  std::string request;
  int status = 0;
  std::string made = {};
};

class Audit {
 public:
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20;

  explicit Audit(const std::filesystem::path& folder) : file_(folder / "audit.jsonl") {}

  // Adds a line with the time of now. Several processes may do so. A disk that refuses loses it,
  // with a line on stderr.
  void add(const Change& change);

  // Returns {"changes": [...], "next": N or null}: the newest first, at most `limit`, of those
  // before the byte `before` of the file; `next` is where the page after this one ends.
  nlohmann::ordered_json page(size_t limit, std::optional<uint64_t> before) const;

 private:
  const std::filesystem::path file_;
};

}  // namespace ringtrain::server
