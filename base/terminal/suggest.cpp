// SPDX-License-Identifier: Apache-2.0
#include "base/terminal/suggest.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace ringtrain {

size_t edit_distance(std::string_view a, std::string_view b) {
  // Distances of a's first i characters from each prefix of b, and those of i - 1 and i - 2.
  std::vector<size_t> row(b.size() + 1), above(b.size() + 1), two_above(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    two_above = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
  }
  return row.back();
}

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  constexpr size_t kLongest = 64;
  if (word.empty() || word.size() > kLongest) return "";
  std::string best;
  size_t best_distance = (word.size() < 5 ? 1 : std::max<size_t>(2, word.size() / 3)) + 1;
  for (const std::string& candidate : candidates) {
    const bool is_part = candidate.starts_with(word) ||
                         (word.size() >= 3 && candidate.find(word) != std::string::npos);
    size_t distance = edit_distance(word, candidate);
    if (is_part) distance = std::min<size_t>(distance, 1);
    if (distance < best_distance && distance < candidate.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace ringtrain
