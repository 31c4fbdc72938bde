// SPDX-License-Identifier: Apache-2.0
#include "serving/deploy/canary.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace ringtrain::serving {

bool is_for_canary(uint64_t number, uint32_t percent) {
  return (number + 1) * percent / 100 > number * percent / 100;
}

std::string why_no_canary(const std::optional<EvaluationFigures>& current,
                          const std::optional<EvaluationFigures>& canary) {
  constexpr const char* kHow = "'ringtrain evaluate MODEL DATASET --save' makes one";
  if (!current) return fmt::format("the current version has no evaluation: {}", kHow);
  if (!canary) return fmt::format("the new version has no evaluation: {}", kHow);
  if (current->dataset != canary->dataset || current->split != canary->split) {
    return fmt::format(
        "the versions are not evaluated on the same rows: {} of dataset {}, {} of dataset {}",
        current->split, current->dataset, canary->split, canary->dataset);
  }
  if (current->accuracy && canary->accuracy) {
    if (*canary->accuracy >= *current->accuracy) return "";
    return fmt::format("the new version is worse: accuracy {:.2f}% after {:.2f}%",
                       100 * *canary->accuracy, 100 * *current->accuracy);
  }
  if (canary->loss <= current->loss) return "";
  return fmt::format("the new version is worse: loss {:.4g} after {:.4g}", canary->loss,
                     current->loss);
}

Judgement judge_canary(const RequestCounts& current, const RequestCounts& canary, uint64_t after) {
  const double rate = current.requests == 0 ? 0
                                            : static_cast<double>(current.failures) /
                                                  static_cast<double>(current.requests);
  if (static_cast<double>(canary.failures) > rate * static_cast<double>(after)) {
    return {Verdict::take_back,
            fmt::format("it could not compute {} of {}, more than the version before it",
                        print_count(canary.failures), counted(canary.requests, "request"))};
  }
  if (canary.requests < after) return {};
  return {Verdict::promote, fmt::format("its evaluation is no worse, and it answered {}",
                                        counted(canary.requests, "request"))};
}

}  // namespace ringtrain::serving
