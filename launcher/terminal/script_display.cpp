// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/script_display.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {
namespace {

constexpr size_t kRememberedLines = 2'000;

}  // namespace

void ScriptDisplay::on_event(const Event& event, const std::string& line) {
  for (EventRelay& relay : relays_) relay.pass_on(line, event);
}

// Another rank's output may stand before the mark on the same line.
void ScriptDisplay::on_standard_output(const std::string& line) {
  const auto mark = line.find(kOutputMark);
  if (const std::string before = line.substr(0, mark); !before.empty()) {
    write_all(STDOUT_FILENO, before + "\n");
  }
  if (mark == std::string::npos) return;
  if (const auto output = parse_output_line(std::string_view(line).substr(mark))) show(*output);
}

void ScriptDisplay::show(const OutputLine& line) {
  const bool is_new = said_.size() < kRememberedLines && said_.insert(line.text).second;
  if (line.way == OutputLine::Way::first && !is_new) return;
  const std::string rank =
      line.way == OutputLine::Way::plain ? "" : fmt::format("[rank {}] ", line.rank);
  write_all(line.error ? STDERR_FILENO : STDOUT_FILENO,
            rank + line.text + (line.rewrite ? "\r" : "\n"));
}

void ScriptDisplay::on_standard_error(const std::string& line) {
  write_all(STDERR_FILENO, line + "\n");
}

void ScriptDisplay::on_message(const std::string& text) {
  write_all(STDERR_FILENO, "ringtrain: " + text + "\n");
}

}  // namespace ringtrain::launcher
