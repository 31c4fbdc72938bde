// SPDX-License-Identifier: Apache-2.0
// Jobs with a script in place of `ringtrain keep`: it holds the lock that it gets as standard input
// until the test lets it end, and writes the outcome that the test wants.
#include "server/jobs/jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "job/events.hpp"
#include "launcher/supervise/keep.hpp"
#include "server/problem.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::Contains;
using testing::HasSubstr;

class JobsTest : public testing::Test {
 protected:
  JobsTest() {
    folder_.write("data/d.h5", "");
    program_ = folder_.write("keeper", R"sh(#!/bin/sh
folder=$2
exec 9<&0
(while [ ! -e "$folder/end" ]; do sleep 0.005; done
 if [ -s "$folder/end" ]; then mv "$folder/end" "$folder/outcome.json"; fi) > /dev/null 2>&1 &
)sh");
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
    open();
  }
  ~JobsTest() override {
    std::vector<std::string> living;
    for (const auto& [name, job] : jobs_->active()) {
      if (job->lives()) living.push_back(name);
    }
    for (const std::string& name : living) end(name, RunStatus::finished);
  }

  void open() {
    jobs_.reset();
    jobs_ = std::make_unique<Jobs>(
        JobsOptions{.folder = folder_ / "server",
                    .program = program_,
                    .limits = {.data = {std::filesystem::canonical(folder_ / "data")}, .cores = 2}},
        [this](const std::string& kind, const std::string& job, const nlohmann::ordered_json&) {
          changes_.push_back(kind + " " + job);
        });
    jobs_->tick();
  }
  SubmittedJob submit(const std::string& name, int ranks = 1, const std::string& key = "",
                      const std::string& more = "") {
    const std::string text = "name: " + name + "\nmodel: lenet\ndataset: d.h5\n" + more;
    return jobs_->submit({.job_file = text, .ranks = ranks}, key, text);
  }
  std::string state(const std::string& name) { return jobs_->get(name).value("state", ""); }
  std::filesystem::path attempt(const std::string& name) {
    const JobFolder folder = jobs_->folder(name);
    return folder.attempt(folder.last_attempt());
  }
  // Ends the newest attempt with this outcome; none: as if it had been killed with its keeper.
  void end(const std::string& name, std::optional<RunStatus> status) {
    const auto run = attempt(name);
    std::string text;
    if (status) text = print_outcome({.status = *status, .cause = "the cause"});
    write_file(run / "end", text);
    while (launcher::run_lives(run)) ::usleep(1000);
    jobs_->tick();
  }
  int refused(const std::function<void()>& work) {
    try {
      work();
    } catch (const Problem& problem) {
      return problem.status();
    }
    return 0;
  }

  const TemporaryDirectory folder_;
  std::filesystem::path program_;
  std::vector<std::string> changes_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_F(JobsTest, RunAsCoresAllowInTheOrderInWhichTheyCame) {
  submit("first", 1);
  submit("second", 2);
  submit("third", 1);
  EXPECT_EQ(state("first"), "Starting");
  EXPECT_EQ(state("second"), "Queued");
  EXPECT_EQ(state("third"), "Queued");  // it would fit, but it is not its turn
  EXPECT_THAT(jobs_->get("second").value("why", ""), HasSubstr("waits for 2 of 2 cores, 1 free"));
  EXPECT_EQ(jobs_->get("third").value("queue_position", 0), 2);
  end("first", RunStatus::finished);
  EXPECT_EQ(state("first"), "Succeeded");
  EXPECT_EQ(state("second"), "Starting");
  EXPECT_EQ(state("third"), "Queued");
  end("second", RunStatus::failed);
  EXPECT_EQ(state("second"), "Failed");
  EXPECT_EQ(jobs_->get("second").value("why", ""), "the cause");
  EXPECT_EQ(state("third"), "Starting");
  EXPECT_THAT(changes_, Contains("end second"));
}

TEST_F(JobsTest, AreFoundAgainByTheNextServer) {
  submit("lives", 1);
  submit("waits", 2);
  open();
  EXPECT_EQ(state("lives"), "Starting");
  EXPECT_EQ(state("waits"), "Queued");
  // Nothing is started twice.
  EXPECT_EQ(jobs_->folder("lives").last_attempt(), 1);
  jobs_.reset();
  write_file(folder_ / "server/jobs/lives/attempts/1/end",
             print_outcome({.status = RunStatus::finished}));
  while (launcher::run_lives(folder_ / "server/jobs/lives/attempts/1")) ::usleep(1000);
  open();
  EXPECT_EQ(state("lives"), "Succeeded");
  EXPECT_EQ(state("waits"), "Starting");
}

TEST_F(JobsTest, SurviveTheLossOfTheIndex) {
  submit("done", 1);
  const std::string line = print_event(StepEvent{.step = 5, .steps = 10, .loss = 0.5}, 1);
  std::ofstream(attempt("done") / "events.jsonl") << line.substr(1) << "\n";
  end("done", RunStatus::finished);
  const auto before = jobs_->get("done");
  const auto points = jobs_->series("done").at("loss").bytes();
  jobs_.reset();
  for (const char* const how : {"deleted", "overwritten"}) {
    const auto index = folder_ / "server/index.db";
    if (how == std::string("deleted")) {
      std::filesystem::remove(index);
    } else {
      write_file(index, "what a mess");
    }
    std::filesystem::remove(index.string() + "-wal");
    open();
    EXPECT_EQ(jobs_->get("done"), before) << how;
    EXPECT_EQ(jobs_->series("done").at("loss").bytes(), points) << how;
    EXPECT_EQ(jobs_->list({}).total, 1u) << how;
    jobs_.reset();
  }
  open();
}

TEST_F(JobsTest, KeepWhatWasAskedWhereTheIndexDoesNotKnow) {
  submit("resumed", 1);
  jobs_->ask("resumed", Desired::stop, "me");
  end("resumed", RunStatus::cancelled);
  submit("deleted", 1);
  end("deleted", RunStatus::finished);
  jobs_.reset();
  // As a server that was killed before it could commit.
  const JobFolder resumed(folder_ / "server/jobs/resumed");
  resumed.append({.desired = Desired::run, .first_attempt = 2, .time = "2026-01-01T00:00:00Z"});
  JobFolder(folder_ / "server/jobs/deleted").append({.desired = Desired::remove});
  open();
  EXPECT_EQ(state("resumed"), "Starting");
  EXPECT_EQ(refused([&] { jobs_->get("deleted"); }), 404);
}

TEST_F(JobsTest, NeedNoIndexOnTheDisk) {
  submit("job", 1);
  jobs_.reset();
  for (const char* const part : {"", "-wal", "-shm"}) {
    std::filesystem::remove(folder_.path() / ("server/index.db" + std::string(part)));
  }
  std::filesystem::create_directory(folder_ / "server/index.db");  // cannot be opened
  open();
  EXPECT_EQ(state("job"), "Starting");
  EXPECT_EQ(jobs_->list({}).total, 1u);
  end("job", RunStatus::finished);
  EXPECT_EQ(state("job"), "Succeeded");
}

TEST_F(JobsTest, StartAgainWhenTheyAreLostAndGiveUpWithoutProgress) {
  submit("job", 1, "", "restarts: 1\n");
  end("job", std::nullopt);
  EXPECT_EQ(state("job"), "Starting");
  EXPECT_EQ(jobs_->folder("job").last_attempt(), 2);
  end("job", RunStatus::killed);
  EXPECT_EQ(state("job"), "Failed");
  EXPECT_EQ(jobs_->get("job").value("reason", ""), "Lost");
  jobs_->ask("job", Desired::run, "me");
  EXPECT_EQ(state("job"), "Starting");
  EXPECT_EQ(jobs_->folder("job").last_attempt(), 3);
}

TEST_F(JobsTest, StopAndResumeAndGo) {
  submit("job", 1);
  EXPECT_EQ(refused([&] { jobs_->ask("job", Desired::run, "me"); }), 409);
  EXPECT_EQ(jobs_->ask("job", Desired::stop, "me").value("state", ""), "Suspending");
  end("job", RunStatus::cancelled);
  EXPECT_EQ(state("job"), "Suspended");
  open();
  EXPECT_EQ(state("job"), "Suspended");
  jobs_->ask("job", Desired::stop, "me");  // once more changes nothing
  EXPECT_EQ(state("job"), "Suspended");
  jobs_->ask("job", Desired::run, "me");
  EXPECT_EQ(state("job"), "Starting");
  end("job", RunStatus::finished);
  EXPECT_EQ(refused([&] { jobs_->ask("job", Desired::run, "me"); }), 409);
  jobs_->ask("job", Desired::remove, "me");
  EXPECT_EQ(refused([&] { jobs_->get("job"); }), 404);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "server/jobs/job"));
  EXPECT_FALSE(std::filesystem::is_empty(folder_ / "server/trash"));
  submit("job", 1);
}

TEST_F(JobsTest, AreMadeOnceForAnIdempotencyKey) {
  EXPECT_TRUE(submit("job", 1, "key").is_new);
  EXPECT_FALSE(submit("job", 1, "key").is_new);
  open();
  EXPECT_FALSE(submit("job", 1, "key").is_new);
  EXPECT_EQ(refused([&] { submit("other", 1, "key"); }), 422);
  EXPECT_EQ(refused([&] { submit("job", 1, "new key"); }), 409);
  EXPECT_EQ(refused([&] { submit("job", 1); }), 409);
  EXPECT_EQ(jobs_->list({}).total, 1u);
}

TEST_F(JobsTest, RefuseWithEveryMistake) {
  try {
    submit("Bad.Name", 9);
    FAIL();
  } catch (const Problem& problem) {
    EXPECT_EQ(problem.status(), 422);
    ASSERT_EQ(problem.more().at("errors").size(), 2u);
    EXPECT_EQ(problem.more()["errors"][0]["path"], "name");
    EXPECT_EQ(problem.more()["errors"][1]["path"], "ranks");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "server/jobs"));
}

TEST_F(JobsTest, ShowRunsThatAServerDidNotStart) {
  const std::string line = print_event(StepEvent{.step = 5, .steps = 10, .loss = 0.5}, 1);
  folder_.write("server/my run/events.jsonl", line.substr(1) + "\n");
  write_outcome(folder_ / "server/my run/outcome.json", {.status = RunStatus::finished});
  folder_.write("server/cut/events.jsonl", line.substr(1) + "\n");
  open();
  EXPECT_EQ(state("my run"), "Succeeded");
  EXPECT_EQ(jobs_->get("my run").value("step", 0), 5);
  EXPECT_EQ(state("cut"), "Suspended");
  EXPECT_EQ(refused([&] { jobs_->ask("my run", Desired::remove, "me"); }), 409);
  for (const char* const none : {"..", ".", "jobs", "a/b", "trash", "", "nothing"}) {
    EXPECT_EQ(refused([&] { jobs_->get(none); }), 404) << none;
  }
}

}  // namespace
}  // namespace ringtrain::server
