// SPDX-License-Identifier: Apache-2.0
#include "job/output_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace ringtrain {
namespace {

constexpr size_t kHead = 4;  // the mark, way, stream and end

}  // namespace

std::string print_output_line(const OutputLine& line) {
  std::string text =
      fmt::format("{}{}{}{}{} {}", kOutputMark, static_cast<char>(line.way), line.error ? 'e' : 'o',
                  line.rewrite ? 'r' : 'n', line.rank, line.text);
  // The byte before an event, and our own, would start a line.
  std::replace(text.begin() + 1, text.end(), '\x1e', '?');
  std::replace(text.begin() + 1, text.end(), kOutputMark, '?');
  return text;
}

std::optional<OutputLine> parse_output_line(std::string_view line) {
  if (line.size() < kHead + 2 || line[0] != kOutputMark) return std::nullopt;
  OutputLine found{.way = OutputLine::Way(line[1]),
                   .error = line[2] == 'e',
                   .rewrite = line[3] == 'r',
                   .text = {}};
  const char* const end = line.data() + line.size();
  const auto rank = std::from_chars(line.data() + kHead, end, found.rank);
  if (rank.ec != std::errc{} || rank.ptr == end || *rank.ptr != ' ') return std::nullopt;
  found.text.assign(rank.ptr + 1, end);
  return found;
}

}  // namespace ringtrain
