// SPDX-License-Identifier: Apache-2.0
#include "server/client/job_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

std::string text(const ordered_json& job, const char* key) {
  const auto found = job.find(key);
  return found != job.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<double> number(const ordered_json& job, const char* key) {
  const auto found = job.find(key);
  return found != job.end() && found->is_number() ? std::optional(found->get<double>())
                                                  : std::nullopt;
}

int64_t count(const ordered_json& job, const char* key) {
  return static_cast<int64_t>(number(job, key).value_or(0));
}

}  // namespace

std::string job_line(const ordered_json& job) {
  std::string line = fmt::format("{}: {}", text(job, "name"), text(job, "state"));
  if (count(job, "steps") > 0) {
    line += fmt::format(", epoch {}/{}, step {} of {}", count(job, "epoch"), count(job, "epochs"),
                        print_count(count(job, "step")), print_count(count(job, "steps")));
  }
  if (const auto loss = number(job, "loss")) line += fmt::format(", loss {:.4g}", *loss);
  if (const auto best = number(job, "best_accuracy")) {
    line += fmt::format(", best accuracy {:.2f}%", 100 * *best);
  }
  if (const auto left = number(job, "seconds_left"); left && !has_ended(job)) {
    if (const auto rate = number(job, "samples_per_second")) {
      line += fmt::format(", {} samples/s", print_count(*rate));
    }
    line += fmt::format(", {} left", print_seconds(*left));
  }
  if (const std::string why = text(job, "why"); !why.empty()) {
    line += fmt::format("{} {}", line.find(',') == std::string::npos ? ":" : ";", why);
  }
  return line;
}

std::string progress_column(const ordered_json& job) {
  if (count(job, "steps") <= 0) return "-";
  return fmt::format("epoch {}/{}, {:.0f}%", count(job, "epoch"), count(job, "epochs"),
                     100 * number(job, "progress").value_or(0));
}

bool has_ended(const ordered_json& job) {
  const std::string state = text(job, "state");
  return state == "Succeeded" || state == "Failed" || state == "Suspended";
}

int exit_code_of_job(const ordered_json& job) {
  if (text(job, "state") == "Succeeded") return 0;
  const auto code = static_cast<int>(count(job, "exit_code"));
  return code != 0 ? code : kExitFailed;
}

}  // namespace ringtrain::server
