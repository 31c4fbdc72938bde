// SPDX-License-Identifier: Apache-2.0
#include "runtime/worker/job_run.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "job/choice_names.hpp"
#include "job/outcome_file.hpp"
#include "runtime/checkpoint/load_pretrained.hpp"
#include "runtime/device/device.hpp"
#include "runtime/observe/history.hpp"
#include "runtime/observe/progress.hpp"
#include "runtime/observe/trace.hpp"
#include "runtime/train/model_options.hpp"
#include "runtime/train/precision.hpp"
#include "runtime/train/reader_options.hpp"
#include "runtime/train/stop_at.hpp"
#include "runtime/train/trainer.hpp"
#include "runtime/worker/agreement.hpp"
#include "runtime/worker/output.hpp"
#include "runtime/worker/run_on_all_ranks.hpp"
#include "runtime/worker/trace_files.hpp"

namespace ringtrain {
namespace {

// Gives torch this rank's share of the node's cores, unless the environment says otherwise.
void set_threads(const World& world) {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    at::set_num_threads(std::max(1, cores / world.node().size()));
  }
  at::set_num_interop_threads(1);
}

// A job on this rank: first what the ranks have agreed on, then what this rank makes of it.
class JobRun {
 public:
  JobRun(const World& world, const WorkerOptions& options, const Reporter& reporter, double started)
      : world_(world),
        reporter_(reporter),
        started_(started),
        job_(agree_on_job(world, options.job_file, options.overrides,
                          options.events ? nullptr : &notes_)),
        output_url_(take_output_url(job_)),
        dataset_(agree_on_dataset(world, job_)) {}

  void run() {
    set_threads(world_);
    open_output();
    point_ = agree_on_resume_point(world_, job_, dataset_, reporter_);
    if (point_) end_where_it_ended();
    if (point_ && already_complete()) return;
    make_model();
    Result result = train();
    if (result.status != "stopped") save(std::move(result));
    run_on_all_ranks(world_, [&] { finish(output_); });
  }

 private:
  auto log() const {
    return [this](const std::string& line) { reporter_.log(line); };
  }
  auto warn() const {
    return [this](const std::string& line) { reporter_.warn(line); };
  }

  void open_output();
  void end_where_it_ended();
  bool already_complete();
  void make_model();
  std::vector<RankPlacement> placement() const;
  Result train();
  void report_start(const Trainer& trainer) const;
  void report_shared_gpus() const;
  void report_stop(const Result& result, const std::filesystem::path& checkpoint) const;
  void save(Result result);

  const World& world_;
  const Reporter& reporter_;
  double started_;
  std::vector<std::string> notes_;  // on the job's keys, unless `ringtrain run` has printed them
  JobSpec job_;
  const std::string output_url_;
  datasets::DatasetIndex dataset_;
  Length length_;
  std::optional<Output> output_;  // on rank 0 alone
  std::optional<ResumePoint> point_;
  std::unique_ptr<Device> device_;
  JobSpec::Precision precision_ = JobSpec::Precision::automatic;
  std::unique_ptr<Model> model_;
  std::optional<History> history_;  // on rank 0 alone
  std::optional<Trace> trace_;
  std::vector<RankPlacement> placement_;
};

void JobRun::open_output() {
  run_on_all_ranks(world_, [&] {
    length_ = length_of(job_, dataset_, world_.size());
    check_task(job_, task_of(dataset_));
    if (world_.rank() == 0) output_.emplace(job_.output, output_url_);
  });
}

// A run that reached its goal, or was asked to finish, ends at the checkpoint that it resumes from.
void JobRun::end_where_it_ended() {
  const TrainingState& state = point_->state;
  if (state.step >= length_.steps) return;
  const auto tested = state.evaluation();
  std::string why;
  if (tested && is_reached(job_.stop_at, *tested)) why = "stop_at is reached";
  if (output_ && is_asked_to_finish(job_.output)) why = "asked to finish";
  why = world_.broadcast(why);
  if (why.empty()) return;
  reporter_.log(fmt::format("{}: the job ends at step {} of {}, of {}", why, state.step,
                            length_.steps, point_->path.string()));
  length_.steps = state.step;
}

// Returns true on every rank if the job was complete before, and reports its result again.
bool JobRun::already_complete() {
  const TrainingState& state = point_->state;
  std::string found;
  run_on_all_ranks(world_, [&] {
    if (!output_ || state.step < length_.steps) return;
    const bool closed = state.closed_step == state.step;
    const std::optional<Result> result = closed ? output_->result_of(state.step) : std::nullopt;
    if (result) found = print_result(*result);
    if (!result && state.step > length_.steps) {
      throw job_error(
          fmt::format("{} is at step {}, past the end of this job at {}: raise epochs or "
                      "max_steps, or set checkpoint.resume=never to start over",
                      point_->path.string(), state.step, length_.steps));
    }
  });
  found = world_.broadcast(found);
  if (found.empty()) return false;
  if (output_) forget_finish_request(job_.output);
  const int64_t whole = job_.epochs * length_.steps_per_epoch;
  const int64_t most = std::min(whole, job_.max_steps.value_or(whole));
  const char* const key = length_.steps < most    ? "stop_at"
                          : length_.steps < whole ? "max_steps"
                                                  : "epochs";
  reporter_.log(
      fmt::format("{} is already complete after {}, nothing to do; raise `{}` to continue, or set "
                  "checkpoint.resume=never to start over",
                  job_.output.string(), counted(state.step, "step"), key));
  reporter_.event(ResultEvent{parse_result(found).value()}, "");
  return true;
}

void JobRun::make_model() {
  run_on_all_ranks(world_, [&] {
    device_ = make_device(job_.device, world_.node().rank(), log());
    precision_ = precision_on(*device_, job_);
    model_ = ringtrain::make_model(model_options(job_, dataset_));
    if (output_ && !point_ && !job_.initialize_from.empty()) {
      load_pretrained(job_.initialize_from, *model_, log(), warn(), cache_options(job_));
    }
    model_->to(device_->torch());
    if (!output_) return;
    history_.emplace(
        output_->history_file(),
        point_ ? point_->state.first_open_step(length_.steps_per_epoch, length_.steps) : 0);
    if (output_->forget_result()) {
      reporter_.log(fmt::format("until this run ends, the model in {} is the earlier run's",
                                job_.output.string()));
    }
  });
}

std::vector<RankPlacement> JobRun::placement() const {
  const auto devices = world_.all_gather(device_->name());
  std::vector<RankPlacement> placement;
  for (size_t i = 0; i < devices.size(); ++i) {
    placement.push_back(
        {.rank = static_cast<int>(i), .host = world_.hosts()[i], .device = devices[i]});
  }
  return placement;
}

Result JobRun::train() {
  Progress progress(reporter_, history_ ? &*history_ : nullptr);
  placement_ = placement();
  if (job_.trace) {
    world_.barrier();
    trace_.emplace(world_.rank(), world_.hosts()[static_cast<size_t>(world_.rank())]);
  }
  Trainer trainer(job_, world_, dataset_, *device_, *model_, progress, trace_ ? &*trace_ : nullptr);
  report_start(trainer);
  if (point_) {
    trainer.resume(*point_);
    trainer.end_at(length_.steps);
    point_->weights.clear();
    point_->optimizer.clear();
  }
  const double startup = seconds_now() - started_;
  Result result;
  try {
    result = trainer.train();
  } catch (...) {
    if (trace_) write_own_trace(*trace_, job_.output, world_.rank(), reporter_);
    throw;
  }
  result.seconds.startup = startup;
  if (result.status == "stopped") {
    if (trace_) write_own_trace(*trace_, job_.output, world_.rank(), reporter_);
    report_stop(result, trainer.checkpoint());
  }
  return result;
}

void JobRun::report_start(const Trainer& trainer) const {
  const std::string communication = trainer.describe_communication();
  reporter_.event(
      StartedEvent{.placement = placement_,
                   .world_size = world_.size(),
                   .from_step = point_ ? point_->state.step : 0,
                   .steps = length_.steps,
                   .epochs = job_.epochs,
                   .communication = communication,
                   .startup_seconds = seconds_now() - started_},
      fmt::format("{}: {} on {}, {}, {}, {}; {}", job_.name,
                  describe_model(model_options(job_, dataset_)), counted(world_.size(), "rank"),
                  name_of(precision_), counted(train_rows(job_, dataset_), "training sample"),
                  counted(length_.steps, "step"), communication));
  report_shared_gpus();
  if (point_) reporter_.log(fmt::format("resuming from {}", point_->path.string()));
  for (const std::string& note : notes_) reporter_.warn(note);
  if (const std::string warning = model_->warning(); !warning.empty()) reporter_.warn(warning);
  if (world_.size() > 1 && model_->uses_local_batch_statistics()) {
    reporter_.warn(
        "batch normalisation sees the samples of one rank only: the result depends on the number "
        "of ranks");
  }
}

void JobRun::report_shared_gpus() const {
  std::map<std::pair<std::string, std::string>, int> first;  // rank by host and device
  for (const auto& [rank, host, device] : placement_) {
    const auto [found, is_first] = first.try_emplace({host, device}, rank);
    if (is_first || !device.starts_with("cuda")) continue;
    reporter_.log(
        fmt::format("rank {} on {} shares {} with rank {}", rank, host, device, found->second));
  }
}

// The ranks were asked to stop: exit code 0 and no result.json. The same job can be resumed.
void JobRun::report_stop(const Result& result, const std::filesystem::path& checkpoint) const {
  StoppedEvent stopped{
      .step = result.steps, .steps = length_.steps, .samples_seen = result.samples_seen};
  std::string how = "there is no checkpoint to resume from";
  if (!checkpoint.empty()) {
    stopped.checkpoint = checkpoint.string();
    how = fmt::format("the same command resumes from {}", checkpoint.string());
  }
  reporter_.event(stopped,
                  fmt::format("stopped at step {} of {}: {}", result.steps, length_.steps, how));
}

void JobRun::save(Result result) {
  if (trace_) write_joint_trace(world_, *trace_, job_.output);
  result.placement = placement_;
  result.ranks = world_.size();
  run_on_all_ranks(world_, [&] {
    if (!output_) return;
    result.model = output_->weights_name();
    output_->save_model(*model_, dataset_, job_);
    result.seconds.total = seconds_now() - started_;
    output_->save_result(result);
  });
  reporter_.event(ResultEvent{result},
                  fmt::format("done: {} in {:.1f} s, {} samples/s", result.model,
                              result.seconds.total, print_count(result.samples_per_second)));
}

}  // namespace

void run_job(const World& world, const WorkerOptions& options, const Reporter& reporter,
             double started) {
  run_on_all_ranks(world,
                   [&] { prove_placement(world, options.expected_ranks, options.expected_hosts); });
  JobRun(world, options, reporter, started).run();
}

}  // namespace ringtrain
