// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/provenance.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <sstream>

#include "base/file.hpp"
#include "base/machine.hpp"
#include "base/spawn.hpp"
#include "base/time.hpp"
#include "launcher/mpi/worker_program.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::benchmarks {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnknown = "unknown";

nlohmann::ordered_json entry(const std::string& value, const char* how) {
  return {{"value", value.empty() ? kUnknown : value}, {"how", value.empty() ? kUnknown : how}};
}

// All that a command prints, or nothing if it fails.
std::string output_of(const std::vector<std::string>& command) {
  try {
    const auto captured = launcher::capture(command, std::chrono::seconds(60));
    return captured.status.success() ? captured.standard_output : "";
  } catch (const std::exception&) {
    return "";
  }
}

std::string first_line(const std::vector<std::string>& command) {
  const std::string text = output_of(command);
  return text.substr(0, text.find('\n'));
}

// The line of the worker's --version that begins so, without that beginning.
std::string library(const std::string& versions, const std::string& name) {
  std::istringstream lines(versions);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  }
  return "";
}

std::string text_of(const fs::path& file) {
  try {
    std::string text = read_file(file);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  } catch (const std::exception&) {
    return "";
  }
}

std::string processor() {
  std::istringstream lines(text_of("/proc/cpuinfo"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("model name"))
      return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "";
}

// The commit of the checkout that this program lies in, with "+changes" if it was edited since.
std::string commit() {
  const std::string folder = fs::read_symlink("/proc/self/exe").parent_path().string();
  std::string hash = first_line({"git", "-C", folder, "rev-parse", "--short=12", "HEAD"});
  if (hash.empty()) return "";
  const std::string changed =
      first_line({"git", "-C", folder, "status", "--porcelain", "--untracked-files=no"});
  return changed.empty() ? hash : hash + "+changes";
}

std::string kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "";
}

// This process's own command line.
std::string command() {
  std::string text;
  std::istringstream words(text_of("/proc/self/cmdline"));
  for (std::string word; std::getline(words, word, '\0');) {
    if (text.empty()) {
      text = "ringtrain bench";
    } else {
      text += " " + (word.starts_with('/') ? fs::path(word).filename().string() : word);
    }
  }
  return text;
}

}  // namespace

nlohmann::ordered_json provenance_record(const std::string& python) {
  const Cores cores = this_machine_cores();
  const std::string versions = output_of({launcher::find_worker(), "--version"});
  nlohmann::ordered_json found = {
      {"kind", "provenance"},
      {"rules", "ringtrain-provenance/1"},
      {"command", entry(command(), "runtime")},
      {"time", entry(print_time(std::chrono::system_clock::now()), "runtime")},
      {"version", entry(RINGTRAIN_VERSION, "build")},
      {"commit", entry(commit(), "runtime")},
      {"compiler", entry(__VERSION__, "build")},
      {"processor", entry(processor(), "runtime")},
      {"cores", entry(fmt::format("{} cores, {} threads", cores.cores, cores.threads), "runtime")},
      {"l3_cache", entry(text_of("/sys/devices/system/cpu/cpu0/cache/index3/size"), "runtime")},
      {"governor",
       entry(text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"), "runtime")},
      {"hypervisor", entry(text_of("/sys/hypervisor/type"), "runtime")},
      {"kernel", entry(kernel(), "runtime")},
      {"mpi", entry(library(versions, "MPI"), "runtime")},
      {"libtorch", entry(library(versions, "libtorch"), "runtime")}};
  if (!python.empty()) {
    const char* program =
        "import sys, torch; print('torch', torch.__version__, 'Python', sys.version.split()[0])";
    found["peer"] = entry(first_line({python, "-c", program}), "runtime");
  }
  return found;
}

}  // namespace ringtrain::benchmarks
