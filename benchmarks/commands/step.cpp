// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/statistics.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/commands/temporary_folder.hpp"
#include "benchmarks/commands/warm_rate.hpp"
#include "job/events.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

namespace fs = std::filesystem;

constexpr const char* kOurs = "ringtrain";
constexpr const char* kAlone = "no averaging";
constexpr int kGlobalBatch = 128;

struct StepOptions {
  int ranks = 2;
  std::vector<std::string> models = {"mlp", "lenet5", "lenet", "resnet18"};
  std::string dataset = "data/mnist.h5";
  std::string device = "cpu";
  int rounds = 5;
  double seconds = 4;
  std::string python;
  std::string peer;  // empty: the device's own
  std::string json;
};

struct Sample {
  double rate = 0;           // samples per second, all ranks together
  double exposed_share = 0;  // of the time of training, waiting for other ranks; ours only
};

fs::path write_job(const TemporaryFolder& folder, const StepOptions& options,
                   const std::string& model, const std::string& backend, int64_t steps) {
  const fs::path file = folder.path() / "job.yaml";
  write_file(
      file,
      fmt::format(
          "model: {}\ndataset: {}\nepochs: 100000\nmax_steps: {}\nbatch_size: {}\ndevice: {}\n"
          "optimizer: {{type: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, "
          "weight_decay: 0.0005}}\ncommunication: {{backend: {}}}\n"
          "checkpoint: {{every_epochs: 0, resume: never}}\nevaluate_every_epochs: 0\noutput: {}\n",
          model, fs::absolute(options.dataset).string(), steps, kGlobalBatch, options.device,
          backend, (folder.path() / "out").string()));
  return file;
}

Sample train(const RankLayout& layout, const StepOptions& options, const std::string& model,
             const std::string& backend, int64_t steps) {
  const TemporaryFolder folder(fs::temp_directory_path());
  const fs::path job = write_job(folder, options, model, backend, steps);
  const std::string output =
      output_of_ranks(layout, {find_worker(), job.string(), "--events"}, std::chrono::minutes(10));
  Sample sample;
  Lines lines;
  const auto take = [&](const std::string& line) {
    const auto record = parse_event(line);
    const auto* event = record ? std::get_if<ResultEvent>(&record->event) : nullptr;
    if (event == nullptr) return;
    const Seconds& seconds = event->result.seconds;
    sample.rate = event->result.samples_per_second;
    const double exposed = seconds.exposed_communication;
    sample.exposed_share = exposed / (seconds.compute + seconds.data_wait + exposed);
  };
  lines.feed(output, take);
  lines.finish(take);
  if (sample.rate <= 0) throw std::runtime_error("ringtrain-worker ended without a result");
  if (options.device == "cuda") sample.rate = rate_once_warm(output).value_or(sample.rate);
  return sample;
}

Sample train_peer(const RankLayout& layout, const StepOptions& options, const std::string& model,
                  const std::string& mode) {
  const bool cuda = options.device == "cuda";
  std::string script = options.peer;
  if (script.empty())
    script = cuda ? "benchmarks/peers/card_step.py" : "benchmarks/peers/ddp_step.py";
  std::vector<std::string> program = {options.python, script};
  if (cuda) {
    // Precision as the job's own default.
    program.insert(program.end(), {"--models", model, "--modes", mode, "--precisions", "tf32"});
  } else {
    program.insert(program.end(), {mode, model});
  }
  program.insert(program.end(),
                 {options.dataset, "--batch", std::to_string(kGlobalBatch), "--seconds",
                  std::to_string(options.seconds), "--port", std::to_string(free_port())});
  const auto result = run_peers(layout, program, std::chrono::minutes(10));
  return {.rate = result.at("samples_per_second").get<double>()};
}

// Names of PyTorch's ways to train, for the table, and of their modes, for the script.
std::vector<std::pair<std::string, std::string>> peers_on(const std::string& device) {
  if (device == "cuda") {
    return {{"DDP, eager", "eager"}, {"DDP, one graph", "graph"}, {"DDP, compiled", "compiled"}};
  }
  return {{"DDP, tuned", "tuned"}, {"DDP, DataLoader", "loader"}};
}

struct Contestant {
  std::string name;
  std::function<Sample()> run;
};

nlohmann::ordered_json bench_model(const RankLayout& layout, const StepOptions& options,
                                   const std::string& model, bool with_peers) {
  // Finds the number of steps that take options.seconds, on a GPU once it is warm.
  const bool cuda = options.device == "cuda";
  const int64_t first_steps = cuda ? 200 : 2;
  const double warm_up = cuda ? 2 : 0;
  double rate = train(layout, options, model, "auto", first_steps).rate;
  const auto steps_for = [&](double seconds) {
    return std::max(first_steps, static_cast<int64_t>(rate * seconds / kGlobalBatch));
  };
  rate = train(layout, options, model, "auto", steps_for(1 + warm_up)).rate;
  const int64_t steps = steps_for(options.seconds + warm_up);

  std::vector<Contestant> contestants;
  contestants.push_back({kOurs, [&] { return train(layout, options, model, "auto", steps); }});
  contestants.push_back({kAlone, [&] { return train(layout, options, model, "none", steps); }});
  if (with_peers) {
    const auto peer = [&](const std::string& name, const std::string& mode) {
      contestants.push_back({name, [&, mode] { return train_peer(layout, options, model, mode); }});
    };
    for (const auto& [name, mode] : peers_on(options.device)) peer(name, mode);
  }

  std::map<std::string, std::vector<double>> rates;
  std::vector<double> exposed;
  for (int round = 0; round < options.rounds; ++round) {
    fmt::print(stderr, "{}: round {} of {}\n", model, round + 1, options.rounds);
    // The two that are compared most closely run in a row, in alternating order.
    std::vector<Contestant> order = contestants;
    if (round % 2 == 1) std::swap(order[0], order[1]);
    for (const Contestant& contestant : order) {
      const Sample sample = contestant.run();
      rates[contestant.name].push_back(sample.rate);
      if (contestant.name == kOurs) exposed.push_back(sample.exposed_share);
    }
  }

  nlohmann::ordered_json result = {{"model", model},
                                   {"ranks", options.ranks},
                                   {"steps", steps},
                                   {"efficiency", median_ratio(rates[kOurs], rates[kAlone])},
                                   {"exposed_communication_share", median(exposed)}};
  fmt::print("{:<10}", model);
  for (const Contestant& contestant : contestants) {
    const auto& own = rates[contestant.name];
    nlohmann::ordered_json row = {{"name", contestant.name}, {"samples_per_second", median(own)}};
    row["ringtrain_times"] = median_ratio(rates[kOurs], own);
    row["by_round"] = own;
    result["rows"].push_back(row);
  }
  for (const auto& row : result["rows"]) {
    const std::string name = row["name"];
    fmt::print("{:>12.0f}", row["samples_per_second"].get<double>());
    if (name == kAlone) fmt::print("{:>12.3f}", result["efficiency"].get<double>());
    if (name.starts_with("DDP")) fmt::print("{:>8.2f}x", row["ringtrain_times"].get<double>());
    if (name == kOurs) fmt::print("{:>9.1f}%", 100 * median(exposed));
  }
  fmt::print("\n");
  std::fflush(stdout);
  return result;
}

void run(const StepOptions& options) {
  if (!fs::exists(options.dataset)) {
    throw job_error(fmt::format(
        "{} is missing: import MNIST (ringtrain dataset import mnist, or scripts/quickstart), or "
        "name a dataset of u8 samples with --dataset",
        options.dataset));
  }
  // For ranks and peers alike: a rank computes the same with and without averaging.
  if (::setenv("OMP_NUM_THREADS", "1", 0) != 0) throw std::runtime_error("setenv");
  const RankLayout layout = lay_out_ranks("", options.ranks);
  const bool with_peers = can_import(options.python, "torch.distributed, h5py");
  if (!with_peers) {
    fmt::print(stderr, "DDP left out: {} cannot import torch and h5py (--python names another)\n",
               options.python);
  }
  fmt::print(
      "samples/s on {}, {}, global batch {}, OMP_NUM_THREADS={}, {}; medians of {} rounds of "
      "about {:.0f} s,\n"
      "ratios by round. efficiency: over the same ranks with no averaging. exposed: share of the "
      "time in which\n"
      "nothing but waiting for other ranks was done. x: ringtrain over DDP{}\n\n",
      options.dataset, counted(options.ranks, "rank"), kGlobalBatch, ::getenv("OMP_NUM_THREADS"),
      options.device, options.rounds, options.seconds,
      options.device == "cuda" ? " on NCCL." : " on Gloo.");
  fmt::print("{:<10}{:>12}{:>10}{:>12}{:>12}", "", "ringtrain", "exposed", "no averag.",
             "efficiency");
  if (with_peers) {
    for (const auto& [name, mode] : peers_on(options.device)) fmt::print("{:>21}", name + "  x");
  }
  fmt::print("\n");
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const std::string& model : options.models) {
    all.push_back(bench_model(layout, options, model, with_peers));
    write_json(options.json, all);
  }
}

}  // namespace

void add_bench_step_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "step", "Measure training beside the same without averaging, and beside PyTorch's DDP");
  const auto options = std::make_shared<StepOptions>();
  options->python = default_python();
  command.add_option("-n,--ranks", options->ranks, "Ranks on this machine")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option("--models", options->models, "Models to train")
      ->delimiter(',')
      ->check(CLI::IsMember({"mlp", "lenet5", "lenet", "resnet18"}))
      ->capture_default_str();
  command.add_option("--dataset", options->dataset, "Dataset of u8 samples")->capture_default_str();
  command.add_option("--device", options->device, "cpu, or cuda on a machine with a GPU")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--rounds", options->rounds, "Rounds; each contestant runs once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options->seconds, "Seconds that a run trains, about")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command.add_option("--python", options->python, "Python with torch and h5py, for DDP")
      ->capture_default_str();
  command.add_option(
      "--peer", options->peer,
      "Script for DDP; left out: benchmarks/peers/ddp_step.py, with cuda card_step.py");
  command
      .add_option("--json", options->json,
                  "Write the results to this file as well, in place of what is there")
      ->type_name("FILE");
  command.footer(
      "Writes the jobs that it trains to a folder in TMPDIR or /tmp, and removes it.\n\nExamples:\n"
      "  ringtrain bench step -n 2 --models lenet5 --dataset data/mnist.h5");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
