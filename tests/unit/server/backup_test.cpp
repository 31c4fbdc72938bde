// SPDX-License-Identifier: Apache-2.0
#include "server/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "job/outcome_file.hpp"
#include "server/api/tokens.hpp"
#include "server/jobs/jobs.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    fs::create_directories(from_ / "jobs");
    const Tokens tokens(from_);
    make("ended");
    fs::create_directories(from_ / "jobs/ended/attempts/1");
    write_outcome(from_ / "jobs/ended/attempts/1/outcome.json", {.status = RunStatus::finished});
    write_file(from_ / "jobs/ended/attempts/1/run.json", "{}");
    fs::create_directories(from_ / "jobs/ended/output/checkpoints");
    write_file(from_ / "jobs/ended/output/checkpoints/c", "weights");
    write_file(from_ / "jobs/ended/output/model.pt", std::string(kMostOutputBytes + 1, 'm'));
    write_file(from_ / "jobs/ended/output/result.json", "{}");
    make("waits");
  }
  void make(const std::string& name) {
    JobFolder::make(from_ / "jobs", {.name = name, .created = "2026-11-24T23:51:30.000Z"},
                    "name: " + name + "\n");
  }

  const TemporaryDirectory folder_;
  const fs::path from_ = folder_ / "server";
  const fs::path to_ = folder_ / "copy";
};

TEST_F(BackupTest, CopiesWhatAServerStartsOn) {
  fs::create_symlink("/etc/passwd", from_ / "jobs/ended/output/link");
  const BackupSummary summary = back_up(from_, to_);
  EXPECT_EQ(summary.jobs, 2u);
  EXPECT_EQ(summary.stopped, 1u);
  EXPECT_EQ(summary.left_out, 2u);  // the checkpoints and the model
  EXPECT_EQ(read_owner_token(to_), read_owner_token(from_));
  EXPECT_TRUE(fs::exists(to_ / "jobs/ended/output/result.json"));
  for (const char* const gone :
       {"output/checkpoints", "output/model.pt", "output/link", "attempts/1/run.json"}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(to_ / "jobs/ended" / gone))) << gone;
  }
  struct stat about {};
  ASSERT_EQ(::stat(to_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(BackupTest, RunsNothingBesideTheOriginal) {
  back_up(from_, to_);
  // No program: a job that were started would fail.
  Jobs jobs({.folder = to_, .limits = {.data = {folder_.path()}, .cores = 2}},
            [](const std::string&, const std::string&, const nlohmann::ordered_json&) {});
  jobs.tick();
  EXPECT_EQ(jobs.get("waits").value("state", ""), "Suspended");
  EXPECT_EQ(jobs.get("ended").value("state", ""), "Succeeded");
  EXPECT_TRUE(jobs.active().empty());
  EXPECT_EQ(JobFolder(from_ / "jobs/waits").read_intents().back().desired, Desired::run);
}

TEST_F(BackupTest, RefusesPlacesThatAreTakenOrItsOwn) {
  fs::create_directory(to_);
  EXPECT_THAT([&] { back_up(from_, to_); }, ThrowsError(ErrorKind::job, HasSubstr("exists")));
  EXPECT_THAT([&] { back_up(from_, from_ / "copy"); },
              ThrowsError(ErrorKind::job, HasSubstr("own folder")));
  EXPECT_THAT([&] { back_up(from_, folder_ / "none/copy"); },
              ThrowsError(ErrorKind::job, HasSubstr("make it first")));
  EXPECT_THAT([&] { back_up(to_, folder_ / "other"); },
              ThrowsError(ErrorKind::job, HasSubstr("no server has run")));
}

}  // namespace
}  // namespace ringtrain::server
