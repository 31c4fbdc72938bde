// SPDX-License-Identifier: Apache-2.0
#include "job/keys/idle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>

#include "job/keys/key.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

// Returns the value that a job has at a path of groups, or else the key's default.
json value_at(const json& job, std::string_view path) {
  const Key* key = &job_keys();
  const json* value = &job;
  while (!path.empty()) {
    const std::string name(path.substr(0, path.find('.')));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    const auto found = std::find_if(key->keys.begin(), key->keys.end(),
                                    [&](const Key& inner) { return inner.name == name; });
    if (found == key->keys.end()) return nullptr;
    key = &*found;
    if (value != nullptr) value = value->contains(name) ? &(*value)[name] : nullptr;
  }
  return value != nullptr ? *value : key->default_value;
}

using Visit = std::function<void(const std::string& path, const std::string& why)>;

// Returns "as optimizer.type is adamw".
std::string because(const std::string& where, const json& value) {
  if (value.is_null()) return "without " + where;
  return fmt::format("as {} is {}", where,
                     value.is_string() ? value.get<std::string>() : value.dump());
}

// Calls visit for each idle key or group that the job has.
void for_each_idle(const json& job, const Key& group, const json& values, const std::string& path,
                   const Visit& visit) {
  for (const Key& key : group.keys) {
    if (!values.contains(key.name)) continue;
    const std::string here = join_path(path, key.name);
    if (const std::string& other = key.rules.not_beside; values.contains(other)) {
      visit(here, "beside " + other);
    } else if (key.type == Key::Type::group) {
      for_each_idle(job, key, values[key.name], here, visit);
    } else if (const Idle& idle = key.rules.idle; !idle.where.empty()) {
      const json beside = value_at(job, idle.where);
      if (std::find(idle.is.begin(), idle.is.end(), beside) != idle.is.end()) {
        visit(here, because(idle.where, beside));
      }
    }
  }
}

}  // namespace

std::vector<std::string> notes_on_idle_keys(const Document& document) {
  std::vector<std::string> notes;
  for_each_idle(
      document.value, job_keys(), document.value, "",
      [&](const std::string& path, const std::string& why) {
        const std::string& where = document.origin(path);
        const bool names_key = where == fmt::format("--set {}", path);
        notes.push_back(fmt::format("{}: {}has no effect{}{}", where, names_key ? "" : path + ": ",
                                    why.starts_with("as ") ? ", " : " ", why));
      });
  return notes;
}

void remove_idle_keys(json& job) {
  std::vector<std::string> paths;
  for_each_idle(job, job_keys(), job, "",
                [&](const std::string& path, const std::string&) { paths.push_back(path); });
  for (std::string path : paths) {
    std::replace(path.begin(), path.end(), '.', '/');
    const json::json_pointer pointer("/" + path);
    job.at(pointer.parent_pointer()).erase(pointer.back());
  }
}

}  // namespace ringtrain
