// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun_messages.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace ringtrain::launcher {
namespace {

bool is_line_of_dashes(const std::string& line) {
  return line.size() >= 20 && line.find_first_not_of('-') == std::string::npos;
}

// Returns the word that follows `before`, without a full stop; empty where there is none.
std::string word_after(const std::string& text, const std::string& before) {
  const auto start = text.find(before);
  if (start == std::string::npos) return "";
  const auto from = start + before.size();
  return std::string(trimmed(text.substr(from, text.find_first_of(" \n,", from) - from), "."));
}

}  // namespace

std::string describe(const LostRank& rank) {
  return fmt::format("rank {} on {} was ended by signal {}{}{}", rank.rank, rank.host, rank.signal,
                     rank.signal_name.empty() ? "" : " ", rank.signal_name);
}

std::vector<std::string> MpirunMessages::feed(const std::string& line) {
  if (is_line_of_dashes(line)) {
    if (in_block_) return close_block();
    in_block_ = true;
    return {};
  }
  if (in_block_) {
    block_.push_back(line);
    return {};
  }
  // "[node:123] 3 more processes have sent help message help-mpi-api.txt / mpi-abort", and how to
  // see them; or that such a message could not be put together, as its sender had ended.
  const bool lost_message = line.find("ORTE_ERROR_LOG") != std::string::npos &&
                            line.find("show_help.c") != std::string::npos;
  if (line.starts_with("mpirun: Forwarding signal")) return {};
  // A race in mpirun that does no harm.
  const bool group_message = line.find("plm:rsh: Warning: setpgid") != std::string::npos;
  if (line.starts_with('[') &&
      (lost_message || group_message || line.find("sent help message") != std::string::npos ||
       line.find("orte_base_help_aggregate") != std::string::npos)) {
    return {};
  }
  return {line};
}

std::vector<std::string> MpirunMessages::finish() { return close_block(); }

std::vector<std::string> MpirunMessages::close_block() {
  in_block_ = false;
  std::vector<std::string> lines = std::exchange(block_, {});
  const std::string text = fmt::format("{}", fmt::join(lines, " "));
  const bool by_signal = text.find("exited on signal") != std::string::npos;
  if (by_signal && !lost_rank_) {
    const auto name = text.find('(', text.find("exited on signal"));
    lost_rank_ = LostRank{.rank = word_after(text, "process rank "),
                          .host = word_after(text, "on node "),
                          .signal = whole_number(word_after(text, "exited on signal ")).value_or(0),
                          .signal_name = name == std::string::npos
                                             ? ""
                                             : text.substr(name, text.find(')', name) - name + 1)};
  }
  const bool about_an_end = by_signal || text.find("non-zero status") != std::string::npos ||
                            text.find("non-zero exit code") != std::string::npos ||
                            text.find("MPI_ABORT was invoked") != std::string::npos ||
                            text.find("terminated normally") != std::string::npos;
  if (about_an_end) {
    kept_.insert(kept_.end(), lines.begin(), lines.end());
    return {};
  }
  return lines;
}

}  // namespace ringtrain::launcher
