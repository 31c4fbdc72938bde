// SPDX-License-Identifier: Apache-2.0
// flight-RANK.json: the last collective calls of a rank, left in a job's output when a call hangs
// or fails. docs/reference/flight.md describes every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ringtrain {

enum class FlightState { queued, started, ended, failed };

struct FlightCall {
  uint64_t sequence = 0;  // from 1, the same on every rank
  std::string operation;
  uint64_t bytes = 0;
  FlightState state = FlightState::queued;
  double queued_at = 0;  // seconds since 1970; 0: not yet
  double started_at = 0;
  double ended_at = 0;
  bool operator==(const FlightCall&) const = default;
};

struct FlightFile {
  int rank = 0;
  int world_size = 0;
  std::string reason;
  double written_at = 0;          // seconds since 1970
  std::vector<FlightCall> calls;  // oldest first
  bool operator==(const FlightFile&) const = default;
};

std::filesystem::path flight_path(const std::filesystem::path& output, int64_t rank);

// Writes a file that appears whole or not at all. Throws an io error.
void write_flight(const std::filesystem::path& file, const FlightFile& flight);

// Returns nothing where the file is missing, broken or of a newer version.
std::optional<FlightFile> read_flight(const std::filesystem::path& file);

// Compares the flight files in a job's output and says in one line which rank the others waited
// for. Empty without files that were written since then (seconds since 1970).
std::string who_is_behind(const std::filesystem::path& output, double since);

}  // namespace ringtrain
