// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/predict.hpp"

#include <map>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "benchmarks/commands/predict_inputs.hpp"
#include "benchmarks/commands/predict_options.hpp"
#include "benchmarks/commands/predict_report.hpp"
#include "benchmarks/commands/rounds.hpp"

namespace ringtrain::benchmarks {
namespace {

const std::map<std::string, double> kPowers = {{"K", 1e3}, {"M", 1e6}, {"G", 1e9}};
constexpr double kMost = 1e15;

void run(const PredictOptions& options) {
  if (!options.published.empty()) {
    std::vector<PublishedPoint> points;
    for (const std::string& file : options.published) {
      const auto own = read_published(read_file(file), file);
      points.insert(points.end(), own.begin(), own.end());
    }
    const auto json = audit(points);
    write_json(options.json, json);
    return;
  }
  const PredictReport report = predict_report(options);
  print(report, options);
  write_json(options.json, to_json(report, options));
}

void add_costs(CLI::App& command, PredictOptions& options) {
  command.add_option("--price", options.price, "Price of a rank for an hour")
      ->check(CLI::Range(0.0, kMost));
  command.add_option("--samples", options.samples, "Samples of the whole training")
      ->transform(CLI::AsNumberWithUnit(kPowers))
      ->check(CLI::Range(0.0, kMost));
  command
      .add_option("--deadline-hours", options.deadline_hours,
                  "With --samples: the cheapest number of ranks that is done by then")
      ->check(CLI::Range(0.0, kMost))
      ->needs(command.get_option("--samples"));
  command
      .add_option("--json", options.json,
                  "Write the results to this file as well, in place of what is there")
      ->type_name("FILE");
  command
      .add_option("--published", options.published,
                  "Predict these published runs instead (benchmarks/published/*.json), beside "
                  "their results")
      ->type_name("FILE");
}

}  // namespace

void add_bench_predict_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "predict", "Predict a step on more ranks than there are, and what will limit it");
  const auto options = std::make_shared<PredictOptions>();
  add_step_options(command, *options);
  add_machine_options(command, *options);
  add_averaging_options(command, *options);
  add_costs(command, *options);
  command.footer(
      "It measures nothing, and writes no file but that of --json. The formulas: "
      "docs/internals/prediction.md.\n\nExamples:\n"
      "  ringtrain bench predict --step-ms 450 --batch 64 --parameters 25.6M --per-host 8 "
      "--link 25Gbit --latency-us 10 --ranks 8,64,512\n"
      "  ringtrain bench predict --from step.jsonl --model lenet5 --parameters 61706 "
      "--sums sums.jsonl --sums sums_two_hosts.jsonl\n"
      "  ringtrain bench predict --trace kineto.json --batch 32 --parameters 25.6M "
      "--per-host 8 --link 100Gbit --algorithm nccl --nvlink 230");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
