// SPDX-License-Identifier: Apache-2.0
// Spans of runtime/observe/trace.hpp: a process is a rank; thread 0 trains, thread 1 communicates.
#include <map>

#include "benchmarks/predict/trace_spans.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr int64_t kTraining = 0;

bool is_sum(const TraceSpan& span) { return span.name == "reduce_scatter"; }

// Waiting for sums, or doing them, on the training thread.
bool is_averaging(const TraceSpan& span) {
  return span.name == "wait" || span.name == "all_reduce" || span.name == "all_gather" ||
         is_sum(span);
}

TracedStep read_step(const std::vector<const TraceSpan*>& parts, const TraceSpan& whole,
                     double load) {
  TracedStep step;
  double backward_begin = 0;
  double in_optimizer = 0;
  const TraceSpan* optimizer = nullptr;
  for (const TraceSpan* part : parts) {
    const bool training = part->thread == kTraining;
    if (training && part->name == "forward") step.forward += part->seconds();
    if (training && part->name == "backward") {
      // With several micro-batches the last one's gradients are averaged.
      step.forward += step.backward;
      step.backward = part->seconds();
      backward_begin = part->begin;
      step.ready.clear();
    }
    if (training && part->name == "optimizer") optimizer = part;
    if (training && part->name == "bucket ready") {
      step.ready.push_back(part->begin - backward_begin);
    }
    if (is_sum(*part)) step.bytes.push_back(part->arguments.value("bytes", 0.0));
    if (training && is_averaging(*part)) {
      step.exposed += part->seconds();
      if (optimizer != nullptr && part->begin < optimizer->end) in_optimizer += part->seconds();
    }
  }
  if (optimizer != nullptr) step.optimizer = optimizer->seconds() - in_optimizer;
  step.other =
      load + whole.seconds() - step.forward - step.backward - step.optimizer - step.exposed;
  // Ranks of one host sum after the backward pass: when their gradients were ready is not written.
  if (step.ready.size() != step.bytes.size()) {
    step.ready.clear();
    double all = 0, end = 0;
    for (const double bytes : step.bytes) all += bytes;
    for (const double bytes : step.bytes) {
      end += bytes;
      step.ready.push_back(all > 0 ? step.backward * end / all : 0);
    }
  }
  return step;
}

}  // namespace

std::vector<TracedStep> ringtrain_steps(const std::vector<TraceSpan>& spans, int& ranks) {
  std::map<int64_t, std::vector<TraceSpan>> by_rank;
  for (const TraceSpan& span : spans) by_rank[span.process].push_back(span);
  std::vector<TracedStep> steps;
  int found = 0;
  for (const auto& [rank, own] : by_rank) {
    double load = 0;
    bool any = false;
    for (const TraceSpan& span : own) {
      if (span.name == "load") load = span.seconds();
      if (span.name != "step" || span.thread != kTraining) continue;
      const TracedStep step = read_step(within(own, span), span, load);
      if (step.backward <= 0) continue;
      steps.push_back(step);
      any = true;
    }
    found += any ? 1 : 0;
  }
  if (found > 0) ranks = found;
  return steps;
}

}  // namespace ringtrain::benchmarks
