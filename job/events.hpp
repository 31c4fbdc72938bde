// SPDX-License-Identifier: Apache-2.0
// What the worker tells the launcher with --events: lines on stdout, each a byte 0x1e, a JSON
// object and a newline (RFC 7464). Every other line is for the user and is passed on. Epochs count
// from 0 here, and from 1 where a person reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ringtrain {

struct StartedEvent {
  int64_t world_size = 0;
  int64_t steps = 0;
  int64_t epochs = 0;
  int64_t from_step = 0;             // the steps that a checkpoint had done already
  nlohmann::ordered_json placement;  // [{rank, host, device}, ...]
};

struct StepEvent {
  int64_t epoch = 0;
  int64_t epochs = 0;
  int64_t step = 0;
  int64_t steps = 0;
  double loss = 0;
  double samples_per_second = 0;
  double seconds_left = 0;
};

struct EpochEvent {
  int64_t epoch = 0;
  int64_t epochs = 0;
  int64_t step = 0;
  double train_loss = 0;
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;  // 0 to 1
  double seconds = 0;
};

// A whole checkpoint lies on the disk.
struct CheckpointEvent {
  int64_t step = 0;
};

// The ranks end because they were asked to.
struct StoppedEvent {
  int64_t step = 0;
  bool saved = false;  // their work is in a checkpoint
};

// The test set is gone through, in so many batches.
struct EvaluatingEvent {
  int64_t batches = 0;
};

// From our remote shell: ssh to the host has failed.
struct LostHostEvent {
  std::string host;
};

// From our guard on a host: which of its ranks are paused by a signal, "; rank 1 is paused
// (SIGSTOP)"; empty: none any more.
struct PausedEvent {
  std::string host;
  std::string text;
};

struct LogEvent {
  std::string level;
  std::string message;
};

struct ResultEvent {
  nlohmann::ordered_json result;  // the content of result.json
};

struct FailureEvent {
  int exit_code = 4;
  bool again = true;  // another try may end otherwise
  int64_t rank = 0;
  std::string host;
  std::string message;
};

using Event =
    std::variant<StartedEvent, StepEvent, EpochEvent, CheckpointEvent, StoppedEvent,
                 EvaluatingEvent, LostHostEvent, PausedEvent, LogEvent, ResultEvent, FailureEvent>;

// A line without its newline. Nothing where it is no event: no 0x1e, broken by another rank's
// output, or of a kind that is not known.
std::optional<Event> parse_event(std::string_view line);

// Cuts a stream into lines. A 0x1e starts one, too, so that an event is found behind unfinished
// output.
class Lines {
 public:
  using Take = std::function<void(const std::string& line)>;
  void feed(std::string_view bytes, const Take& take);
  // The last line, where it has no newline.
  void finish(const Take& take);

 private:
  std::string open_;
};

}  // namespace ringtrain
