// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/python_torch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Prints a line for each package, empty where there is none. A folder of its name in the current
// directory is none.
constexpr const char* kLookUp = R"(
import importlib.util, sys
sys.path[:] = [entry for entry in sys.path if entry]
for name in ("torch", "ringtrain"):
    spec = importlib.util.find_spec(name)
    print(spec.submodule_search_locations[0] if spec and spec.origin else "")
)";

// Returns the text in quotes of the first line of a file that begins with `start`.
std::string quoted_in_line(const fs::path& file, std::string_view start) {
  std::ifstream stream(file);
  std::string line;
  for (int lines = 0; lines < 100 && std::getline(stream, line); ++lines) {
    const auto open = line.find_first_of("'\"");
    if (!line.starts_with(start) || open == std::string::npos) continue;
    return line.substr(open + 1, line.find(line[open], open + 1) - open - 1);
  }
  return "";
}

std::string advice(const std::string& minor) {
  return fmt::format(
      "pip install 'torch=={}.*' for the python3 of PATH, or set RINGTRAIN_TORCH to the folder of "
      "such a torch",
      minor);
}

}  // namespace

PythonTorch look_in_python(const std::string& python) {
  PythonTorch found;
  if (find_program(python).empty()) return found;
  const Captured run = capture({python, "-c", kLookUp}, std::chrono::seconds(20));
  if (!run.status.success()) return found;
  std::istringstream lines(run.standard_output);
  std::string line;
  if (std::getline(lines, line)) found.torch = line;
  if (std::getline(lines, line)) found.backend = line;
  return found;
}

std::string torch_version(const fs::path& folder) {
  std::error_code error;  // then it is not there
  if (!fs::exists(folder / "lib/libtorch_cpu.so", error)) return "";
  std::string version = quoted_in_line(folder / "version.py", "__version__ =");
  if (!version.empty()) return version;
  std::ifstream stream(folder / "build-version");
  std::string line;
  std::getline(stream, line);
  return std::string(trimmed(line));
}

std::string version_built_for(const fs::path& backend) {
  return quoted_in_line(backend / "build_info.py", "TORCH =");
}

std::string minor_version(const std::string& version) {
  const auto end = version.find('.', std::min(version.find('.'), version.size() - 1) + 1);
  return version.substr(0, std::min(end, version.find('+')));
}

fs::path find_torch(const fs::path& program, const std::string& built) {
  const std::string name = program.filename().string();
  const std::string wanted = minor_version(built);
  const auto checked = [&](const fs::path& folder, const std::string& version) {
    if (minor_version(version) == wanted) return folder;
    throw job_error(fmt::format("{}: built for torch {}, and {} is {}: {}", name, wanted,
                                folder.string(), version, advice(wanted)));
  };
  if (const char* const chosen = std::getenv("RINGTRAIN_TORCH")) {
    const std::string version = torch_version(chosen);
    if (!version.empty()) return checked(chosen, version);
    throw job_error(fmt::format(
        "{}: RINGTRAIN_TORCH={}: no torch is there: it must have lib/libtorch_cpu.so and "
        "version.py or build-version",
        name, chosen));
  }
  const fs::path beside = (program.parent_path() / "../../torch").lexically_normal();
  if (const std::string version = torch_version(beside); !version.empty()) {
    return checked(beside, version);
  }
  const char* const python = std::getenv("PYTHON_EXEC");
  const fs::path found = look_in_python(python == nullptr ? "python3" : python).torch;
  if (const std::string version = found.empty() ? "" : torch_version(found); !version.empty()) {
    return checked(found, version);
  }
  throw job_error(
      fmt::format("{}: found no torch, whose libraries it loads: {}", name, advice(wanted)));
}

std::vector<fs::path> library_folders(const fs::path& torch) {
  std::vector<fs::path> folders = {torch / "lib"};
  std::error_code error;  // then there are none
  for (const auto& entry : fs::directory_iterator(torch / "../nvidia", error)) {
    if (fs::is_directory(entry.path() / "lib", error)) folders.push_back(entry.path() / "lib");
  }
  std::sort(folders.begin() + 1, folders.end());
  return folders;
}

}  // namespace ringtrain::launcher
