// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringtrain {

inline constexpr std::string_view kWhiteSpace = " \t\r\n";

// Returns the part of the text without any of `characters` at both ends.
std::string_view trimmed(std::string_view text, std::string_view characters = kWhiteSpace);

// Returns the text before its first newline.
std::string first_line(std::string_view text);

// "4.2 s", "3 min 20 s", "2 h 5 min"; "? s" for what is negative or not finite.
std::string print_seconds(double seconds);

// "812 bytes", "1.5 KiB", "12.0 GiB": for all sizes of files and memory that people see.
std::string print_size(uint64_t bytes);

// "6,712", as counts and rates read best.
std::string print_count(double count);
template <std::integral T>
std::string print_count(T count) {
  return print_count(static_cast<double>(count));
}

// "1 rank", "2 ranks", "1,650 samples". `many`: the plural where it is more than `one` and an s.
std::string counted(double count, std::string_view one, std::string_view many = "");
template <std::integral T>
std::string counted(T count, std::string_view one, std::string_view many = "") {
  return counted(static_cast<double>(count), one, many);
}

// Breaks text at spaces, so that no line but one of a single long word has more than `columns`
// columns. The first line begins at column `indent`, and all others are indented as far. Line
// breaks of the text stay.
std::string wrapped(std::string_view text, size_t columns, size_t indent = 0);

// Returns the width of the terminal behind a descriptor, 80 where there is none.
size_t terminal_columns(int descriptor);

// Returns text as one argument of a POSIX shell, in quotes where it needs them.
std::string shell_quoted(std::string_view text);

}  // namespace ringtrain
