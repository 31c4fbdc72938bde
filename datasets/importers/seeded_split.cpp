// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/seeded_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "base/mix.hpp"
#include "datasets/format/permutation.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kTestBit = uint64_t{1} << 63;

struct ClassRows {
  uint64_t rows = 0;
  uint64_t test_rows = 0;
  uint64_t seen = 0;
};

using Classes = std::map<int64_t, ClassRows>;  // by label

// Gives each class its share of `wanted` test rows, whole rows first, the rest to those that lack
// most of a row. Every class keeps a training row. Returns the number of rows that were given.
uint64_t share_out(Classes& classes, uint64_t rows, uint64_t wanted) {
  std::vector<std::pair<double, ClassRows*>> lacking;
  uint64_t given = 0;
  for (auto& [label, own] : classes) {
    const double exact =
        static_cast<double>(own.rows) * static_cast<double>(wanted) / static_cast<double>(rows);
    own.test_rows = std::min(static_cast<uint64_t>(exact), own.rows - 1);
    given += own.test_rows;
    if (own.test_rows < own.rows - 1) {
      lacking.emplace_back(exact - static_cast<double>(own.test_rows), &own);
    }
  }
  std::stable_sort(lacking.begin(), lacking.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [part, own] : lacking) {
    if (given == wanted) break;
    ++own->test_rows;
    ++given;
  }
  return given;
}

}  // namespace

SeededSplit::SeededSplit(uint64_t rows, double test_share, uint64_t seed, const std::string& source)
    : rows_(rows), key_(mix(seed, 2)) {
  if (!(test_share >= 0 && test_share < 1)) {
    throw job_error(fmt::format(
        "--test-share {}: must lie between 0 and 1, as 0.1; 0 takes no test rows", test_share));
  }
  if (test_share == 0) {
    test_rows_ = 0;
    return;
  }
  if (rows < 2) throw data_error(source + ": has no rows to spare for a test split");
  const auto share = static_cast<uint64_t>(std::llround(static_cast<double>(rows) * test_share));
  test_rows_ = std::clamp<uint64_t>(share, 1, rows - 1);
}

SeededSplit::SeededSplit(std::span<const int64_t> labels, double test_share, uint64_t seed,
                         const std::string& source)
    : SeededSplit(labels.size(), test_share, seed, source) {
  if (test_rows_ == 0) return;
  Classes classes;
  for (const int64_t label : labels) ++classes[label].rows;
  const uint64_t given = share_out(classes, rows_, test_rows_);
  if (given == 0) return;  // no class has a row to spare
  test_rows_ = given;
  std::array<uint64_t, 2> next = {0, 0};
  places_.reserve(rows_);
  for (const int64_t label : labels) {
    ClassRows& own = classes[label];
    const Permutation order(own.rows, mix(key_, static_cast<uint64_t>(label)));
    const bool test = order(own.seen++) < own.test_rows;
    places_.push_back(next[test ? 1 : 0]++ | (test ? kTestBit : 0));
  }
}

void SeededSplit::keep_order() {
  if (!places_.empty() || test_rows_ == 0) return;  // they are
  std::vector<uint64_t> places;
  places.reserve(rows_);
  std::array<uint64_t, 2> next = {0, 0};
  for (uint64_t row = 0; row < rows_; ++row) {
    const bool test = (*this)(row).split == Split::test;
    places.push_back(next[test ? 1 : 0]++ | (test ? kTestBit : 0));
  }
  places_ = std::move(places);
}

SeededSplit::Place SeededSplit::operator()(uint64_t row) const {
  if (test_rows_ == 0) return {Split::train, row};
  if (!places_.empty()) {
    const uint64_t place = places_.at(row);
    return {(place & kTestBit) != 0 ? Split::test : Split::train, place & ~kTestBit};
  }
  const uint64_t drawn = Permutation(rows_, key_)(row);
  if (drawn < test_rows_) return {Split::test, drawn};
  return {Split::train, drawn - test_rows_};
}

}  // namespace ringtrain::datasets
