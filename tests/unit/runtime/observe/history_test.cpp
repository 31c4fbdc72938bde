// SPDX-License-Identifier: Apache-2.0
#include "runtime/observe/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

class HistoryTest : public testing::Test {
 protected:
  std::string text() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_ / "history.jsonl";
};

TEST_F(HistoryTest, HasALineForEveryObjectAsSoonAsItIsAppended) {
  History history(file_);
  EXPECT_EQ(text(), "");
  history.append(R"({"step":1})");
  EXPECT_EQ(text(), "{\"step\":1}\n");
  history.append(R"({"step":2})");
  EXPECT_EQ(text(), "{\"step\":1}\n{\"step\":2}\n");
}

TEST_F(HistoryTest, StartsEmptyForANewRun) {
  folder_.write("history.jsonl", "{\"step\":1}\n");
  const History history(file_);
  EXPECT_EQ(text(), "");
}

TEST_F(HistoryTest, KeepsTheLinesBeforeTheStepOfAResume) {
  folder_.write("history.jsonl", "{\"step\":10}\n{\"note\":1}\n{\"step\":20}\n{\"step\":30}\n");
  History history(file_, 20);
  EXPECT_EQ(text(), "{\"step\":10}\n{\"note\":1}\n");
  history.append(R"({"step":20})");
  EXPECT_EQ(text(), "{\"step\":10}\n{\"note\":1}\n{\"step\":20}\n");
}

TEST_F(HistoryTest, DropsTheLineOfAnEpochThatGoesOn) {
  folder_.write("history.jsonl", "{\"epoch\":1,\"step\":10}\n{\"epoch\":2,\"step\":14}\n");
  const History history(file_, 11);
  EXPECT_EQ(text(), "{\"epoch\":1,\"step\":10}\n");
}

TEST_F(HistoryTest, DropsTheHalfLineOfAKilledRun) {
  folder_.write("history.jsonl", "{\"step\":10}\n{\"step\":1");
  const History history(file_, 20);
  EXPECT_EQ(text(), "{\"step\":10}\n");
}

TEST_F(HistoryTest, CannotStartInAFolderThatIsMissing) {
  EXPECT_THAT([&] { History(folder_ / "none" / "history.jsonl"); },
              ThrowsError(ErrorKind::io, HasSubstr("history.jsonl")));
}

TEST_F(HistoryTest, BeginsANewLineAfterOneThatCouldNotBeWritten) {
  History history(file_);
  history.append(R"({"step":1})");
  std::filesystem::remove(file_);
  std::filesystem::create_directory(file_);  // in its place, what cannot be written to
  EXPECT_THAT([&] { history.append(R"({"step":2})"); },
              ThrowsError(ErrorKind::job, HasSubstr("is the disk full?")));
  std::filesystem::remove(file_);
  folder_.write("history.jsonl", "{\"st");
  history.append(R"({"step":3})");
  EXPECT_EQ(text(), "{\"st\n{\"step\":3}\n");
}

}  // namespace
}  // namespace ringtrain
