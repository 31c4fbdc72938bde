// SPDX-License-Identifier: Apache-2.0
// Server-sent events: what changes, to everybody who listens, with an id from which a viewer that
// was cut off continues. A slow viewer slows nobody: it loses figures between two states, gets a
// "gap" then, and never loses a state.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace ringtrain::server {

struct EventFilter {
  std::set<std::string> jobs = {};   // empty: all
  std::set<std::string> kinds = {};  // empty: all
};

class EventStream {
 public:
  static constexpr size_t kMaxViewers = 256;
  // Events that a viewer may have missed and still gets.
  static constexpr size_t kKept = 4096;

  explicit EventStream(size_t max_viewers = kMaxViewers);

  void publish(const std::string& kind, const std::string& job, const nlohmann::ordered_json& data);

  // Adds a viewer, which gets what came after the event `last_id` first; a "gap" where that is no
  // longer known. Returns nothing where there are too many viewers.
  std::shared_ptr<net::HttpPush> add(const EventFilter& filter, const std::string& last_id);

  // Shows proxies and browsers that the connection lives. Forgets viewers that are gone.
  void keep_alive();

  size_t viewers() const { return viewers_.size(); }
  uint64_t dropped() const { return dropped_; }

 private:
  struct Kept {
    uint64_t number;
    std::string kind, job, text;
  };
  struct Viewer {
    EventFilter filter;
    std::shared_ptr<net::HttpPush> push = {};
    bool has_gap = false;
  };
  std::string id(uint64_t number) const;
  void send(Viewer& viewer, const Kept& event);

  const size_t max_viewers_;
  const std::string run_;  // of this start of the server: numbers begin anew with it
  uint64_t next_ = 1;
  uint64_t dropped_ = 0;
  std::deque<Kept> kept_;
  std::vector<Viewer> viewers_;
};

}  // namespace ringtrain::server
