// SPDX-License-Identifier: Apache-2.0
// The record of a run in a folder: events.jsonl while it lives, outcome.json once it has ended. A
// process beside the launcher writes both, so that they are there however the launcher ends:
//
//   ringtrain ──┬── recorder
//               └── subreaper ── mpirun ── ranks
//
// The recorder reads a pipe until its last writer is gone. The launcher and its subreapers, forked
// copies that have the pipe as well, are the writers: nothing of the run lives on this machine when
// outcome.json appears. A lock on events.jsonl says that the recorder lives.
#pragma once

#include <filesystem>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "job/outcome_file.hpp"

namespace ringtrain::launcher {

class RunRecord {
 public:
  // Makes the folder where it is missing, removes the outcome of an earlier run there, and starts
  // the recorder. Waits for the recorder of a launcher that was killed, up to 10 seconds.
  // Requires: no other threads, as for Process; `option` names the folder in errors.
  // Throws a job error.
  RunRecord(const std::filesystem::path& folder, const std::string& option);
  // Without finish(), outcome.json says that the launcher was killed.
  ~RunRecord();
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  // Takes events, each as print_event() returns it and a newline.
  int events() const { return to_recorder_.get(); }

  // Adds the times to the outcome, and blocks until it is safe on disk. Throws an io error.
  void finish(Outcome outcome);

 private:
  const std::filesystem::path outcome_file_;
  const Time started_;
  FileDescriptor to_recorder_;
  Child recorder_;
};

}  // namespace ringtrain::launcher
