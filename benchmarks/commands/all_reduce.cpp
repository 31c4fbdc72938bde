// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/all_reduce.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/all_reduce_table.hpp"
#include "benchmarks/commands/gated_rounds.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "launcher/mpi/placement.hpp"
#include "launcher/mpi/worker_program.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

struct AllReduceOptions {
  int ranks = 0;
  std::string hostfile;
  std::vector<uint64_t> sizes;
  int rounds = 7;
  double seconds = 0.2;
  std::string python;
  std::string peer = "benchmarks/peers/gloo_all_reduce.py";
  std::string json;
};

std::string joined(const std::vector<uint64_t>& sizes) {
  return fmt::format("{}", fmt::join(sizes, ","));
}

void measure_ours(const RankLayout& layout, const AllReduceOptions& options,
                  AllReduceRounds& measured) {
  const auto result =
      run_ranks(layout,
                {find_program_beside("ringtrain-bench-all-reduce"), "--sizes",
                 joined(options.sizes), "--seconds", std::to_string(options.seconds)},
                std::chrono::minutes(10));
  measured.ranks = result.at("ranks").get<int>();
  AllReduceRound& round = measured.rounds.back();
  if (result.contains("link_bytes_per_second")) {
    round.link = result["link_bytes_per_second"].get<double>();
  }
  for (const auto& row : result.at("rows")) {
    round.runs.push_back({row.at("bytes").get<uint64_t>(), row.at("name").get<std::string>(),
                          row.at("seconds").get<double>(), row.at("wrong").get<uint64_t>()});
  }
}

void measure_gloo(const RankLayout& layout, const AllReduceOptions& options,
                  AllReduceRounds& measured) {
  const std::string master = layout.local ? "127.0.0.1" : layout.hosts.front().name;
  const auto result = run_peers(
      layout,
      {options.python, options.peer, "--sizes", joined(options.sizes), "--seconds",
       std::to_string(options.seconds), "--master", master, "--port", std::to_string(free_port())},
      std::chrono::minutes(10));
  for (const auto& row : result.at("rows")) {
    measured.rounds.back().runs.push_back({row.at("bytes").get<uint64_t>(), kGloo,
                                           row.at("seconds").get<double>(),
                                           row.at("wrong").get<uint64_t>()});
  }
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
  std::string records;
  keep_record(options.json, provenance_record(gloo ? options.python : ""), records);
  AllReduceRounds measured;
  const auto one_round = [&] {
    measured.rounds.emplace_back();
    measure_ours(layout, options, measured);
    if (gloo) measure_gloo(layout, options, measured);
    return std::string();
  };
  measured.gates =
      run_gated_rounds(options.rounds, layout.local, one_round, [&](const GatedRound& gate) {
        fmt::print(stderr, "round {}{}{}\n", measured.rounds.size(),
                   gate.disturbed.empty() ? "" : " does not count: ", gate.disturbed);
        keep_record(options.json, to_json(gate, measured.rounds.back()), records);
      });
  const auto table = all_reduce_table(measured, options.rounds);
  keep_record(options.json, table, records);
  print_all_reduce_table(table);
  for (const auto& row : table["rows"]) {
    if (row["wrong"].get<uint64_t>() > 0) {
      throw std::runtime_error(fmt::format("{}: wrong sums", row["name"].get<std::string>()));
    }
  }
  if (mostly_disturbed(measured.gates)) throw mostly_disturbed_error("all-reduce");
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
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
  command
      .add_option("--rounds", options->rounds,
                  "Rounds that count; each contestant runs once a round")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--seconds", options->seconds, "Seconds for a contestant and size in a round")
      ->check(CLI::Range(0.001, 60.0))
      ->capture_default_str();
  command.add_option("--python", options->python, "Python with torch, for Gloo")
      ->capture_default_str()
      ->type_name("PROGRAM");
  command.add_option("--peer", options->peer, "Script for Gloo")
      ->capture_default_str()
      ->type_name("FILE");
  command
      .add_option(
          "--json", options->json,
          "Write all rounds to this file as well, a JSON object a line, in place of what is "
          "there")
      ->type_name("FILE");
  command.footer(
      "Writes no files but that of --json. A round in which something else used the cores is kept, "
      "and run again; exit code 5 if most were.\n\nExamples:\n"
      "  ringtrain bench allreduce -n 2 --sizes 64K,4M --rounds 2\n"
      "  ringtrain bench allreduce --hostfile hosts");
  command.callback([options] {
    if (options->hostfile.empty() && options->ranks == 0) options->ranks = 2;
    run(*options);
  });
}

}  // namespace ringtrain::benchmarks
