// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_spec.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "job/fields.hpp"

namespace ringtrain::launcher {
constexpr auto fields_of(const RankSpec*) {
  using T = RankSpec;
  return std::tuple(
      field("master_address", &T::master_address), field("master_port", &T::master_port),
      field("fixed_port", &T::fixed_port), field("hosts", &T::hosts), field("slots", &T::slots),
      field("max_restarts", &T::max_restarts), field("restart_failures", &T::restart_failures),
      field("run_id", &T::run_id), field("log_folder", &T::log_folder), field("tee", &T::tee),
      field("redirects", &T::redirects), field("shown", &T::shown), field("silence", &T::silence),
      field("directory", &T::directory), field("output", &T::output),
      field("environment", &T::environment));
}

Streams::Streams(const std::string& text, const std::string& option) {
  const auto refuse = [&] {
    return job_error(fmt::format(
        "{} {}: must be 0 (none), 1 (stdout), 2 (stderr) or 3 (both), for all ranks or by local "
        "rank as in 0:3,1:0",
        option, text));
  };
  std::istringstream entries(text);
  std::string entry;
  while (std::getline(entries, entry, ',')) {
    const auto colon = entry.find(':');
    const bool for_all = colon == std::string::npos;
    const auto streams = whole_number(for_all ? entry : entry.substr(colon + 1));
    const auto rank = whole_number(for_all ? "0" : entry.substr(0, colon));
    if (!streams || *streams > 3 || !rank) throw refuse();
    if (for_all) {
      all_ = *streams;
    } else {
      by_local_rank_[*rank] = *streams;
    }
  }
  if (text.empty()) throw refuse();
}

bool Streams::has(int local_rank, bool error) const {
  const auto own = by_local_rank_.find(local_rank);
  const int streams = own == by_local_rank_.end() ? all_ : own->second;
  return (streams & (error ? 2 : 1)) != 0;
}

std::string print_rank_spec(const RankSpec& spec) {
  nlohmann::ordered_json json;
  put_fields(json, spec);
  return json.dump();
}

RankSpec parse_rank_spec(const std::string& text) {
  try {
    RankSpec spec;
    take_fields(nlohmann::ordered_json::parse(text), spec);
    return spec;
  } catch (const nlohmann::ordered_json::exception& error) {
    throw std::runtime_error(fmt::format("not the description of a rank: {}", error.what()));
  }
}

}  // namespace ringtrain::launcher
