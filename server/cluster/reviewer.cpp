// SPDX-License-Identifier: Apache-2.0
#include "server/cluster/reviewer.hpp"

#include <utility>

#include "net/sha256.hpp"

namespace ringtrain::server {
namespace {

using Clock = std::chrono::steady_clock;

// More than anybody honest asks for within the time that a review holds.
constexpr size_t kMostKnown = 4096;

std::string key_of(const std::string& token, const std::vector<ClusterRight>& rights) {
  std::string key = net::sha256(token);
  for (const ClusterRight& right : rights) key += "\n" + right.text();
  return key;
}

std::chrono::seconds lifetime(ClusterReview::Answer answer) {
  switch (answer) {
    case ClusterReview::Answer::allowed:
      return std::chrono::seconds(30);
    case ClusterReview::Answer::unreachable:
      return std::chrono::seconds(2);
    case ClusterReview::Answer::unknown_token:
    case ClusterReview::Answer::denied:
      break;
  }
  return std::chrono::seconds(10);
}

}  // namespace

Reviewer::Reviewer(Ask ask) : ask_(std::move(ask)), thread_([this] { work(); }) {}

// Requires: the lock.
const ClusterReview* Reviewer::find(const std::string& key) const {
  const auto found = known_.find(key);
  const bool holds = found != known_.end() && found->second.until > Clock::now();
  return holds ? &found->second.review : nullptr;
}

bool Reviewer::knows(const std::string& token, const std::vector<ClusterRight>& rights) {
  const std::lock_guard lock(mutex_);
  return find(key_of(token, rights)) != nullptr;
}

std::optional<ClusterReview> Reviewer::look(const std::string& token,
                                            const std::vector<ClusterRight>& rights,
                                            std::function<void()> done) {
  const std::string key = key_of(token, rights);
  const std::lock_guard lock(mutex_);
  if (const ClusterReview* const known = find(key)) return *known;
  if (stopped_ || tasks_.size() >= kMostKnown) {
    return ClusterReview{ClusterReview::Answer::unreachable, "",
                         "too many tokens are being looked at: try again"};
  }
  tasks_.push_back({key, token, rights, std::move(done)});
  changed_.notify_one();
  return std::nullopt;
}

void Reviewer::forget_old() {
  std::erase_if(known_, [](const auto& one) { return one.second.until <= Clock::now(); });
  if (known_.size() >= kMostKnown) known_.clear();
}

void Reviewer::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
    if (stopped_) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    if (find(task.key) == nullptr) {
      lock.unlock();
      const ClusterReview review = ask_(task.token, task.rights);
      lock.lock();
      if (stopped_) return;
      forget_old();
      known_[task.key] = {review, Clock::now() + lifetime(review.answer)};
    }
    lock.unlock();
    task.done();
  }
}

void Reviewer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace ringtrain::server
