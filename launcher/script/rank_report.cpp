// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_report.hpp"

#include <fmt/format.h>

#include <csignal>
#include <string_view>

#include "base/text.hpp"
#include "launcher/script/python_text.hpp"

namespace ringtrain::launcher {
namespace {

constexpr size_t kLongestCause = 300;
constexpr int kUncaught = 1;  // Python's exit code after an exception

std::string last_line(std::string_view text) {
  text = trimmed(text);
  const auto newline = text.rfind('\n');
  if (newline != std::string_view::npos) text.remove_prefix(newline + 1);
  return std::string(text.substr(0, kLongestCause));
}

std::string of_exit_code(const ScriptEnd& end, const std::filesystem::path& folder) {
  if (end.status.code == kUncaught) {
    if (const auto failure = last_exception(end.standard_error, folder)) {
      return failure->exception +
             (failure->where.empty() ? "" : fmt::format(" ({})", failure->where));
    }
  }
  const std::string said = last_line(end.standard_error);
  return fmt::format("exit code {}{}{}", end.status.code, said.empty() ? "" : ": ", said);
}

std::string of_signal(const ScriptEnd& end, const std::filesystem::path& folder) {
  const auto stack = last_stack(end.standard_error, folder);
  return stack && !stack->at.empty() ? "at " + stack->at : "";
}

}  // namespace

std::optional<RankEndedEvent> report_on(const ScriptEnd& end, const std::filesystem::path& folder) {
  RankEndedEvent report;
  report.exit_code = end.status.code;
  report.signal = end.status.signal;
  if (end.status.success()) return report;
  if (end.status.signal != 0) {
    if (end.being_ended) return std::nullopt;
    report.message = of_signal(end, folder);
    report.again = true;
    return report;
  }
  report.message = of_exit_code(end, folder);
  report.consequence = is_about_a_peer(report.message);
  report.again = report.consequence || end.restart_failures;
  const bool interrupted = report.message.starts_with("KeyboardInterrupt") ||
                           end.status.code == 128 + SIGTERM || end.status.code == 128 + SIGINT;
  if (end.being_ended && (interrupted || report.consequence)) return std::nullopt;
  return report;
}

}  // namespace ringtrain::launcher
