// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/watcher.hpp"

#include <algorithm>
#include <optional>

#include "mpijob/client/api_error.hpp"

namespace ringtrain::mpijob {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int stream_seconds = 240;
constexpr milliseconds first_pause(200);
constexpr milliseconds longest_pause(15'000);

bool mends_itself(long status) { return status == 0 || status == 429 || status >= 500; }

}  // namespace

struct Watcher::Follower {
  explicit Follower(Watch* given) : watch(given) {}

  Watch* watch;
  Transport::StreamPointer stream;
  std::optional<StreamEnd> end;
  bool changed = false;
  bool renewed = false;  // credentials, since the last success
  milliseconds pause = first_pause;
  Clock::time_point not_before = Clock::now();
  Clock::time_point opened;
};

Watcher::Watcher(ApiClient& client, std::vector<Watch*> watches) : client_(client) {
  for (Watch* watch : watches) followers_.push_back(std::make_unique<Follower>(watch));
}

Watcher::~Watcher() = default;

void Watcher::failed(Follower& follower, const std::string& why) {
  problem_ = why;
  follower.not_before = Clock::now() + follower.pause;
  follower.pause = std::min(follower.pause * 2, longest_pause);
}

bool Watcher::list(Follower& follower) {
  try {
    Watch& watch = *follower.watch;
    watch.take_list(client_.list(watch.resource(), watch.selection()));
    problem_.clear();
    return true;
  } catch (const ApiError& error) {
    if (!mends_itself(error.status())) throw;
    failed(follower, error.what());
    return false;
  }
}

void Watcher::open(Follower& follower) {
  const Watch& watch = *follower.watch;
  ApiRequest request;
  request.target =
      address(watch.resource(), client_.name_space()) + "?" + watch.stream_query(stream_seconds);
  // The server ends the stream; where it does not, it is gone.
  request.timeout = std::chrono::seconds(stream_seconds + 30);
  follower.opened = Clock::now();
  follower.stream = client_.transport().open(
      request,
      [&follower](std::string_view bytes) {
        follower.changed = follower.watch->take(bytes) || follower.changed;
        follower.pause = first_pause;
        follower.renewed = false;
      },
      [&follower](const StreamEnd& end) { follower.end = end; });
}

// Brings a follower on its way. True where a list has come.
bool Watcher::start(Follower& follower) {
  if (follower.end) {
    const StreamEnd end = *std::exchange(follower.end, std::nullopt);
    follower.stream.reset();
    follower.watch->take_end();
    // A server that ends every stream at once is not asked without pause.
    follower.not_before = follower.opened + first_pause;
    if (end.status == 410) {
      follower.watch->forget_version();
    } else if (end.status == 401 && !follower.renewed) {
      follower.renewed = true;
      client_.transport().renew_credentials();
    } else if (end.status == 0) {
      follower.watch->forget_version();
      failed(follower, "the connection to the API server was lost: " + end.problem);
    } else if (end.status != 200) {
      const Watch& watch = *follower.watch;
      const ApiError error = explain_refusal({"watch", watch.resource(), client_.name_space(), ""},
                                             end.status, end.body);
      if (!mends_itself(end.status)) throw error;
      failed(follower, error.what());
    }
  }
  if (follower.stream || Clock::now() < follower.not_before) return false;
  bool listed = false;
  if (follower.watch->must_list()) {
    listed = list(follower);
    if (!listed) return false;
  }
  open(follower);
  return listed;
}

bool Watcher::wait(milliseconds at_most) {
  const auto deadline = Clock::now() + at_most;
  for (;;) {
    bool changed = false;
    Clock::time_point wake = deadline;
    for (const auto& follower : followers_) {
      changed = start(*follower) || changed;
      changed = std::exchange(follower->changed, false) || changed;
      if (!follower->stream) wake = std::min(wake, follower->not_before);
    }
    if (changed) return true;
    const auto now = Clock::now();
    if (now >= deadline) return false;
    client_.transport().wait(
        std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(wake - now)));
  }
}

}  // namespace ringtrain::mpijob
