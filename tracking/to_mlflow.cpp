// SPDX-License-Identifier: Apache-2.0
#include "tracking/to_mlflow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/deadline.hpp"

namespace ringtrain::tracking {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenPushes(2000);
constexpr milliseconds kFirstPause(500);
constexpr milliseconds kLongestPause(30'000);

}  // namespace

bool push_to_mlflow(MlflowPush& push, SharedRun& run, std::chrono::seconds after_end) {
  milliseconds pause = kFirstPause;
  bool has_warned = false;
  std::optional<Deadline> deadline;
  for (auto outcome = run.wait(milliseconds(0));; outcome = run.wait(pause)) {
    if (outcome && !deadline) deadline.emplace(after_end);
    try {
      while (push.push()) {
      }
      if (outcome) {
        push.finish(*outcome);
        return true;
      }
      pause = kBetweenPushes;
      has_warned = false;
    } catch (const net::HttpError& error) {
      if (!has_warned) warn(fmt::format("MLflow: {}; it is tried again", error.what()));
      has_warned = true;
      pause = pause == kBetweenPushes ? kFirstPause : std::min(2 * pause, kLongestPause);
      if (deadline && deadline->passed()) return false;
      // wait() does not pause once the run has ended.
      if (outcome) std::this_thread::sleep_for(std::min(pause, kBetweenPushes));
    } catch (const std::exception& error) {
      warn(fmt::format("MLflow at {}: {}; nothing more is pushed", push.state().url, error.what()));
      return false;
    }
  }
}

}  // namespace ringtrain::tracking
