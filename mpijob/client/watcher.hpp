// SPDX-License-Identifier: Apache-2.0
// Keeps several Watches up to date over one connection pool: lists, streams, and both again when a
// stream ends, its version has expired (410) or the connection was lost.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "mpijob/client/api_client.hpp"
#include "mpijob/client/watch.hpp"

namespace ringtrain::mpijob {

class Watcher {
 public:
  // All must outlive the object.
  Watcher(ApiClient& client, std::vector<Watch*> watches);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Returns true as soon as something has changed (the first lists count), false when the time is
  // over. A server that cannot be reached, or is overloaded, is tried again with growing pauses,
  // at most 15 s each; see problem(). Throws the ApiError of what trying again does not mend.
  bool wait(std::chrono::milliseconds at_most);

  // Why what we know may be old: the last failure, in one line. Empty while all is well.
  const std::string& problem() const { return problem_; }

 private:
  struct Follower;

  bool start(Follower& follower);
  bool list(Follower& follower);
  void open(Follower& follower);
  void failed(Follower& follower, const std::string& why);

  ApiClient& client_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::string problem_;
};

}  // namespace ringtrain::mpijob
