// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/predict_inputs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "benchmarks/predict/records.hpp"
#include "benchmarks/predict/trace_profile.hpp"

namespace ringtrain::benchmarks {
namespace {

constexpr double kMiB = 1024 * 1024;
constexpr double kFloat = 4;
constexpr uint64_t kLargestFile = uint64_t{4} << 30;
// Fitted to Horovod's Inception V3 and VGG-16: docs/internals/prediction.md.
constexpr double kAssumedStragglers = 0.03;

class Setting {
 public:
  explicit Setting(const PredictOptions& options) : options_(options) {}

  PredictSetting make() {
    read_step();
    take_batch();
    take_gradients();
    take_host();
    take_link();
    take_averaging();
    take_stragglers();
    take_input();
    return std::move(made_);
  }

 private:
  void say(std::string name, std::string value, std::string origin) {
    made_.inputs.push_back({std::move(name), std::move(value), std::move(origin)});
  }
  static std::string milliseconds(double seconds) {
    return fmt::format("{:.3g} ms", 1e3 * seconds);
  }
  StepProfile& step() { return made_.scenario.step; }
  Node& node() { return made_.scenario.cluster.node; }

  void read_step() {
    const int ways = (options_.from.empty() ? 0 : 1) + (options_.trace.empty() ? 0 : 1) +
                     (options_.step_ms ? 1 : 0);
    if (ways != 1) {
      throw job_error(
          "name one source of the step's time: --from RUN.jsonl (ringtrain bench step --json), "
          "--trace TRACE.json (a run with --trace, or PyTorch's profiler), or --step-ms");
    }
    if (!options_.from.empty()) return read_records();
    if (!options_.trace.empty()) return read_trace();
    made_.title = options_.model.empty() ? "a model" : options_.model;
    divide_step(*options_.step_ms * 1e-3);
    say("step of one rank", milliseconds(*options_.step_ms * 1e-3), "--step-ms");
  }

  // Forward and backward of a step of which only the whole is known.
  void divide_step(double seconds) {
    step().optimizer = options_.optimizer_ms.value_or(0) * 1e-3;
    const double rest = seconds - step().optimizer;
    if (rest <= 0) throw job_error("--optimizer-ms: not less than the step");
    step().backward = rest * options_.backward_share;
    step().forward = rest - step().backward;
  }

  std::vector<StepRecord> records_of_model() {
    std::vector<StepRecord> records;
    std::set<std::string> models;
    for (const std::string& file : options_.from) {
      for (StepRecord& record : read_step_records(read_file(file, kLargestFile), file)) {
        models.insert(record.model);
        records.push_back(std::move(record));
      }
    }
    if (options_.model.empty() && models.size() > 1) {
      throw job_error(fmt::format("--model: which of {}?", fmt::join(models, ", ")));
    }
    const std::string model = options_.model.empty() ? *models.begin() : options_.model;
    if (!models.contains(model)) {
      throw job_error(fmt::format("--model {}: the files have {}", model, fmt::join(models, ", ")));
    }
    std::erase_if(records, [&](const StepRecord& record) { return record.model != model; });
    made_.title = model;
    return records;
  }

  // The record of the fewest ranks is the step, that of the most says what sharing costs.
  void read_records() {
    const std::vector<StepRecord> records = records_of_model();
    const auto by_ranks = [](const auto& a, const auto& b) { return a.ranks < b.ranks; };
    const auto [fewest, most] = std::minmax_element(records.begin(), records.end(), by_ranks);
    const auto seconds = [](const StepRecord& record) {
      return record.global_batch / record.alone.value;
    };
    step().batch = fewest->global_batch / fewest->ranks;
    divide_step(seconds(*fewest));
    made_.errors.compute = fewest->alone.error;
    made_.measured_ranks = most->ranks;
    say("step of one rank", milliseconds(seconds(*fewest)),
        fmt::format("{} beside each other, without averaging, {:g} samples each ({})",
                    counted(fewest->ranks, "rank"), step().batch, fmt::join(options_.from, ", ")));
    if (most->ranks > fewest->ranks) {
      const double alone = step().with_batch(most->global_batch / most->ranks).seconds();
      node().measured_ranks = most->ranks;
      node().slowdown = std::max(1.0, seconds(*most) / alone);
      made_.errors.sharing = most->alone.error;
    }
    jitter_ = most->jitter;
    made_.step_factors = most->step_factors;
  }

  void read_trace() {
    const TraceProfile found =
        read_trace_profile(read_file(options_.trace, kLargestFile), options_.trace);
    step() = found.step;
    made_.title =
        options_.model.empty() ? fmt::format("a trace of {}", found.program) : options_.model;
    made_.measured_ranks = found.ranks;
    say("step of one rank", milliseconds(step().seconds()),
        fmt::format(
            "{} (medians of {}): forward {}, backward {}, optimizer {}, other {}; and {} of "
            "waiting for sums",
            options_.trace, counted(found.steps, "step"), milliseconds(step().forward),
            milliseconds(step().backward), milliseconds(step().optimizer),
            milliseconds(step().other), milliseconds(found.exposed)));
  }

  void take_batch() {
    made_.scenario.reference_batch = options_.global_batch.value_or(0);
    if (step().batch <= 0) {
      if (!options_.batch) throw job_error("--batch: how many samples did a rank have in a step?");
      step().batch = *options_.batch;
      say("samples of a rank", fmt::format("{:g}", step().batch), "--batch");
      return;
    }
    if (!options_.batch || *options_.batch == step().batch) return;
    say("samples of a rank", fmt::format("{:g}", *options_.batch),
        fmt::format("--batch; measured with {:g}, forward and backward grow with it",
                    step().batch));
    step() = step().with_batch(*options_.batch);
  }

  void take_gradients() {
    const bool sizes_known = step().gradient_bytes() > 0;
    if (!sizes_known && !options_.parameters) {
      throw job_error(
          "--parameters: how many has the model, such as 25.6M? The input does not say");
    }
    const double mib = options_.bucket_mib.value_or(options_.algorithm == "nccl" ? 25 : 4);
    const double all =
        options_.parameters ? *options_.parameters * kFloat : step().gradient_bytes();
    if (!(all <= kMostBuckets * mib * kMiB)) {
      throw job_error(
          fmt::format("--bucket-mib: {:.3g} MiB of gradients are more than {:g} buckets of {:g}",
                      all / kMiB, kMostBuckets, mib));
    }
    if (!sizes_known) {
      if (step().buckets.empty()) {
        step().buckets = spread_buckets(bucket_sizes(all, mib * kMiB), step().backward);
      }
      const auto count = static_cast<double>(step().buckets.size());
      if (step().gradient_bytes() <= 0) {
        for (Bucket& bucket : step().buckets) bucket.bytes = all / count;
      }
    } else if (options_.parameters) {
      const double scale = all / step().gradient_bytes();
      for (Bucket& bucket : step().buckets) bucket.bytes *= scale;
    }
    if (options_.bucket_mib) step() = step().with_buckets(*options_.bucket_mib * kMiB);
    say("gradients", fmt::format("{:.3g} MiB", step().gradient_bytes() / kMiB),
        fmt::format("{}; {}", options_.parameters ? "--parameters" : "the trace",
                    counted(step().buckets.size(), "bucket")));
  }

  void take_host() {
    if (!options_.trace.empty() && made_.measured_ranks > 1 && !options_.per_host) {
      throw job_error(fmt::format("--per-host: how many of the {} of {} shared a host?",
                                  counted(made_.measured_ranks, "rank"), options_.trace));
    }
    made_.per_host = options_.per_host.value_or(std::max(1, made_.measured_ranks));
    node().cores = options_.cores;
    say("ranks of a host", std::to_string(made_.per_host),
        options_.per_host ? "--per-host" : "as measured");
    if (options_.sharing) {
      node().measured_ranks = made_.per_host;
      node().slowdown = *options_.sharing;
      say("sharing of a host", fmt::format("x {:.3g}", *options_.sharing), "--sharing");
    } else if (node().measured_ranks > 1) {
      say("sharing of a host", fmt::format("x {:.3g}", node().slowdown),
          fmt::format("{} against the fewest, without averaging; small batches are in it",
                      counted(node().measured_ranks, "rank")));
    } else {
      say("sharing of a host", "none",
          "assumed: --sharing, or records of 1 rank and of a full host");
    }
  }

  void take_link() {
    Link& link = made_.scenario.cluster.link;
    for (const std::string& file : options_.sums) {
      const SumRecord record = read_sum_record(read_file(file, kLargestFile), file);
      made_.errors.sums = std::max(made_.errors.sums, record.error);
      if (!record.between_hosts) {
        node().sums = record.sums;
        node().sum_ranks = record.ranks;
        say("sums inside a host", "by size", file);
        continue;
      }
      link = fit_link(record);
      made_.errors.link = made_.errors.latency = record.error;
      say("link",
          fmt::format("{:.3g} GB/s, {:.3g} us", link.bytes_per_second / 1e9, link.latency * 1e6),
          fmt::format("least squares of {} in {}", counted(record.sums.size(), "size"), file));
    }
    if (node().sums.empty() && options_.algorithm != "nccl" && made_.per_host > 1) {
      say("sums inside a host", "no time", "assumed: --sums, of bench allreduce");
    }
    constexpr double kBits = 8;
    if (options_.link_bits) {
      link.bytes_per_second = *options_.link_bits / kBits * options_.link_share;
      say("bandwidth of a host", fmt::format("{:.3g} GB/s", link.bytes_per_second / 1e9),
          fmt::format("--link, of which {:.0f}% are reached (--link-share)",
                      100 * options_.link_share));
    }
    if (options_.latency_us) {
      link.latency = *options_.latency_us * 1e-6;
      say("latency of a message", fmt::format("{:g} us", *options_.latency_us), "--latency-us");
    }
    const int most = *std::max_element(options_.ranks.begin(), options_.ranks.end());
    if (options_.link_needed && most > made_.per_host && link.bytes_per_second == kNoLimit) {
      throw job_error(fmt::format(
          "--link: {} ranks are several hosts; how fast is a host's network? Such as --link 10Gbit "
          "--latency-us 50, or --sums FILE of `ringtrain bench allreduce --hostfile`",
          most));
    }
    if (made_.errors.link == 0) made_.errors.link = made_.errors.latency = 0.1;
  }

  void take_averaging() {
    using Method = Averaging::Method;
    Averaging& averaging = made_.scenario.averaging;
    averaging.method = options_.algorithm == "nccl"     ? Method::nccl
                       : options_.algorithm == "ring"   ? Method::ring
                       : options_.algorithm == "direct" ? Method::direct
                                                        : Method::automatic;
    averaging.bf16 = options_.wire == "bf16";
    averaging.sync_every = options_.sync_every;
    averaging.shard_optimizer = options_.shard_optimizer;
    averaging.waits = options_.waits;
    if (options_.nvlink) averaging.node_bytes_per_second = *options_.nvlink * 1e9;
    say("averaging", fmt::format("{}, {}", options_.algorithm, options_.wire),
        fmt::format("{}{}{}",
                    options_.sync_every > 1 ? fmt::format("every {} steps", options_.sync_every)
                                            : std::string("every step"),
                    options_.shard_optimizer ? ", ZeRO stage 1" : "",
                    options_.waits > 0 ? fmt::format(", {} waits in a step", options_.waits) : ""));
  }

  void take_stragglers() {
    Cluster& cluster = made_.scenario.cluster;
    cluster.interference = options_.interference;
    double& random = cluster.stragglers.random;
    random = options_.stragglers.value_or(jitter_.value_or(kAssumedStragglers));
    const bool assumed = !options_.stragglers && !jitter_;
    if (assumed) made_.errors.stragglers = 0.5;
    say("stragglers", fmt::format("{:.1f}%", 100 * random),
        assumed ? "assumed, to within a factor of 2.7: as in published runs (--stragglers)"
        : options_.stragglers ? "--stragglers"
                              : "jitter of steps without averaging");
  }

  void take_input() {
    Cluster& cluster = made_.scenario.cluster;
    if (options_.host_rate) cluster.host_samples_per_second = *options_.host_rate;
    if (options_.shared_rate) cluster.shared_samples_per_second = *options_.shared_rate;
    if (!options_.host_rate && !options_.shared_rate) {
      say("input", "never waited for", "assumed: --host-samples, --shared-samples");
    }
  }

  const PredictOptions& options_;
  PredictSetting made_;
  std::optional<double> jitter_;
};

}  // namespace

PredictSetting predict_setting(const PredictOptions& options) { return Setting(options).make(); }

}  // namespace ringtrain::benchmarks
