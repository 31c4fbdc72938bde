// SPDX-License-Identifier: Apache-2.0
#include "mpijob/status/print_status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "job/event_lines.hpp"

namespace ringtrain::mpijob {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kSilence(30);

struct Rank {
  int64_t rank = 0;
  std::string pod;
  std::string device;
};

// A rank's host is its pod's name, with or without the domain.
std::vector<Rank> ranks_of(const TrainingLog& log) {
  std::vector<Rank> ranks;
  if (!log.started()) return ranks;
  for (const RankPlacement& place : log.started()->placement) {
    ranks.push_back({place.rank, place.host.substr(0, place.host.find('.')), place.device});
  }
  return ranks;
}

std::string age(std::optional<Time> since, Time now) {
  if (!since) return "?";
  return print_age(std::chrono::duration_cast<std::chrono::seconds>(now - *since));
}

std::string result_line(const Result& result) {
  std::string text = metrics_text(result.test_accuracy, result.test_rmse, result.test_mae);
  if (!text.empty()) text += ", ";
  return text + fmt::format("train loss {:.4f}, {}, {} samples/s", result.train_loss,
                            counted(result.steps, "step"), print_count(result.samples_per_second));
}

// Prints the progress of the training, where the log has it.
std::string progress_of(const JobPicture& picture) {
  const TrainingLog& log = picture.log;
  if (picture.status.state == "Succeeded") {
    return log.result() ? result_line(log.result()->result) : "";
  }
  if (!log.step()) {
    if (!log.is_training()) return "";
    const bool runs_script = log.started()->steps == 0;
    return counted(log.started()->world_size, "rank") +
           (runs_script ? "" : " training, no step yet");
  }
  std::string text = progress_line(*log.step());
  const bool quiet = log.step_at() && picture.now - *log.step_at() > kSilence;
  // Not an error: evaluation and checkpoints take time, too.
  if (log.is_training() && quiet) text += ", " + age(log.step_at(), picture.now) + " ago";
  return log.is_training() ? text : "last seen at " + text.substr(0, text.rfind(", "));
}

ordered_json time_or_null(const std::optional<Time>& time) {
  return time ? ordered_json(print_time(*time)) : ordered_json();
}

ordered_json training_to_json(const TrainingLog& log) {
  if (!log.step()) return nullptr;
  const StepEvent& step = *log.step();
  return {{"epoch", step.epoch},
          {"epochs", step.epochs},
          {"step", step.step},
          {"steps", step.steps},
          {"loss", step.loss},
          {"samples_per_second", step.samples_per_second},
          {"seconds_left", step.seconds_left},
          {"at", time_or_null(log.step_at())}};
}

}  // namespace

std::string print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

std::string status_line(const JobPicture& picture) {
  const JobStatus& status = picture.status;
  std::string text = fmt::format("{}: {}", status.name, status.state);
  if (const std::string progress = progress_of(picture); !progress.empty()) text += ", " + progress;
  if (!status.why.empty())
    text += fmt::format("{} {}", text.find(',') == std::string::npos ? ":" : ";", status.why);
  return text;
}

std::string print_status(const JobPicture& picture) {
  const JobStatus& status = picture.status;
  std::string text = status_line(picture) + "\n";
  text += fmt::format("  namespace {}, created {} ago", status.name_space,
                      age(status.created, picture.now));
  if (status.started && status.finished) {
    text += fmt::format(", ran for {}", age(status.started, *status.finished));
  }
  if (!status.has_ended()) {
    text +=
        fmt::format(", {} of {} ready", status.workers_running, counted(status.workers, "worker"));
  }
  text += "\n";

  std::map<std::string, std::string> ranks;
  for (const Rank& rank : ranks_of(picture.log)) {
    std::string& list = ranks[rank.pod];
    list += fmt::format("{}{}", list.empty() ? "" : ", ", rank.rank);
    if (!rank.device.empty()) list += fmt::format(" ({})", rank.device);
  }
  std::vector<std::vector<std::string>> rows = {
      {"  POD", "NODE", "STATE", "RESTARTS", ranks.empty() ? "" : "RANKS"}};
  for (const PodStatus& pod : status.pods) {
    rows.push_back({"  " + pod.name, pod.node.empty() ? "-" : pod.node, pod.state,
                    std::to_string(pod.restarts), ranks[pod.name]});
  }
  if (rows.size() > 1) text += "\n" + print_table(rows);
  std::string problems;
  for (const PodStatus& pod : status.pods) {
    if (pod.problem.empty()) continue;
    // The first line has this pod's problem already.
    const std::string line = fmt::format("{}: {}", pod.name, pod.problem);
    if (line != status.why) problems += "  " + line + "\n";
  }
  if (!problems.empty()) text += "\n" + problems;
  for (const std::string& note : picture.notes) text += "\nincomplete: " + note + "\n";
  return text;
}

ordered_json status_to_json(const JobPicture& picture) {
  const JobStatus& status = picture.status;
  std::map<std::string, std::string> nodes;
  ordered_json pods = ordered_json::array();
  for (const PodStatus& pod : status.pods) {
    nodes[pod.name] = pod.node;
    pods.push_back({{"name", pod.name},
                    {"role", pod.role},
                    {"node", pod.node},
                    {"state", pod.state},
                    {"restarts", pod.restarts},
                    {"reason", pod.reason},
                    {"problem", pod.problem}});
  }
  ordered_json ranks = ordered_json::array();
  for (const Rank& rank : ranks_of(picture.log)) {
    ranks.push_back({{"rank", rank.rank},
                     {"pod", rank.pod},
                     {"node", nodes[rank.pod]},
                     {"device", rank.device}});
  }
  return {{"name", status.name},
          {"namespace", status.name_space},
          {"state", status.state},
          {"reason", status.reason},
          {"why", status.why},
          {"workers", status.workers},
          {"workers_running", status.workers_running},
          {"created", time_or_null(status.created)},
          {"started", time_or_null(status.started)},
          {"finished", time_or_null(status.finished)},
          {"training", training_to_json(picture.log)},
          {"result",
           picture.log.result() ? result_to_json(picture.log.result()->result) : ordered_json()},
          {"ranks", ranks},
          {"pods", pods},
          {"notes", picture.notes}};
}

}  // namespace ringtrain::mpijob
