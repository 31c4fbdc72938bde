// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace ringtrain {
namespace {

TEST(Text, IsTrimmedAtBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed("\"a \"", "\""), "a ");
}

TEST(Text, HasAFirstLine) {
  EXPECT_EQ(first_line("one\ntwo"), "one");
  EXPECT_EQ(first_line("one"), "one");
  EXPECT_EQ(first_line("\ntwo"), "");
}

TEST(Text, HasSecondsInTheUnitsOfAPerson) {
  EXPECT_EQ(print_seconds(4.21), "4.2 s");
  EXPECT_EQ(print_seconds(59.4), "59 s");
  EXPECT_EQ(print_seconds(59.7), "1 min 0 s");
  EXPECT_EQ(print_seconds(200), "3 min 20 s");
  EXPECT_EQ(print_seconds(7500), "2 h 5 min");
  EXPECT_EQ(print_seconds(-1), "? s");
  EXPECT_EQ(print_seconds(std::nan("")), "? s");
}

TEST(Text, HasSizesInTheUnitThatFits) {
  EXPECT_EQ(print_size(0), "0 bytes");
  EXPECT_EQ(print_size(1), "1 byte");
  EXPECT_EQ(print_size(1023), "1,023 bytes");
  EXPECT_EQ(print_size(1536), "1.5 KiB");
  EXPECT_EQ(print_size((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(print_size(uint64_t{3} << 29), "1.5 GiB");
  EXPECT_EQ(print_size(uint64_t{5000} << 40), "5000.0 TiB");
}

TEST(Text, HasCountsWithCommas) {
  EXPECT_EQ(print_count(0), "0");
  EXPECT_EQ(print_count(12.34), "12.3");
  EXPECT_EQ(print_count(999), "999");
  EXPECT_EQ(print_count(6712), "6,712");
  EXPECT_EQ(print_count(1234567), "1,234,567");
  EXPECT_EQ(print_count(-1234), "-1,234");
  EXPECT_EQ(print_count(std::nan("")), "?");
}

TEST(Text, CountsThingsInTheSingularAndThePlural) {
  EXPECT_EQ(counted(1, "rank"), "1 rank");
  EXPECT_EQ(counted(0, "rank"), "0 ranks");
  EXPECT_EQ(counted(uint64_t{1650}, "sample"), "1,650 samples");
  EXPECT_EQ(counted(2, "class", "classes"), "2 classes");
  EXPECT_EQ(counted(1, "class", "classes"), "1 class");
}

TEST(Text, IsWrappedAtSpaces) {
  EXPECT_EQ(wrapped("one two three", 8), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 20), "one two three");
  EXPECT_EQ(wrapped("one two three", 10, 4), "one\n    two\n    three");
  EXPECT_EQ(wrapped("longerthanthat it", 5), "longerthanthat\nit");
  EXPECT_EQ(wrapped("one\ntwo", 80, 2), "one\n  two");
  EXPECT_EQ(wrapped("", 10, 4), "");
}

TEST(Text, IsQuotedForAShellWhereItMustBe) {
  EXPECT_EQ(shell_quoted("optimizer.learning_rate=0.1"), "optimizer.learning_rate=0.1");
  EXPECT_EQ(shell_quoted("runs/my model"), "'runs/my model'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_quoted(""), "''");
}

TEST(Text, HasEightyColumnsWhereThereIsNoTerminal) { EXPECT_EQ(terminal_columns(-1), 80); }

}  // namespace
}  // namespace ringtrain
