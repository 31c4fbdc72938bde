// SPDX-License-Identifier: Apache-2.0
#include "job/keys/key.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "job/document.hpp"

namespace ringtrain {
namespace {

void collect(const Key& group, const std::string& path, OnResume rule,
             std::vector<std::string>& found) {
  for (const Key& key : group.keys) {
    const std::string here = join_path(path, key.name);
    if (key.rules.on_resume == rule) found.push_back(here);
    collect(key, here, rule, found);
  }
}

}  // namespace

OnResume on_resume(std::string_view path) {
  const Key* group = &job_keys();
  auto rule = OnResume::reported;
  while (!path.empty()) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto found = std::find_if(group->keys.begin(), group->keys.end(), [&](const Key& key) {
      return key.name == path.substr(0, dot);
    });
    if (found == group->keys.end()) break;
    group = &*found;
    if (group->rules.on_resume != OnResume::reported) rule = group->rules.on_resume;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return rule;
}

std::vector<std::string> keys_on_resume(OnResume rule) {
  std::vector<std::string> found;
  collect(job_keys(), "", rule, found);
  return found;
}

nlohmann::json number_to_json(double number) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (number == std::floor(number) && std::abs(number) < kExact) {
    return static_cast<int64_t>(number);
  }
  return number;
}

}  // namespace ringtrain
