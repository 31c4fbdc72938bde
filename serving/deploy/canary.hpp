// SPDX-License-Identifier: Apache-2.0
// When a new version of a model takes the old one's place: by their evaluations alone, once enough
// requests have shown that it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ringtrain::serving {

// Figures of `ringtrain evaluate --save`.
struct EvaluationFigures {
  std::string dataset;  // uuid
  std::string split;    // "test" or "train"
  double samples = 0;
  double loss = 0;                      // the mean; NaN where it was not finite
  std::optional<double> accuracy = {};  // none for targets that are measured
};

struct CanaryOptions {
  uint32_t percent = 10;  // of the requests
  uint64_t after = 1000;  // requests until it is judged
};

struct RequestCounts {
  uint64_t requests = 0;
  uint64_t failures = 0;  // that the model could not compute
};

// Returns whether request `number`, from 0, goes to the canary: `percent` of any hundred, evenly.
bool is_for_canary(uint64_t number, uint32_t percent);

// Returns why a version cannot be a canary of the current one; empty where it can: both are
// evaluated on the same split of the same dataset, and it is no worse.
std::string why_no_canary(const std::optional<EvaluationFigures>& current,
                          const std::optional<EvaluationFigures>& canary);

enum class Verdict { wait, promote, take_back };
struct Judgement {
  Verdict verdict = Verdict::wait;
  std::string why = {};
};

// Judges a canary that why_no_canary() let pass. current: since the canary began, or of its whole
// time where that is nothing.
Judgement judge_canary(const RequestCounts& current, const RequestCounts& canary, uint64_t after);

}  // namespace ringtrain::serving
