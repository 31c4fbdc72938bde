// SPDX-License-Identifier: Apache-2.0
// outcome.json: how a run ended, whatever happened. docs/reference/outcome.md describes every key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace ringtrain {

enum class RunStatus {
  finished,   // the model and result.json are complete
  cancelled,  // a signal asked the launcher to stop
  failed,     // job, data, environment or arithmetic: the same command would fail again
  lost,       // ranks or hosts were lost too often
  killed,     // the launcher is gone and reported nothing
};

struct Outcome {
  RunStatus status = RunStatus::lost;
  std::optional<int> exit_code = {};  // of `ringtrain run`; empty where it was killed
  std::string cause = {};             // one line; empty for a finished run
  std::optional<int> signal = {};     // that cancelled the run
  std::optional<int64_t> rank = {};   // that failed first, as far as known
  std::optional<std::string> host = {};
  int attempts = 0;  // starts of the ranks
  Time started = {};
  Time ended = {};
  bool operator==(const Outcome&) const = default;
};

// The content of outcome.json on one line, without a newline.
std::string print_outcome(const Outcome& outcome);

// Returns nothing where the text is not a whole outcome or was written by a newer version.
std::optional<Outcome> parse_outcome(std::string_view text);

// Reads a file; returns nothing where it is missing, too.
std::optional<Outcome> read_outcome(const std::filesystem::path& file);

// Writes a file that appears whole or not at all. Throws an io error.
void write_outcome(const std::filesystem::path& file, const Outcome& outcome);

// The wish to end early: `output`/finish, an empty file. Rank 0 looks for it several times a
// second; the ranks then end after the step that they are in, evaluate, and write the model and
// result.json, after which the file is removed. It outlives a crash: the next start of the run
// ends at the checkpoint that it resumes from.
// Throws an io error.
void ask_to_finish(const std::filesystem::path& output);
bool is_asked_to_finish(const std::filesystem::path& output);
// Removes the file where it is there. A failure is not reported.
void forget_finish_request(const std::filesystem::path& output);

}  // namespace ringtrain
