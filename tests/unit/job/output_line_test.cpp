// SPDX-License-Identifier: Apache-2.0
#include "job/output_line.hpp"

#include <gtest/gtest.h>

namespace ringtrain {
namespace {

TEST(AnOutputLine, ComesBackAsItWas) {
  for (const OutputLine& line :
       {OutputLine{}, OutputLine{OutputLine::Way::first, true, true, 12, "text with  spaces "}}) {
    EXPECT_EQ(parse_output_line(print_output_line(line)), line);
  }
}

TEST(AnOutputLine, CannotPretendToBeAnEvent) {
  const OutputLine line{.text = "a\x1e{\"event\": \"result\"}\x1fpn0 b"};
  const std::string printed = print_output_line(line);
  EXPECT_EQ(printed.find('\x1e'), std::string::npos);
  EXPECT_EQ(printed.rfind(kOutputMark), 0);
}

TEST(AnOutputLine, IsNoOtherLine) {
  for (const char* text : {"", "text", "\x1f", "\x1fpon", "\x1fponx text", "\x1fpon0"}) {
    EXPECT_EQ(parse_output_line(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace ringtrain
