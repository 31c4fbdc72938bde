// SPDX-License-Identifier: Apache-2.0
// Work that would keep the server's one thread for too long, on a thread of its own.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <thread>

namespace ringtrain::server {

// The state that the work and its owner share.
struct BackgroundState {
  std::atomic<bool> cancelled = false;  // the work ends soon, however it likes
  std::atomic<double> progress = 0;     // 0 to 1
};

class Background {
 public:
  explicit Background(std::function<void(BackgroundState&)> work);
  ~Background();  // cancels it and waits
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // Returns whether the work is over. Throws what it has thrown.
  bool poll();
  double progress() const { return state_.progress; }

 private:
  BackgroundState state_;
  std::atomic<bool> over_ = false;
  std::exception_ptr thrown_;  // written before over_
  std::thread thread_;         // last: it uses the others
};

}  // namespace ringtrain::server
