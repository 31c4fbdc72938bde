// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "job/events.hpp"

namespace ringtrain {

// The output of a rank. Rank 0 reports progress; any rank may report its failure.
//
// For people: log lines on stderr, with the time. For `ringtrain run` (events): lines on stdout,
// in the format of job/events.hpp, which the launcher turns into a progress bar or log lines.
// Thread: one at a time.
class Reporter {
 public:
  // quiet: reports nothing but failures, for ranks other than 0.
  Reporter(bool events, bool quiet);

  // Reports an event. People see `line`, or nothing if it is empty.
  void event(const Event& event, const std::string& line) const;
  void log(const std::string& line) const;
  void warn(const std::string& line) const;
  void failure(const FailureEvent& failure) const;
  bool quiet() const { return quiet_; }

 private:
  void write_event(const Event& event) const;

  bool events_;
  bool quiet_;
  int attempt_;
};

}  // namespace ringtrain
