// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::benchmarks {

// An event of a Chrome trace with a begin and an end, or a moment: then both are equal.
struct TraceSpan {
  std::string category;
  std::string name;
  int64_t process = 0;
  int64_t thread = 0;
  double begin = 0;  // seconds
  double end = 0;
  nlohmann::json arguments;

  double seconds() const { return end - begin; }
};

// Returns spans and moments of a Chrome trace, by begin. Throws nlohmann's errors.
std::vector<TraceSpan> read_spans(const nlohmann::json& trace);

// Spans that begin within another one.
std::vector<const TraceSpan*> within(const std::vector<TraceSpan>& spans, const TraceSpan& outer);

// A step as measured once, before medians are taken.
struct TracedStep {
  double forward = 0, backward = 0, optimizer = 0, other = 0, exposed = 0;
  std::vector<double> ready;  // of buckets, from the begin of the backward pass
  std::vector<double> bytes;  // of buckets; empty: not known
};

// trace_ringtrain.cpp and trace_pytorch.cpp: the steps of all ranks in a trace; none if it is not
// from that program.
std::vector<TracedStep> ringtrain_steps(const std::vector<TraceSpan>& spans, int& ranks);
std::vector<TracedStep> pytorch_steps(const std::vector<TraceSpan>& spans);

}  // namespace ringtrain::benchmarks
