// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace ringtrain {
namespace {

constexpr const char* kTime = "20..-..-..T..:..:..\\....Z";

TEST(Log, HasTimeAndLevelBeforeEachText) {
  testing::internal::CaptureStderr();
  log_info("epoch 3 {} %s");
  log_warning("slow");
  log_error("lost");
  const std::string time = kTime;
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::MatchesRegex(time + " info epoch 3 \\{\\} %s\n" + time + " warning slow\n" +
                                    time + " error lost\n"));
}

TEST(Log, KeepsLinesOfThreadsApart) {
  constexpr int kLines = 200;
  testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    for (const char letter : {'a', 'b', 'c'}) {
      threads.emplace_back([letter] {
        for (int line = 0; line < kLines; ++line) log_info(std::string(50, letter));
      });
    }
  }
  const std::string printed = testing::internal::GetCapturedStderr();
  for (const char letter : {'a', 'b', 'c'}) {
    const std::string line = " info " + std::string(50, letter) + "\n";
    int seen = 0;
    for (size_t at = 0; (at = printed.find(line, at)) != std::string::npos; ++at) ++seen;
    EXPECT_EQ(seen, kLines) << letter;
  }
}

}  // namespace
}  // namespace ringtrain
