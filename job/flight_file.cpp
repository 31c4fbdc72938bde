// SPDX-License-Identifier: Apache-2.0
#include "job/flight_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <map>

#include "base/file.hpp"
#include "job/fields.hpp"

namespace ringtrain {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

NLOHMANN_JSON_SERIALIZE_ENUM(FlightState, {{FlightState::queued, "queued"},
                                           {FlightState::started, "started"},
                                           {FlightState::ended, "ended"},
                                           {FlightState::failed, "failed"}})

constexpr auto fields_of(const FlightCall*) {
  using T = FlightCall;
  return std::tuple(field("sequence", &T::sequence), field("operation", &T::operation),
                    field("bytes", &T::bytes), field("state", &T::state),
                    field("queued_at", &T::queued_at), field("started_at", &T::started_at),
                    field("ended_at", &T::ended_at));
}

constexpr auto fields_of(const FlightFile*) {
  using T = FlightFile;
  return std::tuple(field("rank", &T::rank), field("world_size", &T::world_size),
                    field("reason", &T::reason), field("written_at", &T::written_at),
                    field("calls", &T::calls));
}

namespace {

constexpr int kFlightVersion = 1;
constexpr int64_t kMostRanks = 65536;

// The last call that a rank has entered; all of it is zero where there is none.
FlightCall last_entered(const FlightFile& flight) {
  FlightCall last;
  for (const FlightCall& call : flight.calls) {
    if (call.state != FlightState::queued && call.sequence >= last.sequence) last = call;
  }
  return last;
}

std::string ranks_text(const std::vector<int64_t>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

}  // namespace

fs::path flight_path(const fs::path& output, int64_t rank) {
  return output / fmt::format("flight-{}.json", rank);
}

void write_flight(const fs::path& file, const FlightFile& flight) {
  ordered_json json = {{"version", kFlightVersion}};
  put_fields(json, flight);
  write_file(file, json.dump() + "\n");
}

std::optional<FlightFile> read_flight(const fs::path& file) {
  try {
    const auto json = ordered_json::parse(read_file(file));
    if (!json.is_object() || json.value("version", kFlightVersion) > kFlightVersion)
      return std::nullopt;
    FlightFile flight;
    take_fields(json, flight);
    return flight;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string who_is_behind(const fs::path& output, double since) {
  std::map<int64_t, FlightCall> last;  // by rank
  int64_t world_size = 0;
  for (int64_t rank = 0; rank < std::max<int64_t>(world_size, 1024); ++rank) {
    const auto flight = read_flight(flight_path(output, rank));
    if (!flight || flight->written_at < since) continue;
    world_size = std::max(world_size, std::min<int64_t>(flight->world_size, kMostRanks));
    last.emplace(rank, last_entered(*flight));
  }
  if (last.empty()) return "";
  const FlightCall front =
      std::max_element(last.begin(), last.end(), [](const auto& a, const auto& b) {
        return a.second.sequence < b.second.sequence;
      })->second;
  std::vector<int64_t> behind;
  std::vector<int64_t> silent;
  for (int64_t rank = 0; rank < world_size; ++rank) {
    const auto found = last.find(rank);
    if (found == last.end()) {
      silent.push_back(rank);
    } else if (found->second.sequence < front.sequence) {
      behind.push_back(rank);
    }
  }
  const std::string where =
      fmt::format("exchange {} ({}, {} bytes)", front.sequence, front.operation, front.bytes);
  if (!behind.empty()) {
    const FlightCall& call = last.at(behind.front());
    const bool ended = call.state == FlightState::ended;
    return fmt::format("{} did not come to {}: the last one that it {} was {} ({})",
                       ranks_text(behind), where, ended ? "ended" : "came to", call.sequence,
                       call.operation);
  }
  if (!silent.empty()) {
    return fmt::format("{} left no record, while the others waited in {}: stopped, dead or cut off",
                       ranks_text(silent), where);
  }
  return fmt::format("all ranks came to {}: the exchange itself failed", where);
}

}  // namespace ringtrain
