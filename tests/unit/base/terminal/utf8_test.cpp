// SPDX-License-Identifier: Apache-2.0
#include "base/terminal/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ringtrain {
namespace {

using namespace std::literals;

TEST(Utf8, HasCharactersOfOneToFourBytes) {
  for (const std::string_view text :
       {"a"sv, "\xc3\xa4"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x98\x80"sv}) {
    EXPECT_EQ(first_character(std::string(text) + "b").bytes, text.size()) << text;
    EXPECT_TRUE(is_utf8_text(text)) << text;
  }
  EXPECT_EQ(first_character("\xe2\x82\xac"sv).code, 0x20acU);
  EXPECT_TRUE(is_utf8_text(""));
}

TEST(Utf8, HasNoneThatIsCutLongerThanNeededOrNoCharacter) {
  for (const std::string_view text :
       {"\x80"sv, "\xc3"sv, "\xc0\xaf"sv, "\xe0\x80\xaf"sv, "\xe2\x82"sv, "\xed\xa0\x80"sv,
        "\xf0\x80\x80\xaf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv}) {
    EXPECT_EQ(first_character(text).bytes, 0U);
    EXPECT_FALSE(is_utf8_text("a" + std::string(text)));
  }
}

TEST(Utf8, TextHasNoNul) { EXPECT_FALSE(is_utf8_text("a\0b"sv)); }

}  // namespace
}  // namespace ringtrain
