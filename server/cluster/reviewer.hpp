// SPDX-License-Identifier: Apache-2.0
// Reviews of users, asked for on a thread of their own, so that an API server that is slow or away
// stops nobody else; and kept for as long as Kubernetes keeps its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "server/cluster/reviews.hpp"

namespace ringtrain::server {

class Reviewer {
 public:
  using Ask =
      std::function<ClusterReview(const std::string& token, const std::vector<ClusterRight>&)>;

  // `ask` is called on the reviewer's thread alone.
  explicit Reviewer(Ask ask);
  ~Reviewer() { stop(); }
  Reviewer(const Reviewer&) = delete;
  Reviewer& operator=(const Reviewer&) = delete;

  // Returns what is known; nothing where it is asked for now, and `done` is called from the
  // reviewer's thread once it is known. Allowed holds for 30 s, a refusal for 10 s, and an API
  // server that was away for 2 s.
  std::optional<ClusterReview> look(const std::string& token,
                                    const std::vector<ClusterRight>& rights,
                                    std::function<void()> done);
  // Whether look() would return at once.
  bool knows(const std::string& token, const std::vector<ClusterRight>& rights);
  // Ends the thread; nothing is reviewed from now on, and no `done` is called.
  void stop();

 private:
  struct Known {
    ClusterReview review;
    std::chrono::steady_clock::time_point until;
  };
  struct Task {
    std::string key;
    std::string token;
    std::vector<ClusterRight> rights;
    std::function<void()> done;
  };

  const ClusterReview* find(const std::string& key) const;
  void work();
  void forget_old();

  const Ask ask_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Known> known_;  // by the token's hash and the rights
  std::deque<Task> tasks_;
  bool stopped_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace ringtrain::server
