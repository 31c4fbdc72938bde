// SPDX-License-Identifier: Apache-2.0
// Events of a run: lines of JSON that the ranks, the remote shell and the guard write to stdout for
// the launcher. docs/reference/events.md describes every kind and its keys.
//
// A line is the byte 0x1e, a JSON object and a newline (RFC 7464); every other line of stdout is
// for the user. Epochs count from 1, as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "job/result_file.hpp"

namespace ringtrain {

struct StartedEvent {
  static constexpr const char* kKind = "started";
  std::vector<RankPlacement> placement;
  int64_t world_size = 0;
  int64_t from_step = 0;  // "step": the step of the checkpoint that training resumes from
  int64_t steps = 0;
  int64_t epochs = 0;
  std::string communication;
  double startup_seconds = 0;  // from the start of rank 0's process
  bool operator==(const StartedEvent&) const = default;
};

struct StepEvent {
  static constexpr const char* kKind = "step";
  int64_t epoch = 1;
  int64_t epochs = 0;
  int64_t step = 0;
  int64_t steps = 0;
  double loss = 0;
  double samples_per_second = 0;
  double seconds_left = 0;
  bool operator==(const StepEvent&) const = default;
};

// Times and counts of a run: a second after its first step, every 10 s, and before checkpoints.
struct RanksEvent {
  static constexpr const char* kKind = "ranks";
  int64_t step = 0;
  uint64_t samples_seen = 0;
  int64_t skipped_steps = 0;
  // Own seconds a step of each rank, without waiting for others, since the last such event. Empty
  // where too few steps were made.
  std::vector<double> step_seconds = {};
  // Shares of rank 0's time since the last such event, 0 to 1: waiting for other ranks, for data.
  double communication_share = 0;
  double data_share = 0;
  Seconds seconds = {};  // since the ranks were started; without `total` and `startup`
  bool operator==(const RanksEvent&) const = default;
};

// An epoch is complete. history.jsonl holds the same keys, a line for each epoch.
struct EpochEvent {
  static constexpr const char* kKind = "epoch";
  int64_t epoch = 1;
  int64_t epochs = 0;
  int64_t step = 0;
  uint64_t samples_seen = 0;
  double learning_rate = 0;
  double train_loss = 0;
  std::optional<double> test_loss = {};
  std::optional<double> test_accuracy = {};           // 0 to 1
  std::optional<std::vector<double>> test_rmse = {};  // of each target, in its own unit
  std::optional<std::vector<double>> test_mae = {};   // the same
  double seconds = 0;
  std::optional<RankSpeed> slowest = {};  // "step_seconds"
  bool operator==(const EpochEvent&) const = default;
};

// A checkpoint is complete and safe on disk.
struct CheckpointEvent {
  static constexpr const char* kKind = "checkpoint";
  int64_t step = 0;
  std::string path;
  uint64_t bytes = 0;
  double seconds = 0;  // to write it
  double pause = 0;    // seconds for which training stood still
  bool operator==(const CheckpointEvent&) const = default;
};

// The ranks exit because they were asked to.
struct StoppedEvent {
  static constexpr const char* kKind = "stopped";
  int64_t step = 0;
  int64_t steps = 0;
  uint64_t samples_seen = 0;
  std::optional<std::string> checkpoint = {};  // path of the one that holds their work
  bool operator==(const StoppedEvent&) const = default;
};

// An evaluation of the test set begins.
struct EvaluatingEvent {
  static constexpr const char* kKind = "evaluating";
  int64_t batches = 0;
  bool operator==(const EvaluatingEvent&) const = default;
};

// Written by our remote shell: ssh to the host has failed.
struct LostHostEvent {
  static constexpr const char* kKind = "lost_host";
  std::string host;
  bool operator==(const LostHostEvent&) const = default;
};

// Written by our guard on a host: the ranks that a signal has paused there, as "; rank 1 is paused
// (SIGSTOP)". An empty text: none any more.
struct PausedEvent {
  static constexpr const char* kKind = "paused";
  std::string host;
  std::string text;
  bool operator==(const PausedEvent&) const = default;
};

struct LogEvent {
  static constexpr const char* kKind = "log";
  std::string level = "info";  // or "warning"
  std::string message;
  bool operator==(const LogEvent&) const = default;
};

// The model and result.json are complete and safe on disk.
struct ResultEvent {
  static constexpr const char* kKind = "result";
  Result result;  // its keys are the event's own
  bool operator==(const ResultEvent&) const = default;
};

struct FailureEvent {
  static constexpr const char* kKind = "failure";
  int exit_code = 4;
  bool again = true;  // a restart may succeed
  int64_t rank = 0;
  std::string host;
  std::string message;
  bool operator==(const FailureEvent&) const = default;
};

// Written by the process around a rank of a script (launcher/script): the rank has ended by
// itself.
struct RankEndedEvent {
  static constexpr const char* kKind = "rank_ended";
  int64_t rank = 0;
  std::string host = {};
  int exit_code = 0;
  int signal = 0;            // that ended it, or 0
  std::string message = {};  // "ValueError: no such class (train.py:88)"; empty after exit code 0
  bool consequence = false;  // it lost its connection to another rank, which may be the cause
  bool again = false;        // a restart may succeed
  std::string log = {};      // path of its output, on its host
  bool operator==(const RankEndedEvent&) const = default;
};

// Written by the same: a rank has printed nothing and used no processor time for a while, or has
// begun to do so again.
struct RankSilentEvent {
  static constexpr const char* kKind = "rank_silent";
  int64_t rank = 0;
  std::string host = {};
  bool silent = true;
  double seconds = 0;         // for so long
  std::string at = {};        // "train.py:60 in load_batch", where its Python stack is known
  std::string waits_in = {};  // "all_reduce", where it waits for other ranks
  bool operator==(const RankSilentEvent&) const = default;
};

using Event = std::variant<StartedEvent, StepEvent, EpochEvent, RanksEvent, CheckpointEvent,
                           StoppedEvent, EvaluatingEvent, LostHostEvent, PausedEvent, LogEvent,
                           ResultEvent, FailureEvent, RankEndedEvent, RankSilentEvent>;

struct EventRecord {
  Event event;
  std::optional<Time> time;  // to the millisecond
  int attempt = 1;           // number of the start of the ranks within this run, from 1
};

// The variable by which the launcher passes the attempt's number to all processes of an attempt.
inline constexpr const char* kAttemptVariable = "RINGTRAIN_ATTEMPT";
// Returns its value; 1 where it is not set.
int attempt_from_environment();

// Returns the line without its newline.
std::string print_event(const Event& event, int attempt,
                        Time time = std::chrono::system_clock::now());

// Reads a line without its newline. Returns nothing for any other line: without 0x1e, broken by
// another rank's output, of an unknown kind or a newer version.
std::optional<EventRecord> parse_event(std::string_view line);

// A line of history.jsonl, without its newline.
std::string print_history_line(const EpochEvent& epoch);
// Returns nothing where the line is broken.
std::optional<EpochEvent> parse_history_line(std::string_view line);

// Cuts a stream into lines. A 0x1e starts a line, too, so that an event behind unfinished output is
// found.
class Lines {
 public:
  using Take = std::function<void(const std::string& line)>;
  void feed(std::string_view bytes, const Take& take);
  // Takes the last line, where it has no newline.
  void finish(const Take& take);

 private:
  std::string open_;
};

}  // namespace ringtrain
