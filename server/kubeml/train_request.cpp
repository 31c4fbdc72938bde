// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/train_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "server/api/route.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr const char* kModule = "kubeml.job";
constexpr int kSilence = 25;  // seconds until a hang is reported

// Takes members out of an object, and adds those that are missing.
class Members {
 public:
  explicit Members(const ordered_json& from) : from_(from) {}

  void text(const char* name, const char* none) {
    const ordered_json& value = get(name, none);
    if (!value.is_string()) refuse(name, "a text");
    made[name] = value;
  }
  void flag(const char* name) {
    const ordered_json& value = get(name, false);
    if (!value.is_boolean()) refuse(name, "true or false");
    made[name] = value;
  }
  // `most`: included.
  void whole(const char* name, int64_t none, int64_t least, int64_t most) {
    const ordered_json& value = get(name, none);
    const bool fits = value.is_number_integer() && value >= least && value <= most;
    if (!fits) refuse(name, fmt::format("a whole number, {} to {}", least, most));
    made[name] = value;
  }
  void positive(const char* name, const ordered_json& none) {
    const ordered_json& value = get(name, none);
    if (!value.is_number() || !(value.get<double>() > 0) || !std::isfinite(value.get<double>())) {
      refuse(name, "a number above 0");
    }
    made[name] = value;
  }

  ordered_json made = ordered_json::object();

 private:
  ordered_json get(const char* name, const ordered_json& none) const {
    return from_.contains(name) ? from_[name] : none;
  }
  [[noreturn]] void refuse(const char* name, const std::string& wanted) const {
    const std::string found =
        get(name, nullptr).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    throw Problem(400, fmt::format("{}: must be {}, found {}", name, wanted, found.substr(0, 60)));
  }

  const ordered_json& from_;
};

}  // namespace

ordered_json parse_train_request(const std::string& body) {
  ordered_json json;
  try {
    json = parse_json(body);
  } catch (const Problem& problem) {
    throw Problem(500, problem.detail());
  }
  if (!json.is_object()) throw Problem(500, "the body must be a JSON object");
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  Members task(json);
  task.text("model_type", "example");
  task.whole("batch_size", 64, 1, 1024);
  task.whole("epochs", 1, 1, kMost);
  task.text("dataset", "");
  task.positive("lr", 0.01);
  task.text("function_name", "");
  const ordered_json given = json.value("options", ordered_json::object());
  if (!given.is_object()) throw Problem(400, "options: must be an object");
  Members options(given);
  options.whole("default_parallelism", 2, 1, 65536);
  options.flag("static_parallelism");
  options.whole("validate_every", 0, 0, kMost);
  options.whole("k", -1, -1, kMost);
  if (options.made["k"] == 0) {
    throw Problem(400, "k: must be a whole number from 1 on, or -1 for once an epoch, found 0");
  }
  options.positive("goal_accuracy", 100);
  task.made["options"] = options.made;
  return task.made;
}

std::string job_file_of(const KubemlTask& task) {
  const ordered_json words = {
      {"id", task.id}, {"code", task.code}, {"datasets", task.datasets}, {"task", task.request}};
  const ordered_json job = {{"name", "job-" + task.id},
                            {"restarts", 1},
                            {"script",
                             {{"module", kModule},
                              {"args", ordered_json::array({words.dump()})},
                              {"silence_seconds", std::min(task.quiet_seconds, kSilence)},
                              {"hang_timeout_seconds", task.quiet_seconds}}}};
  return "# Sent as a train task of KubeML\n" + job.dump(2) + "\n";
}

ordered_json request_of(const std::string& understood) {
  const auto job = ordered_json::parse(understood, nullptr, false);
  if (!job.is_object()) return nullptr;
  const ordered_json script = job.value("script", ordered_json());
  if (!script.is_object()) return nullptr;
  const auto args = script.find("args");
  const bool is_task = script.value("module", "") == kModule && args != script.end() &&
                       args->is_array() && args->size() == 1 && (*args)[0].is_string();
  if (!is_task) return nullptr;
  const auto words = ordered_json::parse((*args)[0].get<std::string>(), nullptr, false);
  return words.is_object() ? words.value("task", ordered_json()) : ordered_json();
}

}  // namespace ringtrain::server
