// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/script_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/command_line.hpp"
#include "base/error.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// Whether the next word is the value of this one.
bool takes_next_word(const CLI::App& run, const std::string& word) {
  if (word.find('=') != std::string::npos) return false;
  const bool is_long = word.starts_with("--");
  const CLI::Option* const option = run.get_option_no_throw(is_long ? word : word.substr(0, 2));
  return option != nullptr && option->get_items_expected_max() > 0 && (is_long || word.size() == 2);
}

// torchrun takes --nproc_per_node as well, mpirun -np.
void spell_as_ours(std::string& option) {
  option = from_mpirun_spelling(option);
  if (!option.starts_with("--")) return;
  const auto end = std::min(option.find('='), option.size());
  std::replace(option.begin(), option.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
}

// Returns the index of the first word from `from` on that is no option of ours, nor its value.
size_t find_target(const CLI::App& run, std::vector<std::string>& words, size_t from) {
  size_t i = from;
  while (i < words.size() && words[i] != "--" && is_option(words[i])) {
    spell_as_ours(words[i]);
    i += takes_next_word(run, words[i]) ? 2 : 1;
  }
  return std::min(i, words.size());
}

bool begins_with_an_interpreter(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 2> bytes{};
  return stream.read(bytes.data(), bytes.size()) && bytes == std::array<char, 2>{'#', '!'};
}

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

constexpr std::array<std::string_view, 5> kOfTraining = {"--json", "--trace", "--start-timeout",
                                                         "--metrics", "--tensorboard"};

bool has(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void add_script_options(CLI::App& run, ScriptOptions& options) {
  const auto add = [&](const char* names, auto& value, const char* type, const char* text) {
    return run.add_option(names, value, text)->type_name(type)->group(kScriptGroup);
  };
  const auto flag = [&](const char* names, bool& value, const char* text) {
    run.add_flag(names, value, text)->group(kScriptGroup);
  };
  flag("-m,--module", options.module, "SCRIPT is the name of a Python module");
  flag("--no-python", options.no_python, "SCRIPT is a program of its own");
  add("--python", options.python, "PROGRAM",
      "Python to run scripts with (default: PYTHON_EXEC, else python3 of PATH)");
  add("--nproc-per-node", options.nproc_per_node, "N",
      "Ranks of each host: a number, cpu (cores), gpu (GPUs), or auto (gpu, else cpu)");
  add("--nnodes", options.nnodes, "N[:M]",
      "Hosts to use of the hostfile; with :M, as many as answer, from N to M (default: all)");
  add("--max-restarts", options.max_restarts, "N",
      "Restarts after any failure (default: 3, after lost ranks and hosts alone)")
      ->check(CLI::Range(0, 1000000));
  flag("--standalone", options.standalone, "Accepted for torchrun: a free port is always found");
  add("--log-dir", options.log_dir, "DIR",
      "Folder of the ranks' output (default: logs in the run's folder)");
  add("-t,--tee", options.tee, "STREAMS",
      "Show streams of all ranks: 0 none, 1 stdout, 2 stderr, 3 both; or by local rank, 0:3,1:1");
  add("-r,--redirects", options.redirects, "STREAMS",
      "Write streams to files alone: spelled as for --tee");
  add("--local-ranks-filter", options.local_ranks_filter, "RANKS",
      "Show these local ranks alone, as in 0,1");
  add("--master-port", options.master_port, "PORT",
      "Port of the ranks' store on the first host (default: a free one, for each attempt)")
      ->check(CLI::Range(1, 65535));
  add("--rdzv-id", options.run_id, "ID",
      "TORCHELASTIC_RUN_ID of the ranks (default: the name of the run's folder)");
  add("--checkpoint", options.checkpoint, "GLOB",
      "Pattern of checkpoint files, as in 'ckpt/*.pt': a new one resets the count of restarts");
  add("--silence", options.silence, "SECONDS",
      "How long all ranks print nothing and use no processor until a hang is reported")
      ->check(CLI::Range(0.1, 86400.0))
      ->default_str("25");
  add("--hang-timeout", options.hang_timeout, "SECONDS",
      "End a hang that has lasted so long, and restart (default: never)")
      ->check(CLI::Range(1, 8640000));
}

bool is_script(const std::string& target) {
  const std::string extension = fs::path(target).extension().string();
  if (extension == ".py") return true;
  if (extension == ".yaml" || extension == ".yml" || extension == ".json") return false;
  std::error_code error;
  if (!fs::exists(target, error)) return !find_program(target).empty();
  if (!fs::is_regular_file(target, error)) return false;
  if (::access(target.c_str(), X_OK) == 0) return true;
  if (begins_with_an_interpreter(target)) {
    throw job_error(
        fmt::format("{}: is not executable: chmod +x {}, or name what runs it, as in "
                    "`ringtrain run bash {}`",
                    target, target, target));
  }
  return false;
}

std::vector<std::string> take_script_arguments(const CLI::App& run,
                                               std::vector<std::string>& words) {
  if (words.empty() || words[0] != run.get_name()) return {};
  size_t target = find_target(run, words, 1);
  const auto before = words.begin() + static_cast<std::ptrdiff_t>(target);
  const bool is_named = std::any_of(words.begin(), before, [](const std::string& word) {
    return word == "-m" || word == "--module" || word == "--no-python";
  });
  const bool is_behind_dashes = target < words.size() && words[target] == "--";
  if (is_behind_dashes) ++target;
  if (target >= words.size() || !(is_named || is_script(words[target]))) {
    for (size_t i = target; i < words.size(); ++i) spell_as_ours(words[i]);
    return {};
  }
  const auto behind = words.begin() + static_cast<std::ptrdiff_t>(target) + 1;
  const auto dashes = is_behind_dashes ? words.end() : std::find(behind, words.end(), "--");
  const bool has_dashes = dashes != words.end();
  std::vector<std::string> arguments(has_dashes ? dashes + 1 : behind, words.end());
  words.erase(has_dashes ? dashes : behind, words.end());
  for (size_t i = target + 1; i < words.size(); ++i) spell_as_ours(words[i]);
  return arguments;
}

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
