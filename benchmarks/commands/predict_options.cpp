// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/predict_options.hpp"

#include <map>
#include <string>

namespace ringtrain::benchmarks {
namespace {

const std::map<std::string, double> kPowers = {{"K", 1e3}, {"M", 1e6}, {"G", 1e9}};
const std::map<std::string, double> kBitRates = {{"Mbit", 1e6}, {"Mb", 1e6}, {"M", 1e6},
                                                 {"Gbit", 1e9}, {"Gb", 1e9}, {"G", 1e9}};
constexpr double kMost = 1e15;

}  // namespace

void add_step_options(CLI::App& command, PredictOptions& options) {
  command
      .add_option("--from", options.from,
                  "Results of `ringtrain bench step --json`, of 1 rank "
                  "and of a full host, or of either")
      ->type_name("FILE");
  command
      .add_option("--trace", options.trace,
                  "A timeline: trace.json of `ringtrain run --trace`, or of PyTorch's profiler "
                  "(export_chrome_trace, with a call of its step() after every step)")
      ->type_name("FILE");
  command.add_option("--step-ms", options.step_ms, "Time of a step of one rank alone")
      ->check(CLI::Range(1e-6, kMost));
  command
      .add_option("--sums", options.sums,
                  "Results of `ringtrain bench allreduce --json`, inside a "
                  "host or between hosts of one rank each")
      ->type_name("FILE");
  command.add_option("--model", options.model, "The model, where --from has several")
      ->type_name("NAME");
  command.add_option("--parameters", options.parameters, "Parameters of the model, such as 25.6M")
      ->transform(CLI::AsNumberWithUnit(kPowers))
      ->check(CLI::Range(1.0, kMost));
  command.add_option("--batch", options.batch, "Samples of a rank in a step")
      ->check(CLI::Range(1e-3, kMost));
  command
      .add_option("--global-batch", options.global_batch,
                  "Samples of a step of all ranks together, on any number of them (strong "
                  "scaling)")
      ->check(CLI::Range(1.0, kMost));
  command
      .add_option("--backward-share", options.backward_share,
                  "Share of the backward pass in forward and backward")
      ->check(CLI::Range(0.01, 0.99))
      ->capture_default_str();
  command
      .add_option("--optimizer-ms", options.optimizer_ms,
                  "Time of a step in which parameters are updated")
      ->check(CLI::Range(0.0, kMost));
}

void add_machine_options(CLI::App& command, PredictOptions& options) {
  command.add_option("--ranks", options.ranks, "Numbers of ranks to predict")
      ->delimiter(',')
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command
      .add_option("--per-host,--gpus-per-node", options.per_host,
                  "Ranks of a host (default: as measured)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--cores", options.cores, "Cores of a host; 0: enough")
      ->check(CLI::Range(0, 65536));
  command.add_option("--link", options.link_bits, "Line rate of a host's network, such as 10Gbit")
      ->transform(CLI::AsNumberWithUnit(kBitRates, CLI::AsNumberWithUnit::UNIT_REQUIRED))
      ->check(CLI::Range(1e3, kMost));
  command.add_option("--link-share", options.link_share, "Share of the line rate that is reached")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command.add_option("--latency-us", options.latency_us, "Time of a short message between hosts")
      ->check(CLI::Range(0.0, 1e9));
  command.add_option("--nvlink", options.nvlink, "GB/s of a sum inside a host, for nccl")
      ->check(CLI::Range(0.01, 1e6));
  command
      .add_option("--sharing", options.sharing,
                  "Step of a rank beside those of a full host over one alone")
      ->check(CLI::Range(1.0, 1000.0));
  command
      .add_option("--stragglers", options.stragglers,
                  "Standard deviation of a rank's step, as a share of it, such as 0.03")
      ->check(CLI::Range(0.0, 10.0));
  command
      .add_option("--interference", options.interference,
                  "Share by which computation is slower beside a sum, such as 0.19")
      ->check(CLI::Range(0.0, 10.0));
  command.add_option("--host-samples", options.host_rate, "Samples/s that a host can read")
      ->check(CLI::Range(1e-3, kMost));
  command
      .add_option("--shared-samples", options.shared_rate,
                  "Samples/s that the storage of all hosts can deliver")
      ->check(CLI::Range(1e-3, kMost));
}

void add_averaging_options(CLI::App& command, PredictOptions& options) {
  command.add_option("--algorithm", options.algorithm, "How sums go between hosts")
      ->check(CLI::IsMember({"auto", "direct", "ring", "nccl"}))
      ->capture_default_str();
  command.add_option("--wire", options.wire, "As communication.wire")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command.add_option("--sync-every", options.sync_every, "As communication.sync_every")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command.add_flag("--shard-optimizer", options.shard_optimizer,
                   "As communication.shard_optimizer");
  command
      .add_option("--bucket-mib", options.bucket_mib,
                  "As communication.bucket_mib (default: the trace's; 25 for nccl, else 4)")
      ->check(CLI::Range(0.0625, 1024.0));
  command
      .add_option("--waits", options.waits,
                  "Moments in a step at which all ranks wait, such as 40 of resnet18's batch "
                  "normalisation")
      ->check(CLI::Range(0, 100000));
}

}  // namespace ringtrain::benchmarks
