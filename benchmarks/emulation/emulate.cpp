// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/emulate.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/predict_options.hpp"
#include "benchmarks/commands/predict_report.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/emulation/emulated_job.hpp"
#include "benchmarks/emulation/emulation_table.hpp"
#include "benchmarks/predict/timeline.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

struct EmulateOptions {
  PredictOptions predict;
  std::string hostfile;
  double dilation = 1;
  int steps = 20;
  int rounds = 3;
};

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

EmulatedJob job_of(const PredictSetting& setting, const EmulateOptions& options, int ranks) {
  Node node = setting.scenario.cluster.node;
  node.ranks = std::min(setting.per_host, ranks);
  EmulatedJob job;
  job.step = beside_others(setting.scenario.step, node);
  if (!setting.step_factors.empty()) job.factors = setting.step_factors;
  job.bucket_bytes = options.predict.bucket_mib.value_or(4) * (1 << 20);
  job.ranks_per_host = options.hostfile.empty() ? setting.per_host : 0;
  job.steps = options.steps;
  CommOptions& communication = job.communication;
  communication.algorithm = options.predict.algorithm == "direct" ? CommOptions::Algorithm::direct
                                                                  : CommOptions::Algorithm::ring;
  communication.wire =
      options.predict.wire == "bf16" ? CommOptions::Wire::bf16 : CommOptions::Wire::fp32;
  communication.shard_optimizer = options.predict.shard_optimizer;
  job.sync_every = options.predict.sync_every;
  return job;
}

// Means of blocks of so many steps, each of which averages once. Steps that fill no block are left
// out.
std::vector<double> in_blocks(const std::vector<double>& steps, size_t block) {
  std::vector<double> means;
  for (size_t begin = 0; begin + block <= steps.size(); begin += block) {
    const auto first = steps.begin() + static_cast<ptrdiff_t>(begin);
    means.push_back(std::accumulate(first, first + static_cast<ptrdiff_t>(block), 0.0) /
                    static_cast<double>(block));
  }
  return means;
}

EmulatedRun run_ranks_of(const RankLayout& layout, EmulatedJob job, double dilation) {
  job.dilation = dilation;
  job.communication.timeout_seconds *= dilation;
  const double start = now();
  const auto found =
      run_ranks(layout, {find_program_beside("ringtrain-emulated-rank"), to_json(job).dump()},
                std::chrono::minutes(30));
  const double wall = found.at("wall_seconds").get<double>();
  return {.ranks = found.at("ranks").get<int>(),
          .dilation = dilation,
          .step_seconds = in_blocks(found.at("step_seconds").get<std::vector<double>>(),
                                    static_cast<size_t>(job.sync_every)),
          .cpu_share = found.at("cpu_seconds").get<double>() / wall / this_machine_cores().usable(),
          .core_wait_share = found.at("core_wait_share").get<double>(),
          .slept_share = found.at("slept_share").get<double>(),
          .start_seconds = found.at("ready").get<double>() - start,
          .resident_bytes = found.at("resident_bytes").get<double>()};
}

EmulatedPoint measure(const PredictRow& row, const PredictSetting& setting,
                      const EmulateOptions& options,
                      const std::function<void(const nlohmann::ordered_json&)>& keep) {
  EmulatedPoint point;
  point.ranks = row.prediction.ranks;
  point.ranks_per_host = std::min(setting.per_host, point.ranks);
  const Cluster& cluster = row.scenario.cluster;
  if (cluster.hosts == 1 || cluster.link.bytes_per_second < kNoLimit) {
    point.predicted_seconds = row.prediction.step_seconds;
    point.predicted_interval = row.seconds;
  }
  const RankLayout layout = lay_out_ranks(options.hostfile, point.ranks);
  const EmulatedJob job = job_of(setting, options, point.ranks);
  point.compute_seconds = job.step.seconds();
  const auto one_round = [&] {
    point.at_k.push_back(run_ranks_of(layout, job, options.dilation));
    // The delay and the rate of a link are those of one dilation.
    if (layout.local) point.at_twice.push_back(run_ranks_of(layout, job, 2 * options.dilation));
    return std::string();
  };
  run_gated_rounds(options.rounds, layout.local, one_round, [&](const GatedRound& round) {
    point.rounds.push_back(round);
    fmt::print(stderr, "{}: round {}{}{}\n", counted(point.ranks, "rank"), point.rounds.size(),
               round.disturbed.empty() ? "" : " does not count: ", round.disturbed);
    keep(round_record(point, point.rounds.size() - 1));
  });
  return point;
}

void run(const EmulateOptions& options) {
  if (options.predict.algorithm == "nccl") {
    throw job_error("--algorithm nccl: ranks without GPUs cannot run it; ring or direct");
  }
  if (options.steps < 2 * options.predict.sync_every) {
    throw job_error(fmt::format("--steps: {} are fewer than two blocks of --sync-every {}",
                                options.steps, options.predict.sync_every));
  }
  const PredictReport report = predict_report(options.predict);
  const PredictSetting& setting = report.setting;
  std::string records;
  const auto keep = [&](const nlohmann::ordered_json& record) {
    keep_record(options.predict.json, record, records);
  };
  keep(provenance_record(""));
  nlohmann::ordered_json table = {{"kind", "table"},
                                  {"model", setting.title},
                                  {"times", options.predict.step_ms ? "declared" : "measured"},
                                  {"varying", !setting.step_factors.empty()},
                                  {"steps", options.steps}};
  for (const PredictInput& input : setting.inputs) {
    table["inputs"].push_back(
        {{"name", input.name}, {"value", input.value}, {"origin", input.origin}});
  }
  bool all_void = true;
  for (const PredictRow& row : report.rows) {
    const EmulatedPoint point = measure(row, setting, options, keep);
    table["rows"].push_back(row_of(point, options.rounds));
    all_void = all_void && !table["rows"].back()["void"].get<std::string>().empty();
  }
  keep(table);
  print_emulation_table(table);
  if (all_void) {
    throw NoisyMachine("every row is void: try a larger --dilate, or fewer ranks");
  }
}

}  // namespace

void add_bench_emulate_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "emulate", "Run our protocol on many real ranks whose computation is slept through");
  const auto options = std::make_shared<EmulateOptions>();
  options->predict.ranks = {8, 64};
  options->predict.algorithm = "ring";
  options->predict.link_needed = false;
  add_step_options(command, options->predict);
  add_machine_options(command, options->predict);
  add_averaging_options(command, options->predict);
  command.add_option("--hostfile", options->hostfile, "Hosts, a line 'host slots=N' each")
      ->type_name("FILE");
  command
      .add_option("--dilate", options->dilation,
                  "Sleep so many times as long, so that the cores look as much faster to averaging")
      ->check(CLI::Range(1.0, 1000.0))
      ->capture_default_str();
  command.add_option("--steps", options->steps, "Steps that are timed in a round")
      ->check(CLI::Range(5, 100000))
      ->capture_default_str();
  command.add_option("--rounds", options->rounds, "Rounds that count")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--json", options->predict.json,
                  "Write all rounds to this file as well, a JSON object a line, in place of what "
                  "is there")
      ->type_name("FILE");
  command.footer(
      "Launch, messages, barriers, sums and threads are those of training; forward, backward and "
      "optimizer are sleeps of measured times, which vary as the recorded steps do. A row is void "
      "where the cores were busy for over half of the time, where ranks waited for cores for over "
      "2% of it, or where a step at twice the dilation differs by over 5%. With --hostfile a "
      "dilated link has to be as many times slower. Writes no files but that of --json.\n\n"
      "Examples:\n"
      "  ringtrain bench emulate --step-ms 100 --batch 64 --parameters 1M --ranks 8 --rounds 1\n"
      "  ringtrain bench emulate --from one.jsonl --model lenet5 --parameters 61706 --per-host 8 "
      "--ranks 64,256 --dilate 32 --json emulated.jsonl");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
