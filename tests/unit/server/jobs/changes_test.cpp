// SPDX-License-Identifier: Apache-2.0
// Changes of jobs that are there: stop, resume, finish, scale, clone, delete.
#include "tests/unit/server/jobs_fixture.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

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

TEST_F(JobsTest, FinishWithTheirModelOnceTheyRun) {
  submit("waits", 2);
  submit("other", 2);
  EXPECT_EQ(refused([&] { jobs_->ask("other", Desired::finish, "me"); }), 409);
  EXPECT_EQ(jobs_->ask("waits", Desired::finish, "me").value("state", ""), "Finishing");
  const auto output = folder_ / "server/jobs/waits/output";
  EXPECT_TRUE(is_asked_to_finish(output));
  // The run takes the request away when it has its result; nobody asks it again.
  forget_finish_request(output);
  jobs_->tick();
  EXPECT_FALSE(is_asked_to_finish(output));
  // A run that is lost before that is started again, and asked again.
  end("waits", RunStatus::killed);
  EXPECT_EQ(state("waits"), "Finishing");
  EXPECT_TRUE(is_asked_to_finish(output));
  // A stop is for a later resume.
  jobs_->ask("waits", Desired::stop, "me");
  EXPECT_FALSE(is_asked_to_finish(output));
  end("waits", RunStatus::cancelled);
  EXPECT_EQ(state("waits"), "Suspended");
  EXPECT_EQ(refused([&] { jobs_->ask("waits", Desired::finish, "me"); }), 409);
}

TEST_F(JobsTest, ContinueOnOtherRanks) {
  submit("job", 2);
  submit("next", 2);
  EXPECT_EQ(refused([&] { jobs_->scale("job", 3, "me"); }), 422);
  EXPECT_EQ(refused([&] { jobs_->scale("job", 0, "me"); }), 422);
  EXPECT_EQ(refused([&] { jobs_->scale("none", 1, "me"); }), 404);
  jobs_->scale("job", 1, "me");
  EXPECT_EQ(state("job"), "Restarting");
  EXPECT_EQ(jobs_->busy_cores(), 2) << "until it has ended";
  end("job", RunStatus::cancelled);
  EXPECT_EQ(state("job"), "Starting") << "before the one that came later";
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 1);
  EXPECT_EQ(state("next"), "Queued");
  EXPECT_EQ(jobs_->scale("next", 1, "me").value("state", ""), "Starting");
  open();
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 1);
  jobs_->ask("job", Desired::stop, "me");
  end("job", RunStatus::cancelled);
  jobs_->scale("job", 2, "me");
  EXPECT_EQ(state("job"), "Suspended");
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 2);
  open();
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 2);
}

TEST_F(JobsTest, ThatEndBeforeTheyCouldBeScaledAreComplete) {
  submit("job", 2);
  jobs_->scale("job", 1, "me");
  end("job", RunStatus::finished);
  EXPECT_EQ(state("job"), "Succeeded");
  EXPECT_EQ(refused([&] { jobs_->scale("job", 2, "me"); }), 409);
}

TEST_F(JobsTest, AreClonedUnderTheNextNameThatIsFree) {
  submit("job", 2);
  const auto clone = [&](const std::string& name) {
    return jobs_->submit(jobs_->copy_of(name), "", "").name;
  };
  EXPECT_EQ(clone("job"), "job-2");
  EXPECT_EQ(clone("job"), "job-3");
  EXPECT_EQ(clone("job-2"), "job-4");
  EXPECT_EQ(jobs_->get("job-2").value("parent", ""), "job");
  EXPECT_EQ(jobs_->get("job-2").value("ranks", 0), 2);
  EXPECT_EQ(refused([&] { clone("none"); }), 404);
}

TEST_F(JobsTest, ArePlannedFromEarlierOnes) {
  submit("job", 1);
  const auto line = [](const Event& event) { return print_event(event, 1).substr(1) + "\n"; };
  std::string events = line(StartedEvent{{}, 1, 0, 200, 10, ""});
  for (int step = 1; step <= 20; ++step) {
    events += line(StepEvent{.epochs = 10, .step = step, .steps = 200, .samples_per_second = 512});
  }
  write_file(attempt("job") / "events.jsonl", events);
  end("job", RunStatus::finished);
  const CheckedJob checked = jobs_->check(
      {.job_file = "name: other\nmodel: lenet\ndataset: d.h5\nepochs: 4\n", .ranks = 1});
  EXPECT_EQ(jobs_->plan(checked).dump(),
            R"({"steps":80,"seconds":20.0,"like":"job","starts":"now"})");
}

TEST_F(JobsTest, GetMoreRanksWhereThatPaysAndTheyAskForIt) {
  const std::string elastic = "epochs: 10\nelastic: throughput\nworkers: {min: 1, max: 2}\n";
  submit("job", 0, "", elastic);
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 1);
  const auto line = [](const Event& event) { return print_event(event, 1).substr(1) + "\n"; };
  std::string events = line(StartedEvent{{}, 1, 0, 1000000, 10, ""});
  for (int step = 1; step <= 20; ++step) {
    events += line(StepEvent{.step = step, .steps = 1000000, .samples_per_second = 512});
  }
  write_file(attempt("job") / "events.jsonl", events);
  jobs_->tick();
  open();  // looks at once
  EXPECT_EQ(state("job"), "Restarting");
  EXPECT_THAT(jobs_->get("job").value("why", ""), HasSubstr("then starts on 2 ranks"));
  end("job", RunStatus::cancelled);
  EXPECT_EQ(jobs_->get("job").value("ranks", 0), 2);
  EXPECT_EQ(refused([&] { submit("no-room", 1, "", "elastic: throughput\n"); }), 422);
}

}  // namespace
}  // namespace ringtrain::server
