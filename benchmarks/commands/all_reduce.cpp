// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/all_reduce.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/statistics.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

constexpr const char* kGloo = "PyTorch, Gloo";
constexpr const char* kBound = "memcpy";

struct AllReduceOptions {
  int ranks = 0;
  std::string hostfile;
  std::vector<uint64_t> sizes;
  int rounds = 5;
  double seconds = 0.2;
  std::string python;
  std::string peer = "benchmarks/peers/gloo_all_reduce.py";
  std::string json;
};

struct Row {
  uint64_t bytes = 0;
  std::string name;
  std::vector<double> seconds;  // by round
  uint64_t wrong = 0;
};

struct Measured {
  int ranks = 0;
  std::vector<Row> rows;     // in the order in which they are printed
  std::vector<double> link;  // bytes per second, by round; several nodes only
  const Row* find(uint64_t bytes, const std::string& name) const {
    for (const Row& row : rows) {
      if (row.bytes == bytes && row.name == name) return &row;
    }
    return nullptr;
  }
  void add(uint64_t bytes, const std::string& name, double seconds, uint64_t wrong) {
    auto* row = const_cast<Row*>(find(bytes, name));
    if (row == nullptr) row = &rows.emplace_back(Row{bytes, name, {}, 0});
    row->seconds.push_back(seconds);
    row->wrong += wrong;
  }
};

std::string joined(const std::vector<uint64_t>& sizes) {
  return fmt::format("{}", fmt::join(sizes, ","));
}

void measure_ours(const RankLayout& layout, const AllReduceOptions& options, Measured& measured) {
  const auto result =
      run_ranks(layout,
                {find_program_beside("ringtrain-bench-all-reduce"), "--sizes",
                 joined(options.sizes), "--seconds", std::to_string(options.seconds)},
                std::chrono::minutes(10));
  measured.ranks = result.at("ranks").get<int>();
  if (result.contains("link_bytes_per_second")) {
    measured.link.push_back(result["link_bytes_per_second"].get<double>());
  }
  for (const auto& row : result.at("rows")) {
    measured.add(row.at("bytes").get<uint64_t>(), row.at("name").get<std::string>(),
                 row.at("seconds").get<double>(), row.at("wrong").get<uint64_t>());
  }
}

void measure_gloo(const RankLayout& layout, const AllReduceOptions& options, Measured& measured) {
  const std::string master = layout.local ? "127.0.0.1" : layout.hosts.front().name;
  const auto result = run_peers(
      layout,
      {options.python, options.peer, "--sizes", joined(options.sizes), "--seconds",
       std::to_string(options.seconds), "--master", master, "--port", std::to_string(free_port())},
      std::chrono::minutes(10));
  for (const auto& row : result.at("rows")) {
    measured.add(row.at("bytes").get<uint64_t>(), kGloo, row.at("seconds").get<double>(),
                 row.at("wrong").get<uint64_t>());
  }
}

// Printed figures of a row; a share or ratio is missing if there is nothing to relate it to.
struct Figures {
  double seconds, algorithm_rate, bus_rate;
  std::optional<double> over_gloo, of_limit;
};

Figures figures(const Measured& measured, const Row& row) {
  Figures result{};
  result.seconds = median(row.seconds);
  result.algorithm_rate = static_cast<double>(row.bytes) / result.seconds;
  const double per_rank = 2.0 * (measured.ranks - 1) / measured.ranks;  // as nccl-tests defines it
  result.bus_rate = per_rank * result.algorithm_rate;
  if (const Row* gloo = measured.find(row.bytes, kGloo)) {
    result.over_gloo = median_ratio(gloo->seconds, row.seconds);
  }
  if (!measured.link.empty()) {
    // The bus rate is the link's only if each node has one rank.
    result.of_limit = result.bus_rate / median(measured.link);
  } else if (const Row* bound = measured.find(row.bytes, kBound)) {
    result.of_limit = median_ratio(bound->seconds, row.seconds);
  }
  return result;
}

std::string time_text(double seconds) {
  return seconds < 1e-3 ? fmt::format("{:.1f} us", seconds * 1e6)
                        : fmt::format("{:.2f} ms", seconds * 1e3);
}

void print(const Measured& measured, const AllReduceOptions& options) {
  const bool network = !measured.link.empty();
  fmt::print(
      "{} ranks, 1 thread each; fp32 sums of arrays that were just written. Timed: from all ranks\n"
      "ready until every rank can read the sum; medians of {} rounds, ratios by round. "
      "\"ringtrain\" is\n"
      "what a training step does: inside a node the sum stays divided among the ranks' shared "
      "memory;\n"
      "\"private copies\" adds a copy of all of it for each rank, as the others give. "
      "busbw = algbw * 2(p-1)/p.\n",
      measured.ranks, options.rounds);
  if (network) {
    fmt::print("link: {:.2f} GB/s each way at once, by TCP between the nodes, in the same rounds\n",
               median(measured.link) / 1e9);
  } else {
    fmt::print(
        "memcpy: the same ranks copy as many bytes as a sum must move: p reads and one write. "
        "(It also\nfetches the lines that it writes to, which a sum in place has read already.)\n");
  }
  uint64_t size = 0;
  for (const Row& row : measured.rows) {
    if (row.bytes != size) {
      size = row.bytes;
      fmt::print("\n{:<28}{:>12}{:>12}{:>12}{:>10}{:>14}\n", print_size(size), "time", "algbw GB/s",
                 "busbw GB/s", "x Gloo", network ? "of the link" : "of memcpy");
    }
    const Figures found = figures(measured, row);
    const auto share = found.of_limit ? fmt::format("{:.0f}%", 100 * *found.of_limit) : "";
    const auto ratio = found.over_gloo ? fmt::format("{:.2f}", *found.over_gloo) : "";
    fmt::print("  {:<26}{:>12}{:>12.3f}{:>12.3f}{:>10}{:>14}{}\n", row.name,
               time_text(found.seconds), found.algorithm_rate / 1e9, found.bus_rate / 1e9, ratio,
               share, row.wrong > 0 ? fmt::format("  {} WRONG", row.wrong) : "");
  }
}

nlohmann::ordered_json to_json(const Measured& measured, const AllReduceOptions& options) {
  nlohmann::ordered_json result = {{"ranks", measured.ranks}, {"rounds", options.rounds}};
  if (!measured.link.empty()) result["link_bytes_per_second"] = measured.link;
  for (const Row& row : measured.rows) {
    const Figures found = figures(measured, row);
    nlohmann::ordered_json entry = {{"bytes", row.bytes},
                                    {"name", row.name},
                                    {"seconds", found.seconds},
                                    {"algbw", found.algorithm_rate},
                                    {"busbw", found.bus_rate}};
    if (found.over_gloo) entry["times_gloo"] = *found.over_gloo;
    if (found.of_limit) entry["share_of_limit"] = *found.of_limit;
    entry["wrong"] = row.wrong;
    entry["seconds_by_round"] = row.seconds;
    result["rows"].push_back(std::move(entry));
  }
  return result;
}

void run(const AllReduceOptions& options) {
  for (const uint64_t size : options.sizes) {
    if (size == 0 || size % sizeof(float) != 0 || size > uint64_t{1} << 32) {
      throw job_error(fmt::format("--sizes: {} is not a multiple of 4 up to 4 GiB", size));
    }
  }
  const RankLayout layout = lay_out_ranks(options.hostfile, options.ranks);
  if (layout.ranks() < 2) throw job_error("-n: a sum over ranks needs at least 2");
  const bool gloo = can_import(options.python, "torch.distributed");
  if (!gloo) {
    fmt::print(stderr, "Gloo left out: {} cannot import torch (--python names another)\n",
               options.python);
  }
  Measured measured;
  for (int round = 1; round <= options.rounds; ++round) {
    fmt::print(stderr, "round {} of {}\n", round, options.rounds);
    measure_ours(layout, options, measured);
    if (gloo) measure_gloo(layout, options, measured);
  }
  // Sorted by size; rows of one size stay in their order.
  std::stable_sort(measured.rows.begin(), measured.rows.end(),
                   [](const Row& a, const Row& b) { return a.bytes < b.bytes; });
  print(measured, options);
  write_json(options.json, to_json(measured, options));
  for (const Row& row : measured.rows) {
    if (row.wrong > 0) throw std::runtime_error(fmt::format("{}: wrong sums", row.name));
  }
}

}  // namespace

void add_bench_all_reduce_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "allreduce",
      "Measure all-reduces: ours, MPI's and Gloo's, beside the limit of memory or link");
  const auto options = std::make_shared<AllReduceOptions>();
  options->python = default_python();
  for (uint64_t size = 4 << 10; size <= 256 << 20; size *= 4) options->sizes.push_back(size);
  command
      .add_option("-n,--ranks", options->ranks,
                  "Ranks to start (default: 2, or all slots of the hostfile)")
      ->check(CLI::Range(2, 65536));
  command.add_option("--hostfile", options->hostfile, "Hosts, a line 'host slots=N' each")
      ->type_name("FILE");
  command.add_option("--sizes", options->sizes, "Sizes in bytes, such as 256K or 25M")
      ->delimiter(',')
      ->transform(CLI::AsSizeValue(false));
  command.add_option("--rounds", options->rounds, "Rounds; each contestant runs once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options->seconds, "Seconds for a contestant and size in a round")
      ->check(CLI::Range(0.001, 60.0))
      ->capture_default_str();
  command.add_option("--python", options->python, "Python with torch, for Gloo")
      ->capture_default_str();
  command.add_option("--peer", options->peer, "Script for Gloo")->capture_default_str();
  command
      .add_option("--json", options->json,
                  "Write the results to this file as well, in place of what is there")
      ->type_name("FILE");
  command.footer(
      "Writes no files but that of --json.\n\nExamples:\n"
      "  ringtrain bench allreduce -n 2 --sizes 64K,4M --rounds 2\n"
      "  ringtrain bench allreduce --hostfile hosts");
  command.callback([options] {
    if (options->hostfile.empty() && options->ranks == 0) options->ranks = 2;
    run(*options);
  });
}

}  // namespace ringtrain::benchmarks
