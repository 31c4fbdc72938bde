// SPDX-License-Identifier: Apache-2.0
#include "tracking/job_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace ringtrain::tracking {
namespace {

using testing::HasSubstr;
using testing::Not;

JobFigures figures_of_a_run() {
  JobFigures figures;
  figures.take({StartedEvent{.placement = {{0, "n1", "cpu"}, {1, "n2", "cuda:0"}},
                             .world_size = 2,
                             .steps = 10,
                             .epochs = 1,
                             .communication = "mpi"},
                Time{}, 1});
  figures.take(
      {StepEvent{.epoch = 1, .epochs = 1, .step = 5, .steps = 10, .loss = 0.5}, Time{}, 1});
  figures.take({RanksEvent{.step = 5, .samples_seen = 40, .step_seconds = {0.5, 0.25}}, Time{}, 1});
  return figures;
}

std::string text_of(const ShownJob& job) {
  MetricsText text;
  add_jobs(text, {job});
  return text.take();
}

TEST(JobMetrics, ShowAJob) {
  const JobFigures figures = figures_of_a_run();
  const std::string text = text_of(
      {.name = "a", .model = "mlp", .dataset = "d.h5", .state = "Running", .figures = &figures});
  EXPECT_THAT(text, HasSubstr("ringtrain_job_info{job=\"a\",model=\"mlp\",dataset=\"d.h5\","
                              "order_hash=\"\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_job_state{job=\"a\",state=\"Running\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_job_state{job=\"a\",state=\"Failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_samples_total{job=\"a\"} 40\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_progress_ratio{job=\"a\"} 0.5\n"));
  EXPECT_THAT(text,
              HasSubstr("ringtrain_rank_step_seconds{job=\"a\",rank=\"1\",host=\"n2\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_rank_info{job=\"a\",rank=\"1\",host=\"n2\",pod=\"\","
                              "device=\"cuda:0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("ringtrain_restarts_total{job=\"a\",cause=\"killed\"} 0\n"));
  // No evaluation yet, so no value.
  EXPECT_THAT(text, Not(HasSubstr("ringtrain_validation_loss{")));
}

TEST(JobMetrics, OfARunThatEndedEarlyAreComplete) {
  JobFigures figures = figures_of_a_run();
  ResultEvent end;
  end.result.status = "finished";
  end.result.steps = 6;
  figures.take({end, Time{}, 1});
  EXPECT_THAT(text_of({.name = "a", .state = "Succeeded", .figures = &figures}),
              HasSubstr("ringtrain_progress_ratio{job=\"a\"} 1\n"));
}

TEST(JobMetrics, NameThePodOfARank) {
  const JobFigures figures = figures_of_a_run();
  EXPECT_THAT(text_of({.name = "a", .state = "Running", .in_pods = true, .figures = &figures}),
              HasSubstr("host=\"n2\",pod=\"n2\""));
}

TEST(JobMetrics, KnowTheStateOfARunThatLives) {
  JobFigures figures;
  EXPECT_EQ(living_state(figures), "Starting");
  figures = figures_of_a_run();
  EXPECT_EQ(living_state(figures), "Running");
  figures.take({LostHostEvent{"n2"}, Time{}, 1});
  EXPECT_EQ(living_state(figures), "Restarting");
}

#ifdef PROMTOOL
TEST(JobMetrics, AreFineForPromtool) {
  const JobFigures figures = figures_of_a_run();
  Histogram histogram({0.5});
  histogram.add(0.25);
  MetricsText text;
  add_jobs(text, {{.name = "a\"\\\n", .state = "Running", .figures = &figures}});
  text.family("ringtrain_queue_wait_seconds", MetricsText::Type::histogram, "Help.");
  text.sample({}, histogram);
  std::FILE* const promtool = ::popen(PROMTOOL " check metrics >&2", "w");
  ASSERT_NE(promtool, nullptr);
  std::fputs(text.take().c_str(), promtool);
  EXPECT_EQ(::pclose(promtool), 0);
}
#endif

}  // namespace
}  // namespace ringtrain::tracking
