// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/observe/result.hpp"

namespace ringtrain {

// How a rank speaks. Rank 0 tells of progress; any rank may tell of its failure.
//
// For people: log lines on stderr, with the time. For `ringtrain run` (events): lines on stdout,
// each the byte 0x1e and a JSON object (RFC 7464), which the launcher turns into a progress bar or
// log lines; its parser is launcher/events.hpp. One thread at a time.
class Reporter {
 public:
  // quiet: says nothing but failures, as ranks other than 0 do.
  Reporter(bool events, bool quiet);

  // An event by name, or for people the line; an empty line says nothing to them.
  void event(const std::string& name, const nlohmann::ordered_json& fields,
             const std::string& line) const;
  void log(const std::string& line) const;
  void warn(const std::string& line) const;
  // again: another try may end otherwise.
  void failure(int exit_code, int rank, const std::string& host, const std::string& message,
               bool again) const;

 private:
  void write_event(const nlohmann::ordered_json& event) const;

  bool events_;
  bool quiet_;
};

}  // namespace ringtrain
