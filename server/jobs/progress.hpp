// SPDX-License-Identifier: Apache-2.0
// What the events of a job say, taken one by one: its figures, and series for charts. It can be
// stored and taken up again where it stopped reading.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "job/events.hpp"
#include "job/events_file.hpp"
#include "server/jobs/state.hpp"
#include "server/store/series.hpp"
#include "tracking/job_figures.hpp"

namespace ringtrain::server {

// How fast a job trains on a number of ranks.
struct RankRate {
  int64_t ranks = 0;
  double samples_per_second = 0;  // mean over the latest reports
  int64_t reports = 0;
  bool operator==(const RankRate&) const = default;
};

// Reports, of a second each, after which a rate is known well enough.
inline constexpr int64_t kReportsOfARate = 15;

// Returns {"1": samples a second, "2": ...}, of those that are known well enough.
nlohmann::ordered_json rates_to_json(const std::vector<RankRate>& rates);

struct Progress {
  int64_t attempt = 0;            // whose events are being read; 0: none yet
  uint64_t offset = 0;            // bytes of its events.jsonl that are read
  int64_t phase = 0;              // a RunPhase, of this attempt
  bool attempt_saved = false;     // this attempt has written a checkpoint
  bool has_saved = false;         // any has
  int64_t barren = 0;             // attempts before this one, in a row, that wrote none
  std::string first_started;      // RFC 3339; empty: not yet
  int64_t starts_of_attempt = 0;  // of its ranks
  std::vector<RankRate> rates;    // by the number of ranks, ascending
  std::optional<double> communication_share, data_share;  // from the newest ranks event
  std::string ranks_seen;  // when one last had `step_seconds`, RFC 3339; empty: none had
  tracking::JobFigures figures;

  // Continues with the events of another attempt, from its first byte.
  void begin_attempt(int number);
  RunPhase run_phase() const { return static_cast<RunPhase>(phase); }
};

nlohmann::ordered_json progress_to_json(const Progress& progress);
// Returns what progress_to_json() made; nothing for anything else.
std::optional<Progress> progress_from_json(const std::string& text);

// Series by name: loss, samples_per_second (over steps), train_loss, test_loss, test_accuracy,
// learning_rate, step_seconds (once an epoch); communication_share, data_share (every 10 s).
using SeriesByName = std::map<std::string, Series>;

// Adds an event.
void take_event(const EventRecord& record, Progress& progress, SeriesByName& series);

}  // namespace ringtrain::server
