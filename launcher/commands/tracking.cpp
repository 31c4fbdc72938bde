// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/tracking.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "job/json.hpp"
#include "launcher/supervise/keep.hpp"
#include "tracking/to_mlflow.hpp"
#include "tracking/tracker.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// "http://0.0.0.0:9464/metrics"
std::string url_of(const tracking::ListenAddress& at, uint16_t port) {
  const bool is_v6 = at.address.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}/metrics", is_v6 ? "[" : "", at.address, is_v6 ? "]" : "",
                     port);
}

struct TrackOptions {
  fs::path folder;
  int seconds = 30;
};

int track(const TrackOptions& options) {
  std::string note;
  const auto server = tracking::mlflow_from_environment(note);
  if (!server) {
    throw job_error(note.empty() ? "track: MLFLOW_TRACKING_URI is not set: set it to the address "
                                   "of the tracking server"
                                 : note);
  }
  tracking::MlflowPush push(*server, options.folder / "mlflow.json");
  const fs::path run = fs::path(push.state().events).parent_path();
  if (run_lives(run)) {
    throw job_error(fmt::format("{}: the run lives, and sends its events itself", run.string()));
  }
  const auto now = std::chrono::system_clock::now();
  const Outcome killed{.status = RunStatus::killed, .started = now, .ended = now};
  tracking::SharedRun ended;
  ended.end(read_outcome(run / "outcome.json").value_or(killed));
  if (!push_to_mlflow(push, ended, std::chrono::seconds(options.seconds))) return kExitFailed;
  fmt::print("run {} of {} is complete\n", push.state().run_id, push.state().url);
  return 0;
}

}  // namespace

std::shared_ptr<tracking::Tracker> start_tracker(const RunOptions& options, const JobSpec& job,
                                                 const RunRecord* record, bool has_output) {
  std::string note;
  tracking::TrackerOptions tracker{
      .name = job.name,
      .model = job.model.find('/') == std::string::npos ? job.model
                                                        : fs::path(job.model).filename().string(),
      .dataset = job.dataset.filename().string(),
      .in_pods = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr && !options.hostfile.empty(),
      .mlflow = tracking::mlflow_from_environment(note),
      .trainer = tracking::trainer_from_environment()};
  if (!note.empty()) complain("warning: " + note);
  if (!options.metrics.empty()) {
    tracker.metrics = tracking::parse_listen_address("--metrics", options.metrics);
  }
  const fs::path record_folder = options.run_dir.empty() ? job.output : fs::path(options.run_dir);
  const fs::path folder = has_output ? job.output : record_folder;
  if (options.tensorboard && !has_output && record == nullptr) {
    throw job_error(
        fmt::format("--tensorboard: {} is not on this machine: add --run-dir for a folder that is",
                    job.output.string()));
  }
  if (options.tensorboard) tracker.tensorboard = folder / "tensorboard";
  if (record != nullptr) tracker.events = record_folder / "events.jsonl";
  if (tracker.mlflow) {
    tracker.mlflow_state = folder / "mlflow.json";
    tracker.parameters = tracking::parameters_of(print_job(job));
  }
  if (!tracker.metrics && !options.tensorboard && !tracker.mlflow && !tracker.trainer) {
    return nullptr;
  }
  std::vector<int> not_inherited;
  if (record != nullptr) not_inherited.push_back(record->events());
  auto started = std::make_shared<tracking::Tracker>(tracker, not_inherited);
  if (tracker.metrics) complain("metrics at " + url_of(*tracker.metrics, started->port()));
  return started;
}

int events_of(const tracking::Tracker& tracker) { return tracker.events(); }

void finish_tracker(tracking::Tracker& tracker, const JobSpec& job, Outcome outcome, Time started) {
  outcome.started = started;
  outcome.ended = std::chrono::system_clock::now();
  if (tracker.finish(outcome)) return;
  std::error_code ignored;
  const bool can_be_sent = fs::exists(job.output / "mlflow.json", ignored);
  complain(fmt::format(
      "warning: not all of this run is in MLflow{}",
      can_be_sent ? fmt::format("; 'ringtrain track {}' sends the rest", job.output.string())
                  : ""));
}

void add_track_command(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<TrackOptions>();
  CLI::App* const command = app.add_subcommand(
      "track", "Send MLflow what it has not got of a run that has ended, and close it there");
  command->add_option("folder", options->folder, "Folder with mlflow.json: the job's output")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--for", options->seconds,
                   "How long to try where the server does not answer (default: 30)")
      ->check(CLI::Range(0, 86400))
      ->type_name("SECONDS");
  command->footer("Needs MLFLOW_TRACKING_URI and the like, as the run itself.");
  command->callback([options, &exit_code] { exit_code = track(*options); });
}

}  // namespace ringtrain::launcher
