// SPDX-License-Identifier: Apache-2.0
// The word that somebody meant who wrote another one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringtrain {

// Number of characters that are inserted, deleted, replaced or swapped with their neighbour between
// two words (the restricted distance of Damerau and Levenshtein).
size_t edit_distance(std::string_view a, std::string_view b);

// Returns the candidate that is spelled most like `word`, the first of several; empty where none is
// close. A candidate that contains a word of three letters or more, or starts with it, is close.
std::string closest(std::string_view word, std::span<const std::string> candidates);

}  // namespace ringtrain
