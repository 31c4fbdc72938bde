// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/commands/rounds.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "base/error.hpp"
#include "base/file.hpp"
#include "launcher/mpi/mpirun.hpp"
#include "launcher/mpi/mpirun_command.hpp"
#include "launcher/mpi/mpirun_messages.hpp"
#include "launcher/process/process.hpp"
#include "storage/download_cache.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

// Returns the last line of the ranks, without mpirun's paragraphs about their end.
std::string last_message(const std::string& standard_error) {
  MpirunMessages messages;
  std::string text;
  std::string line;
  for (std::istringstream lines(standard_error); std::getline(lines, line);) {
    for (const std::string& own : messages.feed(line)) text += own + "\n";
  }
  for (const std::string& own : messages.finish()) text += own + "\n";
  return last_line(text);
}

std::string run(const std::string& name, const MpirunCommand& command, std::chrono::seconds limit) {
  const Captured captured = capture(command.arguments, limit, command.environment);
  if (captured.timed_out) {
    throw std::runtime_error(fmt::format("{}: not done after {} s", name, limit.count()));
  }
  if (!captured.status.success()) {
    throw std::runtime_error(fmt::format("{}: {}", name, last_message(captured.standard_error)));
  }
  return captured.standard_output;
}

nlohmann::json parse(const std::string& name, const std::string& output) {
  try {
    return nlohmann::json::parse(output);
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error(
        fmt::format("{}: printed no result, but '{}'", name, last_line(output).substr(0, 200)));
  }
}

void write_results(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  try {
    write_file(file, text);
  } catch (const Error& error) {
    throw job_error(fmt::format("--json {}", error.what()));
  }
}

}  // namespace

std::string output_of_ranks(const RankLayout& layout, const std::vector<std::string>& program,
                            std::chrono::seconds limit) {
  const TemporaryHostfile hostfile(layout.hosts);
  return run(program.front(), mpirun_command(find_mpirun(), layout, hostfile.path(), program),
             limit);
}

nlohmann::json run_ranks(const RankLayout& layout, const std::vector<std::string>& program,
                         std::chrono::seconds limit) {
  return parse(program.front(), output_of_ranks(layout, program, limit));
}

nlohmann::json run_peers(const RankLayout& layout, const std::vector<std::string>& program,
                         std::chrono::seconds limit) {
  const TemporaryHostfile hostfile(layout.hosts);
  MpirunCommand command = mpirun_command(find_mpirun(), layout, hostfile.path(), program);
  std::vector<std::string>& words = command.arguments;
  const auto bound = std::find(words.begin(), words.end(), "--bind-to");
  if (bound != words.end()) *(bound + 1) = "none";
  const auto mapped = std::find(words.begin(), words.end(), "--map-by");
  if (mapped != words.end() && (mapped + 1)->starts_with("slot:PE=")) *(mapped + 1) = "slot";
  return parse(program.at(1), run(program.at(1), command, limit));
}

std::string default_python() {
  const std::string python =
      find_program((storage::cache_directory() / "peers/bin/python").string());
  return python.empty() ? "python3" : python;
}

bool can_import(const std::string& python, const std::string& modules) {
  if (find_program(python).empty()) return false;
  return capture({python, "-c", "import " + modules}, std::chrono::seconds(60)).status.success();
}

int free_port() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  socklen_t size = sizeof any;
  auto* const address = reinterpret_cast<sockaddr*>(&any);
  if (!socket.is_open() || ::bind(socket.get(), address, size) != 0 ||
      ::getsockname(socket.get(), address, &size) != 0) {
    throw std::runtime_error("no free TCP port");
  }
  return ntohs(any.sin_port);
}

NoisyMachine mostly_disturbed_error(const std::string& what) {
  return NoisyMachine(
      fmt::format("{}: over half of the rounds were disturbed, so that all of them were counted: "
                  "this machine is too noisy for differences of a few percent",
                  what));
}

void write_json(const std::string& file, const nlohmann::ordered_json& json) {
  write_results(file, json.dump(2) + "\n");
}

void keep_record(const std::string& file, const nlohmann::ordered_json& record,
                 std::string& records) {
  records += record.dump() + "\n";
  write_results(file, records);
}

}  // namespace ringtrain::benchmarks
