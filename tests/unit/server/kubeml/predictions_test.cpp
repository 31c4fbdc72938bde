// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/predictions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <string>
#include <thread>

#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

// A shell script in the place of Python.
class PredictionsTest : public testing::Test {
 protected:
  ~PredictionsTest() override { ::unsetenv("PYTHON_EXEC"); }

  void write_program(const std::string& line) {
    const auto program = folder_.write("program", "#!/bin/sh\n" + line + "\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    ::setenv("PYTHON_EXEC", program.c_str(), 1);
  }
  net::Answer start(Predictions& predictions, const std::string& body) const {
    return predictions.start(folder_.path(), folder_.path(), body);
  }
  static std::string body_of(Predictions& predictions, const net::Answer& answer) {
    while (predictions.running() > 0) {
      predictions.tick();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return answer.pending->then().body;
  }

  const TemporaryDirectory folder_;
};

TEST_F(PredictionsTest, AnswersWithWhatTheProcessPrints) {
  write_program("cat");
  Predictions predictions(1, seconds(600));
  const net::Answer answer = start(predictions, "{\"predictions\": [1]}\n");
  ASSERT_TRUE(answer.pending);
  EXPECT_EQ(status_of_refusal([&] { start(predictions, "{}\n"); }), 503);
  EXPECT_EQ(body_of(predictions, answer), "{\"predictions\": [1]}\n");
}

TEST_F(PredictionsTest, SaysWhyThereIsNone) {
  write_program("exit 3");
  Predictions predictions(1, seconds(600));
  EXPECT_THAT(body_of(predictions, start(predictions, "{}")), HasSubstr("ended with 3"));
  write_program("sleep 1000");
  Predictions hasty(1, seconds(0));
  EXPECT_THAT(body_of(hasty, start(hasty, "{}")), HasSubstr("\"code\":504"));
}

TEST_F(PredictionsTest, EndWithTheServer) {
  write_program("sleep 1000");
  Predictions predictions(1, seconds(600));
  start(predictions, "{}");
  predictions.stop();
  EXPECT_EQ(predictions.running(), 0U);
}

}  // namespace
}  // namespace ringtrain::server
