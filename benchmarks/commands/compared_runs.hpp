// SPDX-License-Identifier: Apache-2.0
// Two runs of `bench step`, row by row.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/statistics.hpp"

namespace ringtrain::benchmarks {

// One contestant with one model.
struct RateSeries {
  std::string model;
  std::string name;
  int ranks = 0;
  std::vector<double> rates;    // samples per second, of the undisturbed rounds; of all if none was
  std::vector<double> anchors;  // of the contestant without averaging in the same rounds
};

struct StepRun {
  std::string machine;  // processor and cores; empty: not known
  std::vector<RateSeries> series;
};

// Reads a file of `bench step --json`. name: for errors. Throws a data error.
StepRun read_step_run(const std::string& lines, const std::string& name);

struct ComparedRow {
  RateSeries before, after;
  double ratio = 1;   // median after over median before
  Interval interval;  // of it: from the ends of both medians' intervals, so at least as wide
  double p = 1;       // Mann and Whitney's, adjusted for the number of rows
};

// Rows that both runs have, in the order of the first. normalised: of rates over those without
// averaging in the same round, which a faster or slower machine changes as well. Throws a job error
// if the machines differ and the rates are not normalised, or if no row is in both.
std::vector<ComparedRow> compare(const StepRun& before, const StepRun& after, bool normalised);

// "+3.1% (p=0.016 n=7)", or "~ (p=0.219 n=7)" where the runs may as well be equal (p >= 0.05).
std::string print_change(const ComparedRow& row);
// Whether the whole interval of the ratio is lower than 1 by more than this share.
bool is_slower(const ComparedRow& row, double share);

}  // namespace ringtrain::benchmarks
