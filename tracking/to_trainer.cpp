// SPDX-License-Identifier: Apache-2.0
#include "tracking/to_trainer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace ringtrain::tracking {
namespace {

constexpr int kTriesAtTheEnd = 5;

}  // namespace

void post_to_trainer(const TrainerServer& server, SharedRun& run) {
  net::HttpClient http;
  bool has_warned = false;
  int tries = 0;  // since the end
  for (std::optional<Outcome> outcome;; outcome = run.wait(kBetweenTrainerPosts)) {
    const JobFigures figures = run.figures();
    if (figures.starts == 0 && !outcome) continue;
    try {
      const auto now = std::chrono::system_clock::now();
      if (!post_trainer_status(http, server, trainer_status(figures, now))) {
        warn(fmt::format("{}: refuses this job's progress: nothing more is sent", server.url));
        return;
      }
      if (outcome) return;
    } catch (const std::exception& error) {
      if (!has_warned) warn(fmt::format("progress of the TrainJob: {}; tried again", error.what()));
      has_warned = true;
      if (outcome && ++tries == kTriesAtTheEnd) return;
      if (outcome) std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }
}

}  // namespace ringtrain::tracking
