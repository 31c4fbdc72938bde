// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/watcher.hpp"

#include <algorithm>
#include <optional>

#include "base/deadline.hpp"
#include "mpijob/client/api_error.hpp"

namespace ringtrain::mpijob {
namespace {

using std::chrono::milliseconds;

constexpr int kStreamSeconds = 240;
constexpr milliseconds kFirstPause(200);
constexpr milliseconds kLongestPause(15'000);

bool is_temporary(long status) { return status == 0 || status == 429 || status >= 500; }

}  // namespace

struct Watcher::Follower {
  explicit Follower(Watch* given) : watch(given) {}

  Watch* watch;
  Transport::StreamPointer stream;
  std::optional<StreamEnd> end;
  bool changed = false;
  bool renewed = false;  // credentials, since the last success
  milliseconds pause = kFirstPause;
  Deadline next_try{milliseconds(0)};
};

Watcher::Watcher(ApiClient& client, const std::vector<Watch*>& watches) : client_(client) {
  for (Watch* watch : watches) followers_.push_back(std::make_unique<Follower>(watch));
}

Watcher::~Watcher() = default;

void Watcher::failed(Follower& follower, const std::string& why) {
  problem_ = why;
  follower.next_try = Deadline(follower.pause);
  follower.pause = std::min(follower.pause * 2, kLongestPause);
}

bool Watcher::list(Follower& follower) {
  try {
    Watch& watch = *follower.watch;
    watch.take_list(client_.list(watch.resource(), watch.selection()));
    problem_.clear();
    return true;
  } catch (const ApiError& error) {
    if (!is_temporary(error.status())) throw;
    failed(follower, error.what());
    return false;
  }
}

void Watcher::open(Follower& follower) {
  const Watch& watch = *follower.watch;
  ApiRequest request;
  request.target =
      address(watch.resource(), client_.name_space()) + "?" + watch.stream_query(kStreamSeconds);
  // The server ends the stream; one that does not is gone.
  request.timeout = std::chrono::seconds(kStreamSeconds + 30);
  // Keeps a server that ends every stream at once from being asked without pause.
  follower.next_try = Deadline(kFirstPause);
  follower.stream = client_.transport().open(
      request,
      [&follower](std::string_view bytes) {
        follower.changed = follower.watch->take(bytes) || follower.changed;
        follower.pause = kFirstPause;
        follower.renewed = false;
      },
      [&follower](const StreamEnd& end) { follower.end = end; });
}

// Starts a follower, or starts it again after its stream has ended. Returns whether a list came.
bool Watcher::start(Follower& follower) {
  if (follower.end) {
    const StreamEnd end = *std::exchange(follower.end, std::nullopt);
    follower.stream.reset();
    follower.watch->take_end();
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
      const auto refusal = [&] {
        return explain_refusal({"watch", watch.resource(), client_.name_space(), ""}, end.status,
                               end.body);
      };
      if (!is_temporary(end.status)) throw refusal();
      failed(follower, refusal().what());
    }
  }
  if (follower.stream || !follower.next_try.passed()) return false;
  bool listed = false;
  if (follower.watch->must_list()) {
    listed = list(follower);
    if (!listed) return false;
  }
  open(follower);
  return listed;
}

bool Watcher::wait(milliseconds at_most) {
  const Deadline deadline(at_most);
  for (;;) {
    bool changed = false;
    milliseconds pause = deadline.left();
    for (const auto& follower : followers_) {
      changed = start(*follower) || changed;
      changed = std::exchange(follower->changed, false) || changed;
      if (!follower->stream) pause = std::min(pause, follower->next_try.left());
    }
    if (changed) return true;
    if (deadline.passed()) return false;
    client_.transport().wait(std::max(milliseconds(1), pause));
  }
}

}  // namespace ringtrain::mpijob
