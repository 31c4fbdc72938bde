// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/step/step.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/step/step_contestants.hpp"
#include "benchmarks/step/step_rounds.hpp"
#include "benchmarks/step/step_table.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

namespace fs = std::filesystem;

// Number of steps that take options.seconds, on a GPU once it is warm.
int64_t choose_steps(const RankLayout& layout, const StepOptions& options,
                     const std::string& model) {
  const bool cuda = options.device == "cuda";
  const int64_t first_steps = cuda ? 200 : 8;
  const double warm_up = cuda ? 2 : 0;
  double rate = train(layout, options, model, "auto", first_steps).rate;
  const auto steps_for = [&](double seconds) {
    return std::max(first_steps, static_cast<int64_t>(rate * seconds / kGlobalBatch));
  };
  rate = train(layout, options, model, "auto", steps_for(1 + warm_up)).rate;
  return steps_for(options.seconds + warm_up);
}

// Returns whether over half of the rounds were disturbed. `records`: lines of the file of --json.
bool bench_model(const RankLayout& layout, const StepOptions& options, const std::string& model,
                 bool with_peers, std::string& records) {
  const int64_t steps = choose_steps(layout, options, model);
  const auto contestants = contestants_of(layout, options, model, steps, with_peers);
  int number = 0;
  const SampledRounds all = run_step_rounds(
      contestants, options.rounds, model, [&](const nlohmann::ordered_json& record) {
        const auto disturbed = record.at("disturbed").get<std::string>();
        fmt::print(stderr, "{}: round {}{}{}\n", model, ++number,
                   disturbed.empty() ? "" : " does not count: ", disturbed);
        keep_record(options.json, record, records);
      });
  const auto table = step_table(all, contestants, options, model);
  keep_record(options.json, table, records);
  print_step_table(table);
  return mostly_disturbed(all.rounds);
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
      "{} on {}, {}, global batch {}, OMP_NUM_THREADS={}; medians of {} undisturbed rounds of "
      "about {:g} s,\n"
      "ratios by round, with 95% intervals (~: no difference shown, p >= 0.05). exposed: share of "
      "the time in\n"
      "which nothing but waiting for other ranks was done\n",
      options.dataset, options.device, counted(options.ranks, "rank"), kGlobalBatch,
      ::getenv("OMP_NUM_THREADS"), options.rounds, options.seconds);
  std::string records;
  keep_record(options.json, provenance_record(with_peers ? options.python : ""), records);
  std::vector<std::string> noisy;
  for (const std::string& model : options.models) {
    if (bench_model(layout, options, model, with_peers, records)) noisy.push_back(model);
  }
  if (!noisy.empty()) {
    throw mostly_disturbed_error(fmt::format("{}", fmt::join(noisy, ", ")));
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
  command.add_option("--dataset", options->dataset, "Dataset of u8 samples")
      ->capture_default_str()
      ->type_name("FILE");
  command.add_option("--device", options->device, "cpu, or cuda on a machine with a GPU")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command
      .add_option("--rounds", options->rounds,
                  "Rounds that count; each contestant runs once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options->seconds, "Seconds that a run trains, about")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command.add_option("--python", options->python, "Python with torch and h5py, for DDP")
      ->capture_default_str()
      ->type_name("PROGRAM");
  command
      .add_option("--peer", options->peer,
                  "Script for DDP; left out: benchmarks/peers/ddp_step.py, with cuda card_step.py")
      ->type_name("FILE");
  command
      .add_option(
          "--json", options->json,
          "Write all rounds to this file as well, a JSON object a line, in place of what is "
          "there")
      ->type_name("FILE");
  command.footer(
      "A round in which something else used the cores is kept, and run again; exit code 5 if most "
      "were. Writes the jobs that it trains to a folder in TMPDIR or /tmp, and removes it.\n\n"
      "Examples:\n"
      "  ringtrain bench step -n 2 --models lenet5 --dataset data/mnist.h5");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
