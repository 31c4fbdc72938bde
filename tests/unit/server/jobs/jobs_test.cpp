// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/jobs.hpp"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "tests/unit/server/jobs_fixture.hpp"

namespace ringtrain::server {
namespace {

using testing::Contains;
using testing::HasSubstr;

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

TEST_F(JobsTest, HigherPrioritiesComeFirstAlsoForTheNextServer) {
  submit("runs", 2);
  submit("low", 2);
  submit("high", 2, "", "", 5);
  submit("raised", 2);
  EXPECT_EQ(jobs_->get("high").value("queue_position", 0), 1);
  EXPECT_EQ(jobs_->set_priority("raised", 7, "me").value("queue_position", 0), 1);
  open();
  EXPECT_EQ(jobs_->get("raised").value("priority", 0), 7);
  end("runs", RunStatus::finished);
  EXPECT_EQ(state("raised"), "Starting");
  EXPECT_EQ(jobs_->get("high").value("queue_position", 0), 1);
  EXPECT_EQ(jobs_->get("low").value("queue_position", 0), 2);
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

TEST_F(JobsTest, AFolderWhoseNameIsNotUtf8IsLeftOutAndHindersNobody) {
  submit("good", 1);
  jobs_.reset();
  const std::filesystem::path odd = folder_ / "server" / "caf\xe9";
  std::filesystem::create_directories(odd);
  write_file(odd / "events.jsonl", "");
  open();
  EXPECT_EQ(state("good"), "Starting");
  EXPECT_EQ(jobs_->list({}).total, 1u);
}

TEST_F(JobsTest, AnEndThatCannotBePassedOnIsShownAllTheSame) {
  on_end_ = [](const Job&) { throw std::runtime_error("no space"); };
  open();
  submit("ends", 1);
  submit("lives", 1);
  end("ends", RunStatus::finished);
  jobs_->tick();
  EXPECT_FALSE(jobs_->active().contains("ends"));
  EXPECT_EQ(jobs_->list({.states = {"Succeeded"}}).total, 1u);
  EXPECT_EQ(state("lives"), "Starting");
}

// While it lives, this process cannot make a file longer.
class FullDisk {
 public:
  FullDisk() : on_signal_before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, on_signal_before_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*const on_signal_before_)(int);
  rlimit before_{};
};

TEST_F(JobsTest, AnEndIsListedWhileTheDiskDoesNotTakeIt) {
  submit("ends", 1);
  const auto run = attempt("ends");
  write_file(run / "end", print_outcome({.status = RunStatus::finished}));
  while (launcher::run_lives(run)) ::usleep(1000);
  {
    const FullDisk full;
    for (int tick = 0; tick < 3; ++tick) {
      jobs_->tick();
      EXPECT_THAT(jobs_->list({}).rows.at(0).text, HasSubstr("Succeeded"));
    }
  }
  while (jobs_->active().contains("ends")) jobs_->tick();
  EXPECT_EQ(jobs_->list({.states = {"Succeeded"}}).total, 1u);
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
