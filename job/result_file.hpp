// SPDX-License-Identifier: Apache-2.0
// result.json: the figures of a finished run. docs/reference/result.md describes every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain {

struct RankPlacement {
  int rank = 0;
  std::string host;
  std::string device;
  bool operator==(const RankPlacement&) const = default;
};

// The slowest rank: its own seconds of a step, without the time in which it waits for others.
struct RankSpeed {
  int rank = 0;
  std::string host;
  double seconds = 0;  // a step
  double median = 0;   // of the other ranks
  bool operator==(const RankSpeed&) const = default;
};

// The seconds of a run by activity, on rank 0; for a resumed run, since it was resumed.
struct Seconds {
  double total = 0;                  // from the start of the process to the written model
  double startup = 0;                // until the first step
  double compute = 0;                // forward, backward and optimizer
  double exposed_communication = 0;  // waiting for other ranks
  double data_wait = 0;
  double evaluate = 0;
  double checkpoint = 0;  // training paused by checkpoints
  bool operator==(const Seconds&) const = default;
};

// The cost of lost ranks, added by the launcher.
struct RecoverySummary {
  int64_t restarts = 0;
  double seconds_lost = 0;
  int64_t steps_replayed = 0;
  int64_t samples_replayed = 0;
  std::vector<std::string> causes;  // one for each restart
  bool operator==(const RecoverySummary&) const = default;
};

struct Result {
  std::string name;
  std::string status;  // "finished", or "stopped" where the ranks were asked to end before that
  int64_t ranks = 0;
  std::vector<RankPlacement> placement;
  std::string device;
  std::string precision;  // fp32, tf32 or bf16
  std::string communication;
  int64_t epochs = 0;
  int64_t steps = 0;
  int64_t skipped_steps = 0;
  int64_t rollbacks = 0;
  std::optional<int64_t> resumed_from_step;
  uint64_t samples_seen = 0;
  double train_loss = 0;  // mean over the samples of the last epoch, or of its steps so far
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;  // 0 to 1, over every test sample
  // Errors of each target, in its own unit, over every test sample.
  std::optional<std::vector<double>> test_rmse;
  std::optional<std::vector<double>> test_mae;
  double samples_per_second = 0;  // while training, since the start or the resume
  Seconds seconds;
  std::optional<RankSpeed> slowest;  // with several ranks
  std::string order_hash;            // hexadecimal; the same for any number of ranks
  std::string model;                 // path of model.safetensors
  std::optional<RecoverySummary> recovery;
  bool operator==(const Result&) const = default;
};

// The content of result.json.
nlohmann::ordered_json result_to_json(const Result& result);
std::string print_result(const Result& result);

// Returns nothing where the text is not a whole result or was written by a newer version.
std::optional<Result> parse_result(std::string_view text);

// Reads a file; returns nothing where it is missing, too.
std::optional<Result> read_result(const std::filesystem::path& file);

// Writes a file that appears whole or not at all. Throws an io error.
void write_result(const std::filesystem::path& file, const Result& result);

}  // namespace ringtrain
