// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "datasets/format/progress.hpp"

namespace ringtrain::launcher {

// A progress bar on standard error, drawn ten times a second at most and only on a terminal. Where
// the environment has RINGTRAIN_PROGRESS=json, a program reads it: a line on standard output
// instead, as {"progress": 0.25}.
class DatasetProgress {
 public:
  explicit DatasetProgress(std::string doing);
  DatasetProgress(const DatasetProgress&) = delete;
  DatasetProgress& operator=(const DatasetProgress&) = delete;
  ~DatasetProgress() { finish(); }

  // Returns a function to be called by one thread at a time, while this object lives.
  datasets::Progress callback();
  // Removes the bar.
  void finish();

 private:
  void draw(uint64_t done, uint64_t total);

  std::string doing_;
  bool terminal_;
  bool json_;
  bool drawn_ = false;
  double printed_ = -1;  // share, as JSON
  std::chrono::steady_clock::time_point last_;
};

}  // namespace ringtrain::launcher
