// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/observe/result.hpp"

namespace ringtrain {

// The output of a rank. Rank 0 reports progress; any rank may report its failure.
//
// For people: log lines on stderr, with the time. For `ringtrain run` (events): lines on stdout,
// each the byte 0x1e and a JSON object (RFC 7464), which the launcher turns into a progress bar or
// log lines; job/events.hpp parses them. Thread: one at a time.
class Reporter {
 public:
  // quiet: reports nothing but failures, for ranks other than 0.
  Reporter(bool events, bool quiet);

  // Reports an event. People see `line`, or nothing if it is empty.
  void event(const std::string& name, const nlohmann::ordered_json& fields,
             const std::string& line) const;
  void log(const std::string& line) const;
  void warn(const std::string& line) const;
  // again: a retry may succeed.
  void failure(int exit_code, int rank, const std::string& host, const std::string& message,
               bool again) const;

 private:
  void write_event(const nlohmann::ordered_json& event) const;

  bool events_;
  bool quiet_;
};

}  // namespace ringtrain
