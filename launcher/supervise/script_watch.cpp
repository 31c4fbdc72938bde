// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/script_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::launcher {

std::string describe(const RankEndedEvent& ended) {
  if (ended.signal == 0) {
    return fmt::format("rank {} on {}: {}", ended.rank, ended.host, ended.message);
  }
  return fmt::format(
      "rank {} on {} was ended by signal {} ({}){}{}", ended.rank, ended.host, ended.signal,
      ::strsignal(ended.signal),
      ended.signal == SIGKILL ? ": by hand, or because memory ran out (see dmesg)" : "",
      ended.message.empty() ? "" : " " + ended.message);
}

void ScriptWatch::on(const RankEndedEvent& ended) {
  silent_.erase(ended.rank);
  if (ended.exit_code == 0 && ended.signal == 0) {
    ended_well_[ended.rank] = ended;
  } else if (!cause_ || (cause_->consequence && !ended.consequence)) {
    cause_ = ended;
  }
}

void ScriptWatch::on(const RankSilentEvent& silent, TimePoint now) {
  if (!silent.silent) {
    silent_.erase(silent.rank);
    return;
  }
  const auto since = now - std::chrono::duration_cast<TimePoint::duration>(
                               std::chrono::duration<double>(silent.seconds));
  silent_[silent.rank] = {silent, since};
}

std::optional<std::string> ScriptWatch::new_hang(TimePoint now,
                                                 const std::function<std::string()>& paused) {
  const size_t left = static_cast<size_t>(ranks_) - ended_well_.size();
  const bool all_silent = silent_.size() == left;
  if (all_silent && hanging_since_) return std::nullopt;
  const std::string paused_now = silent_.empty() ? "" : paused();
  if (silent_.empty() || (!all_silent && paused_now.empty())) {
    hanging_since_.reset();
    return std::nullopt;
  }
  if (hanging_since_) return std::nullopt;
  const auto last = std::max_element(
      silent_.begin(), silent_.end(),
      [](const auto& one, const auto& other) { return one.second.since < other.second.since; });
  hanging_since_ = last->second.since;
  hang_ =
      fmt::format("hang: {} printed nothing and used no processor for {}: {}{}",
                  all_silent ? "all ranks have" : counted(silent_.size(), "rank has", "ranks have"),
                  print_seconds(std::chrono::duration<double>(now - *hanging_since_).count()),
                  describe_silent(), paused_now);
  return hang_;
}

std::optional<std::string> ScriptWatch::overlong_hang(TimePoint now) const {
  if (!hanging_since_ || hang_timeout_.count() == 0) return std::nullopt;
  if (now - *hanging_since_ < hang_timeout_) return std::nullopt;
  return hang_;
}

// Names those first that do not wait for others: they are the ones that the others miss.
std::string ScriptWatch::describe_silent() const {
  std::string missing, waiting, unknown;
  const Silent* first = nullptr;
  for (const auto& [rank, silent] : silent_) {
    const RankSilentEvent& event = silent.event;
    if (first == nullptr || silent.since < first->since) first = &silent;
    const std::string name = fmt::format("rank {} on {}", rank, event.host);
    const std::string at = event.at.empty() ? "" : " at " + event.at;
    if (!event.waits_in.empty()) {
      waiting += fmt::format("; {} waits in {}{}", name, event.waits_in, at);
    } else if (!at.empty()) {
      missing += fmt::format("; {} is{}", name, at);
    } else {
      unknown += fmt::format("; {} is silent", name);
    }
  }
  std::string text = missing + waiting;
  if (text.empty() || !unknown.empty()) text += unknown;
  if (!missing.empty() || silent_.size() < 2) return text.substr(2);
  return fmt::format("{}; rank {} was the first", text.substr(2), first->event.rank);
}

AttemptEnd ScriptWatch::end_by_cause() const {
  std::string text = describe(*cause_);
  int exit_code = cause_->exit_code;
  bool again = cause_->again;
  if (cause_->consequence && !ended_well_.empty()) {
    // The others lost it because it had ended; another attempt would end the same.
    const RankEndedEvent& early = ended_well_.begin()->second;
    text = fmt::format("rank {} on {} ended before the others (exit code 0); {}", early.rank,
                       early.host, text);
    again = false;
  } else if (cause_->consequence || cause_->signal != 0) {
    exit_code = kExitFailed;
  }
  return {.kind = again ? AttemptEnd::Kind::lost : AttemptEnd::Kind::refused,
          .exit_code = exit_code,
          .cause = std::move(text),
          .culprit = {cause_->rank, cause_->host},
          .log = cause_->log};
}

std::optional<AttemptEnd> ScriptWatch::end(bool ended_well) const {
  if (cause_) return end_by_cause();
  if (ended_well && ended_well_.size() == static_cast<size_t>(ranks_)) {
    return AttemptEnd{.kind = AttemptEnd::Kind::finished, .exit_code = 0};
  }
  return std::nullopt;
}

}  // namespace ringtrain::launcher
