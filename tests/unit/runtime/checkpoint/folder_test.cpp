// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/folder.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "tests/unit/runtime/checkpoint/checkpoint_files.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& path : list_checkpoints(folder)) names.push_back(path.filename().string());
  return names;
}

class Checkpoints : public testing::Test {
 protected:
  std::optional<FoundCheckpoint> newest() {
    return newest_good_checkpoint(folder_,
                                  [this](const std::string& w) { warnings_.push_back(w); });
  }

  TemporaryDirectory directory_;
  fs::path folder_ = directory_.path() / "out" / "checkpoints";
  std::vector<std::string> warnings_;
};

TEST_F(Checkpoints, AreFoundByTheirStepsNewestFirst) {
  EXPECT_THAT(names_in(folder_), IsEmpty());
  for (const int64_t step : {5, 100, 20, 123456789}) make_checkpoint(folder_, step);
  fs::create_directory(folder_ / "step-x");
  fs::create_directory(folder_ / "step-7.tmp");
  EXPECT_THAT(names_in(folder_),
              ElementsAre("step-123456789", "step-00000100", "step-00000020", "step-00000005"));
  EXPECT_EQ(newest()->manifest.state.step, 123456789);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(Checkpoints, ThatAreDamagedArePassedOverByName) {
  for (const int64_t step : {1, 2, 3, 4}) make_checkpoint(folder_, step);
  write_file(folder_ / "step-00000004" / "part", "the weightz");
  fs::remove(folder_ / "step-00000003" / "manifest.json");
  EXPECT_EQ(newest()->path, folder_ / "step-00000002");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("step-00000004/part"),
                                     HasSubstr("step-00000003/manifest.json")));

  fs::resize_file(folder_ / "step-00000002" / "part", 3);
  fs::remove_all(folder_ / "step-00000001");
  EXPECT_FALSE(newest());
}

TEST_F(Checkpoints, AppearWholeOrNotAtAll) {
  {
    PendingCheckpoint pending(folder_, 9);
    write_file(pending.path() / "part", "half");
    EXPECT_THAT(names_in(folder_), IsEmpty());
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  make_checkpoint(folder_, 9);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000009"));
}

TEST_F(Checkpoints, OfTheSameStepTakeThePlaceOfTheOld) {
  make_checkpoint(folder_, 9, {}, "old");
  make_checkpoint(folder_, 9, {}, "new");
  EXPECT_EQ(read_file(folder_ / "step-00000009" / "part"), "new");
  EXPECT_EQ(newest()->manifest.state.step, 9);
}

TEST_F(Checkpoints, ArePrunedToTheNewestAndTheBest) {
  make_checkpoint(folder_, 1, Evaluation{.loss = 1, .accuracy = 0.5});
  make_checkpoint(folder_, 2, Evaluation{.loss = 2, .accuracy = 0.9});
  make_checkpoint(folder_, 3, Evaluation{.loss = 1, .accuracy = 0.9});
  make_checkpoint(folder_, 4, Evaluation{.loss = 0, .accuracy = 0.8});
  make_checkpoint(folder_, 5);
  make_checkpoint(folder_, 6);
  prune_checkpoints(folder_, 2);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000006", "step-00000005", "step-00000003"));
  prune_checkpoints(folder_, 1);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000006", "step-00000003"));
}

TEST_F(Checkpoints, WithoutAccuracyTheLowestLossIsBest) {
  make_checkpoint(folder_, 1, Evaluation{.loss = 2});
  make_checkpoint(folder_, 2, Evaluation{.loss = 0.5, .rmse = std::vector{9.0}});
  make_checkpoint(folder_, 3, Evaluation{.loss = 1});
  make_checkpoint(folder_, 4);
  prune_checkpoints(folder_, 1);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000004", "step-00000002"));
}

TEST_F(Checkpoints, ThatCannotBeReadDoNotCountAsKept) {
  for (const int64_t step : {1, 2, 3}) make_checkpoint(folder_, step);
  write_file(folder_ / "step-00000003" / "manifest.json", "{");
  prune_checkpoints(folder_, 1);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000003", "step-00000002"));
  EXPECT_EQ(newest()->manifest.state.step, 2);
}

TEST_F(Checkpoints, LeaveNothingOfAKilledJobBehind) {
  make_checkpoint(folder_, 1);
  fs::create_directory(folder_ / ".step-00000002.4711");
  fs::create_directory(folder_ / ".step-00000001.removed");
  write_file(folder_ / "README", "of the user");
  prune_checkpoints(folder_, 1);
  EXPECT_FALSE(fs::exists(folder_ / ".step-00000002.4711"));
  EXPECT_FALSE(fs::exists(folder_ / ".step-00000001.removed"));
  EXPECT_TRUE(fs::exists(folder_ / "README"));
}

TEST_F(Checkpoints, OfAnEarlierRunAreSetAside) {
  for (const int64_t step : {1, 2, 3}) make_checkpoint(folder_, step);
  EXPECT_EQ(set_later_checkpoints_aside(folder_, 1), 2);
  EXPECT_THAT(names_in(folder_), ElementsAre("step-00000001"));
  const fs::path aside = folder_.string() + "-old";
  EXPECT_THAT(names_in(aside), ElementsAre("step-00000003", "step-00000002"));
  EXPECT_EQ(set_later_checkpoints_aside(folder_, 1), 0);  // nothing to move: what is there stays
  EXPECT_THAT(names_in(aside), ElementsAre("step-00000003", "step-00000002"));
  EXPECT_EQ(set_later_checkpoints_aside(folder_, -1), 1);
  EXPECT_THAT(names_in(aside), ElementsAre("step-00000001"));
}

TEST_F(Checkpoints, ThatCannotBeWrittenAreAnErrorThatNamesTheFolder) {
  write_file(directory_.path() / "file", "");
  try {
    PendingCheckpoint(directory_.path() / "file" / "checkpoints", 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    EXPECT_THAT(error.what(), HasSubstr("file/checkpoints: cannot make the folder"));
  }
}

}  // namespace
}  // namespace ringtrain
