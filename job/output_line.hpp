// SPDX-License-Identifier: Apache-2.0
// Lines of a script on their way through mpirun to the terminal. They go by the stdout of the
// process around the rank, each behind a mark, because mpirun's own messages come on stderr and are
// sorted out there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringtrain {

inline constexpr char kOutputMark = '\x1f';

struct OutputLine {
  enum class Way : char {
    plain = 'p',   // rank 0, as it is
    tagged = 't',  // behind the rank
    first = 'f',   // the same, unless a rank has said it already
  };
  Way way = Way::plain;
  bool error = false;    // of stderr
  bool rewrite = false;  // ended by a carriage return: the next line is written over it
  int64_t rank = 0;
  std::string text;
  bool operator==(const OutputLine&) const = default;
};

// Returns the line without its newline.
std::string print_output_line(const OutputLine& line);
// Returns nothing for a line without the mark.
std::optional<OutputLine> parse_output_line(std::string_view line);

}  // namespace ringtrain
