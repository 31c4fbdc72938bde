// SPDX-License-Identifier: Apache-2.0
// Keeps several Watches up to date: lists, opens streams, and does both again when a stream ends,
// its version has expired (410) or the connection was lost.
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
  Watcher(ApiClient& client, const std::vector<Watch*>& watches);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Returns true as soon as something has changed (the first lists count), false after `at_most`.
  // Tries a server that cannot be reached, or is overloaded, again with growing pauses of at most
  // 15 s; see problem(). Throws an ApiError that trying again does not mend.
  bool wait(std::chrono::milliseconds at_most);

  // The last failure, in one line, while the objects may be out of date; else empty.
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
