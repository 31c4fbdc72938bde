// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/training_run.hpp"

#include <chrono>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <utility>
#include <variant>

#include "base/temporary_folder.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/commands/warm_rate.hpp"
#include "job/events.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::benchmarks {
namespace {

// Takes rate and share from the event of the result, if there is one.
void take_result(const std::string& line, StepSample& sample) {
  const auto record = parse_event(line);
  const auto* event = record ? std::get_if<ResultEvent>(&record->event) : nullptr;
  if (event == nullptr) return;
  const Seconds& seconds = event->result.seconds;
  sample.rate = event->result.samples_per_second;
  const double exposed = seconds.exposed_communication;
  sample.exposed_share = exposed / (seconds.compute + seconds.data_wait + exposed);
}

}  // namespace

void count_steady_steps(StepSample& sample, int64_t global_batch) {
  double slowest = std::numeric_limits<double>::infinity();
  for (const StepSeconds& steps : sample.steps) {
    const SteadySteps steady = steady_steps(steps);
    if (steady.steps_per_second() >= slowest) continue;
    slowest = steady.steps_per_second();
    sample.rate = slowest * static_cast<double>(global_batch);
    sample.why_not_steady = steady.why_not_steady;
  }
}

StepSample run_training(const launcher::RankLayout& layout, const TrainingJob& job) {
  const TemporaryFolder folder("ringtrain-bench.");
  const auto out = folder.path() / "out";
  std::vector<std::string> program = {launcher::find_worker(), job.file, "--events"};
  const auto set = [&](const std::string& key_and_value) {
    program.insert(program.end(), {"--set", key_and_value});
  };
  for (const std::string& one : job.set) set(one);
  set("output=" + out.string());
  set(job.traced ? "trace=true" : "trace=false");
  const std::string output = output_of_ranks(layout, program, std::chrono::minutes(10));
  StepSample sample;
  Lines lines;
  const auto take = [&](const std::string& line) { take_result(line, sample); };
  lines.feed(output, take);
  lines.finish(take);
  if (sample.rate <= 0) throw std::runtime_error("ringtrain-worker ended without a result");
  if (job.traced) {
    TraceTimes ranks = read_trace(out / "trace.json");
    sample.steps = std::move(ranks.steps);
    sample.usage = std::move(ranks.usage);
    sample.split = std::move(ranks.split);
    count_steady_steps(sample, job.global_batch);
  } else {
    sample.rate = rate_once_warm(output).value_or(sample.rate);
  }
  return sample;
}

}  // namespace ringtrain::benchmarks
