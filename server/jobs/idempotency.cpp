// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/idempotency.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "net/sha256.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;

IdempotencyKeys::IdempotencyKeys(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
}

fs::path IdempotencyKeys::file(const std::string& key) const { return folder_ / net::sha256(key); }

IdempotencyKeys::KeptName IdempotencyKeys::name_for(const std::string& key, const std::string& body,
                                                    const std::string& name) {
  if (key.size() > 255) throw Problem(400, "Idempotency-Key: must have at most 255 characters");
  const std::string hash = net::sha256(body);
  std::error_code ignored;
  if (fs::exists(file(key), ignored)) {
    const auto earlier = nlohmann::json::parse(read_file(file(key)), nullptr, false);
    if (earlier.is_object() && earlier.value("body", "") != hash) {
      throw Problem(422,
                    "Idempotency-Key: was used for another request: take a new key for each one");
    }
    if (earlier.is_object()) return {earlier.value("name", name), true};
  }
  write_file(file(key), nlohmann::json{{"body", hash}, {"name", name}}.dump() + "\n");
  return {name, false};
}

void IdempotencyKeys::forget(const std::string& key) {
  std::error_code ignored;
  fs::remove(file(key), ignored);
}

void IdempotencyKeys::forget_old() {
  std::error_code error;
  std::vector<fs::path> old;
  const auto limit = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.last_write_time(error) < limit && !error) old.push_back(entry.path());
  }
  for (const fs::path& path : old) fs::remove(path, error);
}

}  // namespace ringtrain::server
