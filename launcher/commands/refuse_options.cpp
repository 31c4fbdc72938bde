// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/refuse_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace ringtrain::launcher {
namespace {

// Options that describe a script, and the keys that do so in a job file.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKeys = {
    {{"--module", "script.module"},
     {"--no-python", "script.file"},
     {"--python", "script.python"},
     {"--checkpoint", "script.checkpoint"},
     {"--silence", "script.silence_seconds"},
     {"--hang-timeout", "script.hang_timeout_seconds"},
     {"--max-restarts", "restarts"}}};

// Options of all scripts, also of those in job files.
constexpr std::array<std::string_view, 9> kOfScripts = {
    "--nproc-per-node",     "--nnodes",      "--standalone", "--log-dir", "--tee", "--redirects",
    "--local-ranks-filter", "--master-port", "--rdzv-id"};

constexpr std::array<std::string_view, 3> kOfTraining = {"--json", "--trace", "--start-timeout"};

bool has(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<std::string> given_options(const CLI::App& command) {
  std::vector<std::string> given;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() > 0 && !option->get_lnames().empty()) {
      given.push_back("--" + option->get_lnames().front());
    }
  }
  return given;
}

void refuse_options(const std::vector<std::string>& given, RunKind kind) {
  const auto refuse = [](const std::string& name, const std::string& problem) {
    throw job_error(fmt::format("ringtrain run: {} is for {}", name, problem));
  };
  for (const std::string& name : given) {
    const auto key = std::find_if(kKeys.begin(), kKeys.end(),
                                  [&](const auto& pair) { return pair.first == name; });
    const bool describes = key != kKeys.end();
    switch (kind) {
      case RunKind::script:
        if (has(kOfTraining, name) || name == "--set") {
          refuse(name, "job files; a script's own options follow it");
        }
        break;
      case RunKind::training:
        if (describes || has(kOfScripts, name)) refuse(name, "scripts, and this is a job file");
        break;
      case RunKind::script_job:
        if (has(kOfTraining, name)) refuse(name, "jobs that train a model, and this runs a script");
        if (describes) {
          refuse(name, fmt::format("scripts; in a job file it is the key {0}, as in --set {0}=...",
                                   key->second));
        }
        break;
    }
  }
}

}  // namespace ringtrain::launcher
