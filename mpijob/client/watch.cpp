// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/watch.hpp"

#include <fmt/format.h>

namespace ringtrain::mpijob {
namespace {

using nlohmann::json;

std::string metadata(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find("metadata");
  return found != object.end() && found->is_object() ? found->value(key, "") : "";
}

}  // namespace

std::vector<json> Watch::list() const {
  std::vector<json> result;
  result.reserve(objects_.size());
  for (const auto& [name, object] : objects_) result.push_back(object);
  return result;
}

void Watch::take_list(const json& list) {
  objects_.clear();
  for (const json& object : list.at("items")) objects_[metadata(object, "name")] = object;
  version_ = metadata(list, "resourceVersion");
  line_.clear();
}

std::string Watch::stream_query(int seconds) const {
  const std::string selected = selection_.query();
  return fmt::format("{}{}watch=true&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}",
                     selected, selected.empty() ? "" : "&", seconds, url_escape(version_));
}

bool Watch::take(std::string_view bytes) {
  bool changed = false;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (end == std::string_view::npos) break;
    changed = take_line(line_) || changed;
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
  return changed;
}

bool Watch::take_line(const std::string& line) {
  const json event = json::parse(line, nullptr, false);
  if (!event.is_object() || !event.contains("object")) return false;
  const std::string type = event.value("type", "");
  const json& object = event["object"];
  if (type == "ERROR") {
    // Mostly 410 Expired; a new list corrects any of them.
    version_.clear();
    return false;
  }
  // After an error, no later event of the same stream may restore the version.
  if (version_.empty()) return false;
  if (const std::string version = metadata(object, "resourceVersion"); !version.empty()) {
    version_ = version;
  }
  const std::string name = metadata(object, "name");
  if (name.empty()) return false;
  if (type == "ADDED" || type == "MODIFIED") {
    objects_[name] = object;
    return true;
  }
  return type == "DELETED" && objects_.erase(name) > 0;
}

}  // namespace ringtrain::mpijob
