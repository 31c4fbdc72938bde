// SPDX-License-Identifier: Apache-2.0
// The process beside a launcher that reports its run elsewhere: /metrics for Prometheus, event
// files for TensorBoard, a run of MLflow, the progress of a TrainJob. Its network and its threads
// are nobody else's: training never waits for any of it, and ranks open no port.
//
//   ringtrain ──┬── recorder
//               ├── tracker
//               └── subreaper ── mpirun ── ranks
//
// It reads events from a pipe until the launcher and its subreapers are gone, as the recorder does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "job/outcome_file.hpp"
#include "tracking/mlflow_client.hpp"
#include "tracking/trainer_server.hpp"

namespace ringtrain::tracking {

struct ListenAddress {
  std::string address;
  uint16_t port = 0;  // 0: any that is free
};

// Reads "127.0.0.1:9464", "[::]:9464", "localhost:9464" or ":9464" for all addresses of IPv4.
// Throws a job error that names `option`.
ListenAddress parse_listen_address(const std::string& option, const std::string& text);

struct TrackerOptions {
  std::string name;  // of the job
  std::string model = {};
  std::string dataset = {};
  bool in_pods = false;  // the hosts of its ranks are names of pods
  std::optional<ListenAddress> metrics = {};
  std::filesystem::path tensorboard = {};  // folder of event files; empty: none
  std::optional<MlflowServer> mlflow = {};
  std::filesystem::path mlflow_state = {};  // mlflow.json, beside the files of the job
  std::map<std::string, std::string> parameters = {};
  std::optional<TrainerServer> trainer = {};
  // events.jsonl of the run's record. Empty: there is none, and what MLflow must get is kept in a
  // folder that goes with the tracker.
  std::filesystem::path events = {};
};

class Tracker {
 public:
  // Starts the process, which does not keep the descriptors `not_inherited`.
  // Requires: no other threads, since it forks.
  // Throws a job error where the address cannot be listened at.
  Tracker(const TrackerOptions& options, const std::vector<int>& not_inherited);

  // The port of /metrics; 0: none.
  uint16_t port() const { return port_; }
  // Takes events, each as print_event() returns it and a newline.
  int events() const { return to_tracker_.get(); }

  // Passes the outcome on and blocks until all has arrived where it belongs, for up to 15 seconds.
  // Returns whether it has.
  bool finish(const Outcome& outcome);

 private:
  FileDescriptor to_tracker_;
  Child process_;
  uint16_t port_ = 0;
};

}  // namespace ringtrain::tracking
