// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/seeded_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "datasets/reading/order.hpp"

namespace ringtrain::datasets {

SeededSplit::SeededSplit(uint64_t rows, double test_share, uint64_t seed)
    : rows_(rows), key_(mix(seed, 2)) {
  if (!(test_share > 0 && test_share < 1)) {
    throw data_error(fmt::format("a test share of {}; it must lie between 0 and 1", test_share));
  }
  if (rows < 2) throw data_error("the source has no rows to spare for a test split");
  const auto share = static_cast<uint64_t>(std::llround(static_cast<double>(rows) * test_share));
  test_rows_ = std::clamp<uint64_t>(share, 1, rows - 1);
}

SeededSplit::Place SeededSplit::operator()(uint64_t row) const {
  const uint64_t drawn = Permutation(rows_, key_)(row);
  if (drawn < test_rows_) return {Split::test, drawn};
  return {Split::train, drawn - test_rows_};
}

}  // namespace ringtrain::datasets
