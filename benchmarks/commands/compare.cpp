// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/compare.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/file.hpp"
#include "base/statistics.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/compared_runs.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr uint64_t kLargestRecord = uint64_t{1} << 30;

struct CompareOptions {
  std::string before, after;
  bool normalise = false;
  double fail_on = 0;  // percent; 0: never
};

// "12,220 ±3%": the median, and the larger half of its interval.
std::string print_rates(const std::vector<double>& rates) {
  const double middle = median(rates);
  const Interval interval = median_interval(rates);
  const double half = std::max(interval.high - middle, middle - interval.low) / middle;
  return fmt::format("{} ±{:.0f}%", print_count(middle), 100 * half);
}

void run(const CompareOptions& options) {
  const auto rows = compare(
      read_step_run(read_file(options.before, kLargestRecord), options.before),
      read_step_run(read_file(options.after, kLargestRecord), options.after), options.normalise);
  fmt::print("samples/s, medians with 95% intervals{}\n\n{:<32}{:>18}{:>18}  {}\n",
             options.normalise ? "; changes of the ratio to the same without averaging" : "", "",
             "before", "after", "change");
  double logarithms = 0;
  size_t fewest = rows.front().before.rates.size();
  std::vector<std::string> slower;
  for (const ComparedRow& row : rows) {
    const std::string name = fmt::format("{}, {}, {}", row.before.model, row.before.name,
                                         counted(row.before.ranks, "rank"));
    // fmt counts ± as one column.
    fmt::print("{:<32}{:>18}{:>18}  {}\n", name, print_rates(row.before.rates),
               print_rates(row.after.rates), print_change(row));
    logarithms += std::log(row.ratio);
    fewest = std::min({fewest, row.before.rates.size(), row.after.rates.size()});
    if (options.fail_on > 0 && is_slower(row, options.fail_on / 100)) slower.push_back(name);
  }
  const double mean = std::exp(logarithms / static_cast<double>(rows.size()));
  fmt::print("{:<32}{:>18}{:>18}  {:+.1f}%\n", "geomean", "", "", 100 * (mean - 1));
  constexpr size_t kEnough = 6;
  if (fewest < kEnough) {
    fmt::print(
        "\nn={}: its intervals cover less than 95%, and a difference seldom shows (p < 0.05): {} "
        "rounds are enough.\n",
        fewest, kEnough);
  }
  std::fflush(stdout);
  if (!slower.empty()) {
    throw std::runtime_error(
        fmt::format("slower by more than {:g}%: {}", options.fail_on, fmt::join(slower, "; ")));
  }
}

}  // namespace

void add_bench_compare_command(CLI::App& bench) {
  CLI::App& command =
      *bench.add_subcommand("compare", "Compare two results of `bench step`, row by row");
  const auto options = std::make_shared<CompareOptions>();
  command.add_option("before", options->before, "A result of `ringtrain bench step --json`")
      ->required()
      ->type_name("FILE");
  command.add_option("after", options->after, "Another one")->required()->type_name("FILE");
  command.add_flag("--normalise", options->normalise,
                   "Compare ratios to the same without averaging, as between machines");
  command
      .add_option("--fail-on", options->fail_on,
                  "Exit with 1 if a row is slower by more than so many percent, by the whole of "
                  "its interval")
      ->check(CLI::Range(0.0, 100.0));
  command.footer(
      "Writes no files.\n\nExamples:\n"
      "  ringtrain bench compare before.jsonl after.jsonl\n"
      "  ringtrain bench compare before.jsonl after.jsonl --fail-on 3");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
