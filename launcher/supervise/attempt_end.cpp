// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/attempt_end.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::launcher {
namespace {

bool is_bad_input(const FailureEvent& failure) {
  return failure.exit_code == kExitBadJob || failure.exit_code == kExitBadData;
}

}  // namespace

AttemptEnd AttemptEnd::finished(Result result) {
  return {.kind = Kind::finished, .exit_code = 0, .result = std::move(result)};
}

AttemptEnd AttemptEnd::stopped(int signal, std::optional<int64_t> saved_step) {
  std::string cause = fmt::format("stopped by signal {} ({})", signal, ::strsignal(signal));
  if (saved_step) {
    cause += fmt::format("; the same command resumes from step {}",
                         print_count(static_cast<double>(*saved_step)));
  }
  return {.kind = Kind::stopped, .exit_code = 128 + signal, .cause = std::move(cause)};
}

AttemptEnd AttemptEnd::released() { return {.kind = Kind::released, .exit_code = 0}; }

AttemptEnd AttemptEnd::refused(const FailureEvent& failure) {
  return {.kind = Kind::refused,
          .exit_code = is_bad_input(failure) ? failure.exit_code : kExitFailed,
          .cause = describe(failure),
          .culprit = {failure.rank, failure.host}};
}

AttemptEnd AttemptEnd::lost(std::string cause, Culprit culprit) {
  return {.kind = Kind::lost,
          .exit_code = kExitFailed,
          .cause = std::move(cause),
          .culprit = std::move(culprit)};
}

std::string describe(const FailureEvent& failure) {
  if (is_bad_input(failure)) return failure.message;
  return fmt::format("rank {} on {}: {}", failure.rank, failure.host, failure.message);
}

}  // namespace ringtrain::launcher
