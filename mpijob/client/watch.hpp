// SPDX-License-Identifier: Apache-2.0
// One list of objects, kept as the API server has it by its watch protocol: a list, then a stream
// of changes from the list's version on. No network here: see Watcher.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "mpijob/client/api_client.hpp"
#include "mpijob/client/resource.hpp"

namespace ringtrain::mpijob {

class Watch {
 public:
  Watch(Resource resource, Selection selection)
      : resource_(std::move(resource)), selection_(std::move(selection)) {}

  const Resource& resource() const { return resource_; }
  const Selection& selection() const { return selection_; }

  // By name.
  const std::map<std::string, nlohmann::json>& objects() const { return objects_; }
  std::vector<nlohmann::json> list() const;

  // Whether there is no list yet, or the server has forgotten the version that we know (410).
  bool must_list() const { return version_.empty(); }
  void take_list(const nlohmann::json& list);

  // The query of the stream that goes on from what is known; the server ends it by itself after
  // `seconds`.
  std::string stream_query(int seconds) const;
  // Bytes of the stream. True where an object has changed.
  bool take(std::string_view bytes);
  // The stream has ended: what is left of a line is nothing.
  void take_end() { line_.clear(); }
  // The server has answered 410 instead of a stream.
  void forget_version() { version_.clear(); }

 private:
  bool take_line(const std::string& line);

  Resource resource_;
  Selection selection_;
  std::map<std::string, nlohmann::json> objects_;
  std::string version_;
  std::string line_;
};

}  // namespace ringtrain::mpijob
