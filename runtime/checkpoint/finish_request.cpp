// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/finish_request.hpp"

#include "job/outcome_file.hpp"

namespace ringtrain {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(200);

}  // namespace

bool FinishRequest::is_there(Clock::time_point now) {
  if (!is_there_ && now - looked_at_ >= kBetweenLooks) {
    looked_at_ = now;
    is_there_ = is_asked_to_finish(output_);
  }
  return is_there_;
}

}  // namespace ringtrain
