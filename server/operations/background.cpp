// SPDX-License-Identifier: Apache-2.0
#include "server/operations/background.hpp"

#include <utility>

namespace ringtrain::server {

Background::Background(std::function<void(BackgroundState&)> work)
    : thread_([this, work = std::move(work)] {
        try {
          work(state_);
        } catch (...) {
          thrown_ = std::current_exception();
        }
        over_ = true;
      }) {}

Background::~Background() {
  state_.cancelled = true;
  thread_.join();
}

bool Background::poll() {
  if (!over_) return false;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  return true;
}

}  // namespace ringtrain::server
