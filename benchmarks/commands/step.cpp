// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/step.hpp"

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
#include "base/statistics.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/commands/step_contestants.hpp"
#include "benchmarks/commands/step_rounds.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

namespace fs = std::filesystem;

// Rates of one contestant by round.
std::vector<double> rates_of(const std::vector<StepRound>& rounds, size_t contestant) {
  std::vector<double> rates;
  for (const StepRound& round : rounds) rates.push_back(round.samples[contestant].rate);
  return rates;
}

// All steps of one contestant's first rank that count, over the rounds.
StepSeconds steps_of(const std::vector<StepRound>& rounds, size_t contestant) {
  StepSeconds all;
  for (const StepRound& round : rounds) {
    const auto& ranks = round.samples[contestant].steps;
    if (ranks.empty()) continue;
    const SteadySteps steady = steady_steps(ranks.front());
    all.insert(all.end(), steady.steps.begin(), steady.steps.end());
  }
  return all;
}

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

// The figures of all rounds: {"kind": "table", ...}.
nlohmann::ordered_json table_of(const std::vector<StepRound>& all,
                                const std::vector<Contestant>& contestants,
                                const StepOptions& options, const std::string& model) {
  const std::vector<StepRound> rounds = counted_rounds(all, contestants, options.rounds);
  nlohmann::ordered_json table = {{"kind", "table"},         {"model", model},
                                  {"ranks", options.ranks},  {"global_batch", kGlobalBatch},
                                  {"class", "measured"},     {"rounds", rounds.size()},
                                  {"rounds_run", all.size()}};
  std::vector<double> exposed;
  for (const StepRound& round : rounds) exposed.push_back(round.samples.front().exposed_share);
  table["exposed_communication_share"] = median(exposed);
  table["far_rounds"] = std::count_if(rounds.begin(), rounds.end(), [](const StepRound& round) {
    return round.noise.cores_are_far();
  });
  const std::vector<double> ours = rates_of(rounds, 0);
  for (size_t i = 0; i < contestants.size(); ++i) {
    const std::vector<double> own = rates_of(rounds, i);
    nlohmann::ordered_json row = {{"name", contestants[i].name},
                                  {"samples_per_second", median(own)}};
    const Interval interval = median_interval(own);
    row["low"] = interval.low;
    row["high"] = interval.high;
    row["ringtrain_over_it"] = to_json(paired_ratio(ours, own));
    if (const StepSeconds steps = steps_of(rounds, i); !steps.empty()) row["step"] = summary(steps);
    table["rows"].push_back(std::move(row));
  }
  return table;
}

void print_table(const std::vector<StepRound>& all, const std::vector<Contestant>& contestants,
                 const StepOptions& options, const nlohmann::ordered_json& table) {
  const std::vector<StepRound> rounds = counted_rounds(all, contestants, options.rounds);
  fmt::print("\n{}: {} of {} rounds, exposed {:.1f}%, {} with far cores\n",
             table["model"].get<std::string>(), rounds.size(), all.size(),
             100 * table["exposed_communication_share"].get<double>(),
             table["far_rounds"].get<int64_t>());
  fmt::print("  {:<18}{:>12}{:>10}{:>10}{:>10}{:>10}  {}\n", "", "samples/s", "p50 ms", "p95 ms",
             "p99 ms", "jitter", "ringtrain over it [95%]");
  const std::vector<double> ours = rates_of(rounds, 0);
  for (size_t i = 0; i < contestants.size(); ++i) {
    const auto& row = table["rows"][i];
    fmt::print("  {:<18}{:>12.0f}", contestants[i].name, row["samples_per_second"].get<double>());
    for (const char* key : {"p50_ms", "p95_ms", "p99_ms", "jitter_ms"}) {
      fmt::print("{:>10}", row.contains("step")
                               ? fmt::format("{:.2f}", row["step"][key].get<double>())
                               : std::string("-"));
    }
    fmt::print("  {}\n", i == 0 ? "" : print(paired_ratio(ours, rates_of(rounds, i))));
  }
  std::fflush(stdout);
}

// Returns whether over half of the rounds were disturbed. `records`: lines of the file of --json.
bool bench_model(const RankLayout& layout, const StepOptions& options, const std::string& model,
                 bool with_peers, std::string& records) {
  const int64_t steps = choose_steps(layout, options, model);
  const auto contestants = contestants_of(layout, options, model, steps, with_peers);
  const auto keep = [&](const nlohmann::ordered_json& record) {
    records += record.dump() + "\n";
    write_results(options.json, records);
  };
  int number = 0;
  const auto rounds = run_rounds(contestants, options.rounds, [&](const StepRound& round) {
    const std::string disturbed = round.why_disturbed(contestants);
    fmt::print(stderr, "{}: round {}{}{}\n", model, ++number,
               disturbed.empty() ? "" : " does not count: ", disturbed);
    keep(to_json(round, contestants, model));
  });
  const auto table = table_of(rounds, contestants, options, model);
  keep(table);
  print_table(rounds, contestants, options, table);
  const auto disturbed = std::count_if(rounds.begin(), rounds.end(), [&](const StepRound& round) {
    return !round.why_disturbed(contestants).empty();
  });
  return 2 * static_cast<size_t>(disturbed) > rounds.size();
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
  nlohmann::ordered_json first = {{"kind", "provenance"}};
  first.update(provenance(with_peers ? options.python : ""));
  std::string records = first.dump() + "\n";
  std::vector<std::string> noisy;
  for (const std::string& model : options.models) {
    if (bench_model(layout, options, model, with_peers, records)) noisy.push_back(model);
  }
  if (!noisy.empty()) {
    throw NoisyMachine(
        fmt::format("{}: over half of the rounds were disturbed, so that all of them were counted: "
                    "this machine is too noisy for differences of a few percent",
                    fmt::join(noisy, ", ")));
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
  command
      .add_option("--rounds", options->rounds,
                  "Rounds that count; each contestant runs once a round")
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
