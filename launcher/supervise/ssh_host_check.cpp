// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/ssh_host_check.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "launcher/mpi/remote_shell.hpp"

namespace ringtrain::launcher {
namespace {

constexpr size_t kAtOnce = 64;
constexpr std::chrono::seconds kForAnAnswer(8);
constexpr const char* kNoAnswer = "it does not answer (network)";

std::string read_all(const FileDescriptor& from) {
  std::string text;
  std::array<char, 1024> buffer{};
  ssize_t size = 0;
  while ((size = ::read(from.get(), buffer.data(), buffer.size())) > 0 && text.size() < 8192) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  return text;
}

// Returns the last line that is not empty, without what would upset a terminal.
std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const auto newline = text.rfind('\n', end);
  std::string line = text.substr(newline == std::string::npos ? 0 : newline + 1, end + 1);
  line = line.substr(0, line.find_first_of("\r\n"));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= 0 && c < 0x20; }, '?');
  return line.substr(0, 200);
}

}  // namespace

std::string problem_from(const std::string& messages) {
  const auto has = [&](const char* words) { return messages.find(words) != std::string::npos; };
  if (has("Could not resolve")) return "its name is not known (DNS)";
  if (has("Connection refused")) return "no sshd listens there";
  if (has("timed out") || has("No route to host") || has("unreachable")) return kNoAnswer;
  if (has("Host key verification failed")) {
    return "its host key is not in known_hosts: log in once by hand, or correct it";
  }
  if (has("Permission denied")) return "it refuses our ssh key: try 'ssh' by hand";
  const std::string line = last_line(messages);
  return line.empty() ? "ssh to it fails without a message" : line;
}

SshHostCheck::SshHostCheck(const std::vector<Host>& hosts) : deadline_(kForAnAnswer) {
  for (const Host& host : hosts) {
    if (is_this_machine(host.name)) {
      problems_[host.name] = "";
    } else {
      to_ask_.push_back(host.name);
    }
  }
  std::reverse(to_ask_.begin(), to_ask_.end());
  SshHostCheck::done();
}

void SshHostCheck::start(const std::string& host) {
  // ssh takes the first of two values: ours comes first.
  std::vector<std::string> words = {"ssh", "-o", "ConnectTimeout=5"};
  for (const std::string& option : ssh_options()) words.push_back(option);
  words.insert(words.end(), {host, "true"});
  Pipe messages = make_pipe();
  try {
    Child ssh({.arguments = words,
               .standard_output = kDevNull,
               .standard_error = messages.write_end.get(),
               .own_group = true,
               .death_signal = SIGKILL});
    asked_.push_back({host, std::move(ssh), std::move(messages.read_end)});
  } catch (const std::runtime_error& error) {
    problems_[host] = error.what();
  }
}

bool SshHostCheck::done() {
  const bool late = deadline_.passed();
  for (auto question = asked_.begin(); question != asked_.end();) {
    const auto status = question->ssh.poll();
    if (!status && !late) {
      ++question;
      continue;
    }
    std::string& problem = problems_[question->host];
    if (!status) {
      problem = kNoAnswer;
    } else {
      problem = status->success() ? "" : problem_from(read_all(question->messages));
    }
    question = asked_.erase(question);
  }
  while (!to_ask_.empty() && asked_.size() < kAtOnce) {
    start(to_ask_.back());
    to_ask_.pop_back();
    deadline_ = Deadline(kForAnAnswer);
  }
  return asked_.empty();
}

}  // namespace ringtrain::launcher
