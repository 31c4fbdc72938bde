// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/all_reduce_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/statistics.hpp"
#include "base/text.hpp"
#include "benchmarks/commands/paired_ratio.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr const char* kBound = "memcpy";

// Seconds of a contestant by round, of those that count; empty if it took no part.
std::vector<double> seconds_of(const AllReduceRounds& measured, const std::vector<size_t>& rounds,
                               uint64_t bytes, const std::string& name) {
  std::vector<double> seconds;
  for (const size_t round : rounds) {
    for (const AllReduceRun& run : measured.rounds[round].runs) {
      if (run.bytes == bytes && run.name == name) seconds.push_back(run.seconds);
    }
  }
  return seconds;
}

uint64_t wrong_sums(const AllReduceRounds& measured, uint64_t bytes, const std::string& name) {
  uint64_t wrong = 0;
  for (const AllReduceRound& round : measured.rounds) {
    for (const AllReduceRun& run : round.runs) {
      if (run.bytes == bytes && run.name == name) wrong += run.wrong;
    }
  }
  return wrong;
}

// A ratio is missing if there is nothing to relate the row to.
nlohmann::ordered_json row_of(const AllReduceRounds& measured, const std::vector<size_t>& rounds,
                              const AllReduceRun& run) {
  const std::vector<double> seconds = seconds_of(measured, rounds, run.bytes, run.name);
  const double algorithm_rate = static_cast<double>(run.bytes) / median(seconds);
  const double per_rank = 2.0 * (measured.ranks - 1) / measured.ranks;  // as nccl-tests defines it
  nlohmann::ordered_json row = {{"bytes", run.bytes},
                                {"name", run.name},
                                {"seconds", median_json(seconds)},
                                {"algbw", algorithm_rate},
                                {"busbw", per_rank * algorithm_rate},
                                {"wrong", wrong_sums(measured, run.bytes, run.name)}};
  const std::vector<double> gloo = seconds_of(measured, rounds, run.bytes, kGloo);
  if (!gloo.empty()) row["times_gloo"] = to_json(paired_ratio(gloo, seconds));
  std::vector<double> limit = seconds_of(measured, rounds, run.bytes, kBound);
  if (measured.rounds.front().link > 0) {
    // The bus rate is the link's only if each node has one rank.
    limit.clear();
    for (const size_t round : rounds) {
      limit.push_back(per_rank * static_cast<double>(run.bytes) / measured.rounds[round].link);
    }
  }
  if (!limit.empty()) row["share_of_limit"] = to_json(paired_ratio(limit, seconds));
  return row;
}

std::string time_text(double seconds) {
  return seconds < 1e-3 ? fmt::format("{:.1f} us", seconds * 1e6)
                        : fmt::format("{:.2f} ms", seconds * 1e3);
}

}  // namespace

nlohmann::ordered_json to_json(const GatedRound& gate, const AllReduceRound& round) {
  nlohmann::ordered_json record = {
      {"kind", "round"}, {"noise", to_json(gate.noise)}, {"disturbed", gate.disturbed}};
  if (round.link > 0) record["link_bytes_per_second"] = round.link;
  for (const AllReduceRun& run : round.runs) {
    record["runs"].push_back(
        {{"bytes", run.bytes}, {"name", run.name}, {"seconds", run.seconds}, {"wrong", run.wrong}});
  }
  return record;
}

nlohmann::ordered_json all_reduce_table(const AllReduceRounds& measured, int wanted) {
  const std::vector<size_t> rounds = counted_rounds(measured.gates, wanted);
  nlohmann::ordered_json table = {{"kind", "table"},
                                  {"class", "measured"},
                                  {"ranks", measured.ranks},
                                  {"rounds", rounds.size()},
                                  {"rounds_run", measured.gates.size()}};
  std::vector<double> link;
  for (const size_t round : rounds) link.push_back(measured.rounds[round].link);
  if (link.front() > 0) table["link_bytes_per_second"] = median_json(link);
  std::vector<AllReduceRun> runs = measured.rounds.front().runs;
  std::stable_sort(runs.begin(), runs.end(),
                   [](const AllReduceRun& a, const AllReduceRun& b) { return a.bytes < b.bytes; });
  for (const AllReduceRun& run : runs) table["rows"].push_back(row_of(measured, rounds, run));
  return table;
}

void print_all_reduce_table(const nlohmann::ordered_json& table) {
  const bool network = table.contains("link_bytes_per_second");
  fmt::print(
      "{} ranks, 1 thread each; fp32 sums of arrays that were just written. Timed: from all ranks\n"
      "ready until every rank can read the sum; medians of {} undisturbed rounds of {}, ratios by "
      "round, with\n{:.1f}% intervals. \"ringtrain\" is "
      "what a training step does: inside a node the sum stays\ndivided among the ranks' shared "
      "memory; "
      "\"private copies\" adds a copy of all of it for each\nrank, as the others give. "
      "busbw = algbw * 2(p-1)/p.\n",
      table["ranks"].get<int>(), table["rounds"].get<int>(), table["rounds_run"].get<int>(),
      100 * table["rows"][0]["seconds"]["coverage"].get<double>());
  if (network) {
    fmt::print("link: {:.2f} GB/s each way at once, by TCP between the nodes, in the same rounds\n",
               table["link_bytes_per_second"]["median"].get<double>() / 1e9);
  } else {
    fmt::print(
        "memcpy: the same ranks copy as many bytes as a sum must move: p reads and one write. "
        "(It also\nfetches the lines that it writes to, which a sum in place has read already.)\n");
  }
  const auto ratio = [](const nlohmann::ordered_json& row, const char* key) {
    if (!row.contains(key)) return std::string();
    return fmt::format("{:.2f} [{:.2f}, {:.2f}]", row[key]["median"].get<double>(),
                       row[key]["low"].get<double>(), row[key]["high"].get<double>());
  };
  uint64_t size = 0;
  for (const auto& row : table["rows"]) {
    if (row["bytes"] != size) {
      size = row["bytes"].get<uint64_t>();
      fmt::print("\n{:<28}{:>11}{:>12}{:>12}{:>22}{:>22}\n", print_size(size), "time", "algbw GB/s",
                 "busbw GB/s", "times Gloo", network ? "of the link" : "of memcpy");
    }
    const auto wrong = row["wrong"].get<uint64_t>();
    fmt::print("  {:<26}{:>11}{:>12.3f}{:>12.3f}{:>22}{:>22}{}\n", row["name"].get<std::string>(),
               time_text(row["seconds"]["median"].get<double>()), row["algbw"].get<double>() / 1e9,
               row["busbw"].get<double>() / 1e9, ratio(row, "times_gloo"),
               ratio(row, "share_of_limit"),
               wrong > 0 ? fmt::format("  {} WRONG", wrong) : std::string());
  }
}

}  // namespace ringtrain::benchmarks
