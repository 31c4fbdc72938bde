// SPDX-License-Identifier: Apache-2.0
#include "server/operations/confined_child.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace ringtrain::server {
namespace {

constexpr uint64_t kMostKept = uint64_t{4} << 20;  // of a stream
constexpr std::string_view kBegin = "ringtrain: ";

FileDescriptor new_file(const std::filesystem::path& path) {
  return FileDescriptor(
      checked(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open"));
}

Child start(const std::filesystem::path& program, const launcher::Confinement& limits,
            const std::vector<std::string>& words, const std::filesystem::path& out,
            const std::filesystem::path& err) {
  const FileDescriptor to_out = new_file(out);
  const FileDescriptor to_err = new_file(err);
  std::vector<std::string> arguments = launcher::confined(limits, words);
  arguments.insert(arguments.begin(), program.string());
  return Child(SpawnOptions{.arguments = arguments,
                            .environment = {{"RINGTRAIN_PROGRESS", "json"}},
                            .standard_output = to_out.get(),
                            .standard_error = to_err.get(),
                            .own_group = true,
                            .death_signal = SIGKILL});
}

std::string read_stream(const std::filesystem::path& path) {
  try {
    return read_file(path, kMostKept);
  } catch (const Error&) {
    return "";
  }
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_stream(path));
  for (std::string line; std::getline(text, line);) {
    if (!trimmed(line).empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace

ConfinedChild::ConfinedChild(const std::filesystem::path& program,
                             const launcher::Confinement& limits,
                             const std::vector<std::string>& words,
                             const std::filesystem::path& logs)
    : limits_(limits),
      out_(logs / "out"),
      err_(logs / "err"),
      child_(start(program, limits, words, out_, err_)) {}

std::optional<bool> ConfinedChild::poll() {
  status_ = child_.poll();
  if (!status_) return std::nullopt;
  return status_->success();
}

double ConfinedChild::progress() const {
  const std::string text = read_stream(out_);
  const size_t start = text.rfind("{\"progress\":");
  if (start == std::string::npos) return 0;
  const auto json = nlohmann::json::parse(first_line(text.substr(start)), nullptr, false);
  return json.is_object() ? json.value("progress", 0.0) : 0;
}

std::string ConfinedChild::output() const { return read_stream(out_); }

std::vector<std::string> ConfinedChild::notes() const {
  std::vector<std::string> notes;
  for (std::string& line : lines_of(err_)) {
    if (!line.starts_with(kBegin)) notes.push_back(std::move(line));
  }
  return notes;
}

std::string ConfinedChild::error() const {
  const auto lines = lines_of(err_);
  if (status_ && status_->signal == SIGXCPU) {
    return fmt::format("it took more than {} of processor time, which is all that it may have",
                       print_seconds(static_cast<double>(limits_.cpu_seconds)));
  }
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (!line->starts_with(kBegin)) continue;
    const std::string text = line->substr(kBegin.size());
    if (text != "std::bad_alloc") return text;
    return fmt::format("it needs more than {} of memory, which is all that it may have",
                       print_size(limits_.memory_bytes));
  }
  return status_ && status_->signal != 0 ? fmt::format("it was ended by signal {}", status_->signal)
                                         : "it ended without a word";
}

}  // namespace ringtrain::server
