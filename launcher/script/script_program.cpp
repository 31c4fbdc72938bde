// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/script_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "launcher/process/process.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// Looks a program up: in PATH, or where its name holds a '/', from the script's directory. Returns
// an absolute path, or an empty text.
std::string find_in(const ScriptSpec& script, const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos;
  const std::string path = find_program(is_path ? (script.directory / name).string() : name);
  return path.empty() ? "" : fs::absolute(path).string();
}

std::string find_python(const ScriptSpec& script, const std::string& option) {
  const char* const variable = std::getenv("PYTHON_EXEC");
  const std::string name = !script.python.empty() ? script.python
                           : variable != nullptr  ? variable
                                                  : "python3";
  std::string path = find_in(script, name);
  if (path.empty()) {
    throw job_error(
        fmt::format("{} is missing: install Python 3, or name one by {}", name, option));
  }
  return path;
}

}  // namespace

std::vector<std::string> script_program(const ScriptSpec& script, bool is_program, bool is_local,
                                        const std::string& python_option) {
  const std::string& name = script.target;
  std::vector<std::string> words;
  if (script.is_python() && !is_program) {
    words = {find_python(script, python_option), "-u"};
    const bool is_module = script.kind == ScriptSpec::Kind::module;
    if (is_module) words.emplace_back("-m");
    words.push_back(name);
    // Other hosts may see other disks.
    if (!is_module && is_local && ::access((script.directory / name).c_str(), R_OK) != 0) {
      throw job_error(fmt::format("{}: cannot be read: {}", name,
                                  std::error_code(errno, std::generic_category()).message()));
    }
  } else {
    const std::string path = find_in(script, name);
    if (path.empty() && is_local) {
      throw job_error(fmt::format("{}: there is no such program", name));
    }
    words = {path.empty() ? name : path};
  }
  words.insert(words.end(), script.args.begin(), script.args.end());
  return words;
}

}  // namespace ringtrain::launcher
