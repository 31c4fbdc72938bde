// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/predict/trace_profile.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/statistics.hpp"
#include "benchmarks/predict/trace_spans.hpp"

namespace ringtrain::benchmarks {
namespace {

// First steps are slower. Of a short trace, the half.
constexpr size_t kWarmUp = 3;

double median_of(const std::vector<TracedStep>& steps, double TracedStep::*member) {
  std::vector<double> values;
  for (const TracedStep& step : steps) values.push_back(step.*member);
  return median(std::move(values));
}

// Buckets of the steps that have the most common number of them.
std::vector<Bucket> median_buckets(const std::vector<TracedStep>& steps, double backward) {
  std::vector<double> counts;
  for (const TracedStep& step : steps) {
    counts.push_back(static_cast<double>(std::max(step.ready.size(), step.bytes.size())));
  }
  const auto count = static_cast<size_t>(median(counts));
  std::vector<Bucket> buckets(count);
  for (size_t k = 0; k < count; ++k) {
    std::vector<double> ready, bytes;
    for (const TracedStep& step : steps) {
      if (step.ready.size() == count) ready.push_back(step.ready[k]);
      if (step.bytes.size() == count) bytes.push_back(step.bytes[k]);
    }
    buckets[k] = {median(bytes), std::clamp(median(ready), 0.0, backward)};
  }
  return buckets;
}

}  // namespace

std::vector<TraceSpan> read_spans(const nlohmann::json& trace) {
  std::vector<TraceSpan> spans;
  for (const auto& event : trace.at("traceEvents")) {
    const std::string phase = event.value("ph", "");
    if (phase != "X" && phase != "i") continue;
    TraceSpan span;
    span.category = event.value("cat", "");
    span.name = event.at("name").get<std::string>();
    // PyTorch has text for the threads of a GPU's streams.
    const auto number = [&](const char* key) {
      return event.contains(key) && event[key].is_number() ? event[key].get<int64_t>() : -1;
    };
    span.process = number("pid");
    span.thread = number("tid");
    constexpr double kMicrosecond = 1e-6;
    span.begin = event.at("ts").get<double>() * kMicrosecond;
    span.end = span.begin + event.value("dur", 0.0) * kMicrosecond;
    if (event.contains("args")) span.arguments = event["args"];
    spans.push_back(std::move(span));
  }
  std::stable_sort(spans.begin(), spans.end(),
                   [](const TraceSpan& a, const TraceSpan& b) { return a.begin < b.begin; });
  return spans;
}

std::vector<const TraceSpan*> within(const std::vector<TraceSpan>& spans, const TraceSpan& outer) {
  const auto earlier = [](const TraceSpan& span, double time) { return span.begin < time; };
  const auto first = std::lower_bound(spans.begin(), spans.end(), outer.begin, earlier);
  const auto last = std::lower_bound(first, spans.end(), outer.end, earlier);
  std::vector<const TraceSpan*> found;
  for (auto span = first; span != last; ++span) {
    if (&*span != &outer) found.push_back(&*span);
  }
  return found;
}

TraceProfile read_trace_profile(const std::string& json, const std::string& name) {
  TraceProfile found;
  std::vector<TracedStep> steps;
  try {
    const std::vector<TraceSpan> spans = read_spans(nlohmann::json::parse(json));
    steps = ringtrain_steps(spans, found.ranks);
    found.program = "ringtrain";
    if (steps.empty()) {
      steps = pytorch_steps(spans);
      found.program = "PyTorch";
    }
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("{}: not a Chrome trace: {}", name, error.what()));
  }
  if (steps.empty()) {
    throw data_error(fmt::format(
        "{}: no training step in it; run a job with --trace, or call the PyTorch profiler's "
        "step() after every step and a backward pass",
        name));
  }
  const auto dropped = static_cast<ptrdiff_t>(std::min(kWarmUp, steps.size() / 2));
  steps.erase(steps.begin(), steps.begin() + dropped);
  found.steps = steps.size();
  found.step.forward = median_of(steps, &TracedStep::forward);
  found.step.backward = median_of(steps, &TracedStep::backward);
  found.step.optimizer = median_of(steps, &TracedStep::optimizer);
  found.step.other = median_of(steps, &TracedStep::other);
  found.exposed = median_of(steps, &TracedStep::exposed);
  found.step.buckets = median_buckets(steps, found.step.backward);
  found.sizes_unknown = !found.step.buckets.empty() && found.step.gradient_bytes() == 0;
  return found;
}

}  // namespace ringtrain::benchmarks
