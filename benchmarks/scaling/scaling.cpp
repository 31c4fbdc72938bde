// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/scaling/scaling.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/scaling/plan.hpp"
#include "benchmarks/scaling/scaling_table.hpp"
#include "job/parse.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

struct ScalingOptions {
  std::string job;
  std::vector<std::string> set;
  std::vector<int> ranks = {1, 2};
  std::string hostfile;
  std::string mode = "strong";
  int rounds = 7;
  double seconds = 3;
  double price = 0;
  std::string json;
};

std::vector<std::string> modes_of(const std::string& mode) {
  if (mode == "both") return {"strong", "weak"};
  return {mode};
}

StepSample train(const ScalingOptions& options, const ScalingRun& run, int64_t steps) {
  std::vector<std::string> set = options.set;
  // Epochs, evaluations and checkpoints would be other work than steps.
  for (const std::string& key :
       {fmt::format("batch_size={}", run.global_batch), fmt::format("max_steps={}", steps),
        std::string("epochs=1000000"), std::string("evaluate_every_epochs=0"),
        std::string("checkpoint.every_epochs=0"), std::string("checkpoint.resume=never"),
        fmt::format("communication.backend={}", run.averages ? "auto" : "none")}) {
    set.push_back(key);
  }
  return run_training(lay_out_ranks(options.hostfile, run.ranks),
                      {.file = options.job, .set = set, .global_batch = run.global_batch});
}

// Number of steps of each run that take options.seconds.
std::vector<int64_t> choose_steps(const ScalingOptions& options, const ScalingPlan& plan) {
  constexpr int64_t kPilot = 20;
  std::vector<int64_t> steps;
  for (const ScalingRun& run : plan.runs) {
    const double rate = train(options, run, kPilot).rate;
    const double wanted = rate * options.seconds / static_cast<double>(run.global_batch);
    steps.push_back(std::max(kPilot, static_cast<int64_t>(wanted)));
    fmt::print(stderr, "{}: {} steps a round\n", name_of(run), steps.back());
  }
  return steps;
}

void check(const ScalingOptions& options) {
  for (const int ranks : options.ranks) {
    if (ranks < 1) throw job_error(fmt::format("--ranks: {} is not a number of ranks", ranks));
  }
}

void run(const ScalingOptions& options) {
  check(options);
  const JobSpec job = parse_job(options.job, options.set);
  // For all runs alike: a rank computes the same however many there are.
  if (::setenv("OMP_NUM_THREADS", "1", 0) != 0) throw std::runtime_error("setenv");
  const ScalingPlan plan = plan_scaling(options.ranks, modes_of(options.mode), job.batch_size);
  const RankLayout layout = lay_out_ranks(
      options.hostfile, *std::max_element(options.ranks.begin(), options.ranks.end()));
  std::string records;
  const auto keep = [&](const nlohmann::ordered_json& record) {
    keep_record(options.json, record, records);
  };
  keep(provenance_record(""));
  const std::vector<int64_t> steps = choose_steps(options, plan);
  std::vector<std::string> names;
  for (const ScalingRun& run : plan.runs) names.push_back(name_of(run));
  SampledRounds all;
  const auto one_round = [&] {
    std::vector<StepSample> samples(plan.runs.size());
    for (const size_t i : order_of_runs(plan.runs.size(), all.samples.size())) {
      samples[i] = train(options, plan.runs[i], steps[i]);
    }
    all.samples.push_back(std::move(samples));
    return why_not_steady(all.samples.back(), names);
  };
  all.rounds =
      run_gated_rounds(options.rounds, layout.local, one_round, [&](const GatedRound& round) {
        fmt::print(stderr, "round {}{}{}\n", all.samples.size(),
                   round.disturbed.empty() ? "" : " does not count: ", round.disturbed);
        keep(round_record(round, all.samples.back(), plan));
      });
  const auto table =
      scaling_table(all, plan,
                    {.wanted = options.rounds,
                     .cores = this_machine_cores().usable(),
                     .local = layout.local,
                     .price = options.price > 0 ? std::optional(options.price) : std::nullopt});
  keep(table);
  print_scaling_table(table);
  if (mostly_disturbed(all.rounds)) throw mostly_disturbed_error(options.job);
}

}  // namespace

void add_bench_scaling_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "scaling", "Measure a job on several numbers of ranks, and what its efficiency is lost to");
  const auto options = std::make_shared<ScalingOptions>();
  command.add_option("job", options->job, "Job file; its batch size is that of 1 rank")
      ->required()
      ->type_name("JOB");
  command.add_option("--set", options->set, "Override a key of the job file: key=value")
      ->type_name("KEY=VALUE");
  command.add_option("--ranks", options->ranks, "Numbers of ranks, as in 1,2,4,8")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--hostfile", options->hostfile, "Hosts, a line 'host slots=N' each")
      ->type_name("FILE");
  command
      .add_option("--mode", options->mode,
                  "strong: the global batch stays; weak: the batch of a rank does; both")
      ->check(CLI::IsMember({"strong", "weak", "both"}))
      ->capture_default_str();
  command
      .add_option("--rounds", options->rounds, "Rounds that count; each run trains once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options->seconds, "Seconds that a run trains, about")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command
      .add_option("--price", options->price, "Price of an hour of one rank, for the cost column")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--json", options->json,
                  "Write all rounds to this file as well, a JSON object a line, in place of what "
                  "is there")
      ->type_name("FILE");
  command.footer(
      "Efficiency is the product of three causes: a smaller batch a rank, shared cores and memory, "
      "and averaging. More ranks than cores are marked: they cannot be faster. A round in which "
      "something else used the cores is kept, and run again; exit code 5 if most were. Writes to "
      "TMPDIR or /tmp, and removes it.\n\n"
      "Examples:\n"
      "  ringtrain bench scaling examples/mnist-lenet.yaml --ranks 1,2 --json scaling.jsonl");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
