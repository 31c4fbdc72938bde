// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/importers/arrays/array_source.hpp"

namespace ringtrain::datasets {

// The labels or the targets of a split's rows.
struct ArrayAnswers {
  std::vector<int64_t> labels;  // [rows]; empty with targets
  std::vector<float> targets;   // [rows, per_row]; empty with labels
  size_t per_row = 0;           // number of targets; 0: labels
  uint64_t classes = 0;         // of one-hot labels, as many as their columns; else 0
};

// Throws a data error unless samples x and answers y have as many rows.
void check_row_counts(const ArraySource& y, const ArraySource& x);

// Reads the answers to the samples x as `kind` says. Throws a data error: for another number of
// rows, a label that is no class, a target that is not finite, and where `automatic` cannot decide:
// for floats that are all whole numbers.
ArrayAnswers read_answers(ArraySource& y, const ArraySource& x, Answers kind);

// Returns a name for each target: the given ones, or "y", or "y0", "y1" and so on. Throws a data
// error if the given ones are not as many as the targets.
std::vector<std::string> target_names_for(const std::vector<std::string>& given, size_t targets,
                                          const std::string& source);

}  // namespace ringtrain::datasets
