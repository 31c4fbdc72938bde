// SPDX-License-Identifier: Apache-2.0
// Idempotency keys: a request that is sent again with its key makes nothing twice, even if the
// server died before it could answer. A file for each key, for 24 hours.
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain::server {

class IdempotencyKeys {
 public:
  explicit IdempotencyKeys(std::filesystem::path folder);

  struct KeptName {
    std::string name;
    bool is_known = false;  // an earlier request has chosen it
  };
  // Returns the job's name for this key: `name`, or the one that an earlier request with the same
  // key and body has chosen. Safe on disk when it returns. Throws a Problem where the body differs.
  KeptName name_for(const std::string& key, const std::string& body, const std::string& name);

  // Forgets a key, whose request was refused.
  void forget(const std::string& key);

  // Forgets what is older than a day.
  void forget_old();

 private:
  std::filesystem::path file(const std::string& key) const;
  std::filesystem::path folder_;
};

}  // namespace ringtrain::server
