// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/predictions.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr off_t kMaxAnswer = off_t{4} << 20;

FileDescriptor open_file(const fs::path& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  checked(file.get(), path.c_str());
  return file;
}

std::string failure(const std::string& error, int code) {
  return ordered_json({{"error", error}, {"code", code}}).dump() + "\n";
}

std::string answer_of(const ExitStatus& status, const FileDescriptor& file) {
  struct stat about {};
  checked(::fstat(file.get(), &about), "fstat");
  if (about.st_size > kMaxAnswer) {
    return failure(fmt::format("the predictions have more than {} MiB: ask for fewer at a time",
                               kMaxAnswer >> 20),
                   413);
  }
  std::string text(static_cast<size_t>(about.st_size), '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  if (status.success() && text.ends_with('\n')) return text;
  return failure(fmt::format("the function's process ended with {}: infer.log in the output of the "
                             "network's job says more",
                             status.shell_code()),
                 500);
}

}  // namespace

void Predictions::stop() {
  for (const Running& one : running_) ::kill(-one.process.process(), SIGKILL);
  running_.clear();
}

net::Answer Predictions::start(const fs::path& output, const fs::path& datasets,
                               const std::string& body) {
  if (running_.size() >= most_) {
    throw Problem(503, fmt::format("{} predictions run already: ask again in a moment", most_));
  }
  const FileDescriptor question = open_file(output, O_TMPFILE | O_RDWR);
  FileDescriptor answer = open_file(output, O_TMPFILE | O_RDWR);
  const FileDescriptor log = open_file(output / "infer.log", O_CREAT | O_APPEND | O_WRONLY);
  if (write_all(question.get(), body) != body.size()) checked(-1, "the question is not written");
  checked(static_cast<int>(::lseek(question.get(), 0, SEEK_SET)), "lseek");
  const char* const python = std::getenv("PYTHON_EXEC");
  Child process({.arguments = {python == nullptr ? "python3" : python, "-m", "kubeml.infer",
                               output.string(), datasets.string()},
                 .standard_input = question.get(),
                 .standard_output = answer.get(),
                 .standard_error = log.get(),
                 .own_group = true,
                 .death_signal = SIGKILL});
  const auto pending = std::make_shared<net::HttpPending>();
  const auto text = std::make_shared<std::string>();
  pending->then = [text] {
    return net::Answer{.headers = {{"Content-Type", "application/json"}}, .body = *text};
  };
  running_.push_back(
      {std::move(process), std::move(answer), pending, text, std::chrono::steady_clock::now()});
  return {.pending = pending};
}

// Returns whether it is over.
bool Predictions::look_at(Running& one) const {
  const bool is_late = std::chrono::steady_clock::now() - one.started > limit_;
  const auto status = one.process.poll();
  if (!status && !is_late) return false;
  // Processes that the function has forked end, too.
  ::kill(-one.process.process(), SIGKILL);
  *one.text = status ? answer_of(*status, one.answer)
                     : failure(fmt::format("the function has not answered for {} s, and was ended",
                                           limit_.count()),
                               504);
  one.pending->finish();
  return true;
}

void Predictions::tick() {
  std::erase_if(running_, [this](Running& one) { return look_at(one); });
}

}  // namespace ringtrain::server
