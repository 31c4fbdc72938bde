// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/run_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace ringtrain::mpijob {
namespace {

void checked(int error, const char* call) {
  if (error != 0) throw std::runtime_error(fmt::format("{}: {}", call, std::strerror(error)));
}

struct FileActions {
  posix_spawn_file_actions_t value;
  FileActions() { checked(::posix_spawn_file_actions_init(&value), "posix_spawn"); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> joined_environment(
    const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const bool replaced = std::any_of(more.begin(), more.end(), [&](const auto& variable) {
      return text.starts_with(variable.first + "=");
    });
    if (!replaced) result.push_back(text);
  }
  for (const auto& [name, value] : more) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

std::string read_all(int descriptor) {
  constexpr std::size_t most = 1 << 20;
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    if (text.size() < most) text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

ProgramOutput run_program(const std::vector<std::string>& arguments,
                          const std::vector<std::pair<std::string, std::string>>& environment,
                          bool interactive) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) checked(errno, "pipe2");
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables = joined_environment(environment);
  pid_t child = -1;
  int error = 0;
  {
    FileActions actions;
    if (!interactive) {
      checked(::posix_spawn_file_actions_addopen(&actions.value, STDIN_FILENO, "/dev/null",
                                                 O_RDONLY, 0),
              "posix_spawn");
    }
    checked(::posix_spawn_file_actions_adddup2(&actions.value, ends[1], STDOUT_FILENO),
            "posix_spawn");
    error = ::posix_spawnp(&child, words[0].c_str(), &actions.value, nullptr,
                           pointers(words).data(), pointers(variables).data());
  }
  ::close(ends[1]);
  ProgramOutput result;
  if (error != 0) {
    ::close(ends[0]);
    result.problem = fmt::format("cannot be started: {}", std::strerror(error));
    return result;
  }
  result.output = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) checked(errno, "waitpid");
  }
  if (WIFSIGNALED(status)) {
    result.problem = fmt::format("was ended by signal {}", WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    result.problem = fmt::format("ended with exit code {}", WEXITSTATUS(status));
  }
  return result;
}

}  // namespace ringtrain::mpijob
