// SPDX-License-Identifier: Apache-2.0
// A list of objects, kept up to date by the API server's watch protocol: a list, then a stream of
// changes from the list's version on. It uses no network: see Watcher.
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

  // Objects by their name.
  const std::map<std::string, nlohmann::json>& objects() const { return objects_; }
  std::vector<nlohmann::json> list() const;

  // Returns whether there is no list yet, or the server no longer has our version (410).
  bool must_list() const { return version_.empty(); }
  void take_list(const nlohmann::json& list);

  // Returns the query of the stream that continues from our version; the server ends the stream
  // after `seconds`.
  std::string stream_query(int seconds) const;
  // Takes bytes of the stream. Returns whether an object has changed.
  bool take(std::string_view bytes);
  // Takes the end of the stream, which makes the rest of a line worthless.
  void take_end() { line_.clear(); }
  // Makes must_list() true, after an answer of 410 or a lost connection.
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
