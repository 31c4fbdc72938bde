// SPDX-License-Identifier: Apache-2.0
#include "job/flight_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <vector>

namespace ringtrain {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargest = 1 << 20;

// The last call that a rank has come to.
struct Position {
  int64_t sequence = 0;
  std::string operation;
  int64_t bytes = 0;
  bool ended = false;
};

struct Record {
  int64_t world_size = 0;
  double written_at = 0;
  Position last;
};

std::optional<Record> read_record(const fs::path& file) {
  std::error_code error;
  if (fs::file_size(file, error) > kLargest || error) return std::nullopt;
  try {
    std::ifstream stream(file);
    const auto json = nlohmann::json::parse(stream);
    Record record{json.at("world_size").get<int64_t>(), json.at("written_at").get<double>(), {}};
    for (const auto& call : json.at("calls")) {
      const auto state = call.at("state").get<std::string>();
      const auto sequence = call.at("sequence").get<int64_t>();
      if (state == "queued" || sequence < record.last.sequence) continue;
      record.last = {sequence, call.at("operation").get<std::string>(),
                     call.at("bytes").get<int64_t>(), state == "ended"};
    }
    return record;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::string ranks_text(const std::vector<int64_t>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

}  // namespace

std::string who_is_behind(const fs::path& output, double since) {
  std::map<int64_t, Record> records;
  int64_t world_size = 0;
  for (int64_t rank = 0; rank < std::max<int64_t>(world_size, 1024); ++rank) {
    const auto record = read_record(output / fmt::format("flight-{}.json", rank));
    if (!record || record->written_at < since) continue;
    world_size = std::max(world_size, std::min<int64_t>(record->world_size, 65536));
    records.emplace(rank, *record);
  }
  if (records.empty()) return "";
  const Position front =
      std::max_element(records.begin(), records.end(), [](const auto& a, const auto& b) {
        return a.second.last.sequence < b.second.last.sequence;
      })->second.last;
  std::vector<int64_t> behind;
  std::vector<int64_t> silent;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    const auto found = records.find(rank);
    if (found == records.end()) {
      silent.push_back(rank);
    } else if (found->second.last.sequence < front.sequence) {
      behind.push_back(rank);
    }
  }
  const std::string where =
      fmt::format("exchange {} ({}, {} bytes)", front.sequence, front.operation, front.bytes);
  if (!behind.empty()) {
    const Position& last = records.at(behind.front()).last;
    return fmt::format("{} did not come to {}: the last one that it {} was {} ({})",
                       ranks_text(behind), where, last.ended ? "ended" : "came to", last.sequence,
                       last.operation);
  }
  if (!silent.empty()) {
    return fmt::format("{} left no record, while the others waited in {}: stopped, dead or cut off",
                       ranks_text(silent), where);
  }
  return fmt::format("all ranks came to {}: the exchange itself failed", where);
}

}  // namespace ringtrain
