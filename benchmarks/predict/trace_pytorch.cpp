// SPDX-License-Identifier: Apache-2.0
// Spans of PyTorch's profiler (Kineto). On a CPU the work is in the spans of operators; on a GPU
// in those of kernels, which the launching call's correlation number joins to the pass that
// launched them.
#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "benchmarks/predict/trace_spans.hpp"

namespace ringtrain::benchmarks {
namespace {

using Spans = std::vector<const TraceSpan*>;

struct Extent {
  double begin = std::numeric_limits<double>::infinity();
  double end = 0;
  bool empty() const { return end == 0; }
  void add(const TraceSpan& span) {
    begin = std::min(begin, span.begin);
    end = std::max(end, span.end);
  }
  double seconds() const { return empty() ? 0 : end - begin; }
};

bool is_kernel(const TraceSpan& span) { return span.category == "kernel"; }
bool is_nccl(const TraceSpan& span) { return is_kernel(span) && span.name.starts_with("nccl"); }
bool is_backward(const TraceSpan& span) {
  return span.name.starts_with("autograd::engine::evaluate_function");
}
bool is_sum_issued(const TraceSpan& span) { return span.name == "c10d::allreduce_"; }
bool is_sum_done(const TraceSpan& span) {
  return span.name == "gloo:all_reduce" ||
         (is_nccl(span) && span.name.find("AllReduce") != std::string::npos);
}

double elements(const nlohmann::json& dims) {
  if (!dims.is_array() || dims.empty()) return 0;
  if (dims.front().is_number()) {
    double product = 1;
    for (const auto& dim : dims) product *= dim.get<double>();
    return product;
  }
  double sum = 0;
  for (const auto& part : dims) sum += elements(part);
  return sum;
}

// Bytes of fp32 that a sum has: a bucket of fp16 is counted as the gradients that it holds.
std::optional<double> bytes_of(const TraceSpan& span) {
  constexpr double kFloat = 4;
  const auto& arguments = span.arguments;
  if (!arguments.is_object()) return std::nullopt;
  if (arguments.contains("In msg nelems")) return arguments["In msg nelems"].get<double>() * kFloat;
  if (arguments.contains("Input Dims") && arguments["Input Dims"].is_array() &&
      !arguments["Input Dims"].empty()) {
    const double count = elements(arguments["Input Dims"].front());
    if (count > 0) return count * kFloat;
  }
  return std::nullopt;
}

// Numbers of the calls on the host by which kernels were launched in a span of time.
std::set<int64_t> launched(const Spans& parts, const Extent& when) {
  std::set<int64_t> numbers;
  for (const TraceSpan* part : parts) {
    if (part->category != "cuda_runtime" && part->category != "cuda_driver") continue;
    if (part->begin < when.begin || part->begin > when.end) continue;
    if (part->arguments.contains("correlation")) {
      numbers.insert(part->arguments["correlation"].get<int64_t>());
    }
  }
  return numbers;
}

Extent kernels_of(const Spans& parts, const std::set<int64_t>& numbers) {
  Extent extent;
  for (const TraceSpan* part : parts) {
    if (is_kernel(*part) && !is_nccl(*part) && part->arguments.contains("correlation") &&
        numbers.contains(part->arguments["correlation"].get<int64_t>())) {
      extent.add(*part);
    }
  }
  return extent;
}

// The step's spans on the host, and the kernels that it launched, whenever they ran.
Spans parts_of(const std::vector<TraceSpan>& spans, const TraceSpan& step) {
  Spans parts = within(spans, step);
  std::erase_if(parts, [](const TraceSpan* part) { return is_kernel(*part); });
  const std::set<int64_t> numbers = launched(parts, {step.begin, step.end});
  if (numbers.empty()) return parts;
  for (const TraceSpan& span : spans) {
    if (is_kernel(span) && span.arguments.contains("correlation") &&
        numbers.contains(span.arguments["correlation"].get<int64_t>())) {
      parts.push_back(&span);
    }
  }
  return parts;
}

// A step as the host saw it.
struct HostStep {
  Extent forward, backward, optimizer;
  double input = 0;  // waiting for the DataLoader
};

HostStep host_step(const Spans& parts) {
  HostStep host;
  for (const TraceSpan* part : parts) {
    if (is_backward(*part)) host.backward.add(*part);
    if (part->name == "DistributedDataParallel.forward") host.forward.add(*part);
    if (part->name.starts_with("Optimizer.step")) host.optimizer.add(*part);
    if (part->name.starts_with("enumerate(DataLoader)")) host.input += part->seconds();
  }
  return host;
}

std::optional<TracedStep> read_step(const Spans& parts, const TraceSpan& whole) {
  const HostStep host = host_step(parts);
  if (host.backward.empty()) return std::nullopt;
  Extent forward = {host.forward.empty() ? whole.begin + host.input : host.forward.begin,
                    host.backward.begin};
  Extent backward = host.backward, optimizer = host.optimizer;
  if (std::any_of(parts.begin(), parts.end(), [](const TraceSpan* p) { return is_kernel(*p); })) {
    forward = kernels_of(parts, launched(parts, forward));
    backward = kernels_of(parts, launched(parts, host.backward));
    if (!optimizer.empty()) optimizer = kernels_of(parts, launched(parts, host.optimizer));
    // The forward pass ends where the backward pass begins.
    if (!forward.empty()) forward.end = std::max(forward.begin, backward.begin);
  }
  TracedStep step;
  step.forward = forward.seconds();
  step.backward = backward.seconds();
  step.optimizer = optimizer.seconds();
  double last_sum = 0;
  const bool on_gpu =
      std::any_of(parts.begin(), parts.end(), [](const TraceSpan* part) { return is_nccl(*part); });
  for (const TraceSpan* part : parts) {
    // NCCL's kernel starts once the bucket is written; Gloo's sum is issued then.
    if (on_gpu ? is_sum_done(*part) : is_sum_issued(*part)) {
      step.ready.push_back(part->begin - backward.begin);
      if (const auto bytes = bytes_of(*part)) step.bytes.push_back(*bytes);
    }
    if (is_sum_done(*part)) last_sum = std::max(last_sum, part->end);
  }
  if (step.bytes.size() != step.ready.size()) step.bytes.clear();
  step.exposed = last_sum > 0 ? std::max(0.0, last_sum - backward.end) : 0;
  step.other = std::max(0.0, whole.seconds() - host.input - step.forward - step.backward -
                                 step.optimizer - step.exposed);
  return step;
}

}  // namespace

std::vector<TracedStep> pytorch_steps(const std::vector<TraceSpan>& spans) {
  std::vector<TracedStep> steps;
  for (const TraceSpan& span : spans) {
    // A GPU has a copy of each annotation, of the time in which its kernels ran.
    if (!span.name.starts_with("ProfilerStep#") || span.category == "gpu_user_annotation") continue;
    if (auto step = read_step(parts_of(spans, span), span)) steps.push_back(std::move(*step));
  }
  return steps;
}

}  // namespace ringtrain::benchmarks
