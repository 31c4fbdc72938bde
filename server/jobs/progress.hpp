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

struct Progress {
  int64_t attempt = 0;         // whose events are being read; 0: none yet
  uint64_t offset = 0;         // bytes of its events.jsonl that are read
  int64_t phase = 0;           // a RunPhase, of this attempt
  bool attempt_saved = false;  // this attempt has written a checkpoint
  bool has_saved = false;      // any has
  int64_t barren = 0;          // attempts before this one, in a row, that wrote none
  std::string first_started;   // RFC 3339; empty: not yet
  tracking::JobFigures figures;

  // Continues with the events of another attempt, from its first byte.
  void begin_attempt(int number);
  RunPhase run_phase() const { return static_cast<RunPhase>(phase); }
};

nlohmann::ordered_json progress_to_json(const Progress& progress);
// Returns what progress_to_json() made; nothing for anything else.
std::optional<Progress> progress_from_json(const std::string& text);

// Series by name: loss, samples_per_second (over steps), train_loss, test_loss, test_accuracy,
// learning_rate, step_seconds (once an epoch).
using SeriesByName = std::map<std::string, Series>;

// Adds an event.
void take_event(const EventRecord& record, Progress& progress, SeriesByName& series);

}  // namespace ringtrain::server
