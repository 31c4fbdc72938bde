// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/host_check.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include "launcher/mpi/hostfile.hpp"
#include "launcher/mpi/remote_shell.hpp"

namespace ringtrain::launcher {
namespace {

constexpr std::size_t at_once = 64;
constexpr std::chrono::seconds for_an_answer(8);

std::string read_all(const FileDescriptor& from) {
  std::string text;
  std::array<char, 1024> buffer{};
  ssize_t size = 0;
  while ((size = ::read(from.get(), buffer.data(), buffer.size())) > 0 && text.size() < 8192) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

// The last line that is not empty, without what would upset a terminal.
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

std::string problem_from(const std::string& ssh_says) {
  const auto says = [&](const char* words) { return ssh_says.find(words) != std::string::npos; };
  if (says("Could not resolve")) return "its name is not known (DNS)";
  if (says("Connection refused")) return "no sshd listens there";
  if (says("timed out") || says("No route to host") || says("unreachable")) {
    return "it does not answer (network)";
  }
  if (says("Host key verification failed")) {
    return "its host key is not in known_hosts: log in once by hand, or correct it";
  }
  if (says("Permission denied")) return "it refuses our ssh key: try 'ssh' by hand";
  const std::string line = last_line(ssh_says);
  return line.empty() ? "ssh to it fails without a word" : line;
}

HostCheck::HostCheck(const std::vector<std::string>& hosts)
    : deadline_(Clock::now() + for_an_answer) {
  for (const std::string& host : hosts) {
    if (is_this_machine(host)) {
      problems_[host] = "";
    } else {
      to_ask_.push_back(host);
    }
  }
  std::reverse(to_ask_.begin(), to_ask_.end());
  done();
}

void HostCheck::start(const std::string& host) {
  // The first of two values counts in ssh: ours comes before.
  std::vector<std::string> words = {"ssh", "-o", "ConnectTimeout=5"};
  for (const std::string& option : ssh_options()) words.push_back(option);
  words.insert(words.end(), {host, "true"});

  Pipe says = make_pipe();
  try {
    Child ssh({.arguments = words,
               .standard_output = kDevNull,
               .standard_error = says.write_end.get(),
               .own_group = true,
               .death_signal = SIGKILL});
    asked_.push_back({host, std::move(ssh), std::move(says.read_end)});
  } catch (const std::runtime_error& error) {
    problems_[host] = error.what();
  }
}

bool HostCheck::done() {
  const bool late = Clock::now() >= deadline_;
  for (auto question = asked_.begin(); question != asked_.end();) {
    const auto status = question->ssh.poll();
    if (!status && !late) {
      ++question;
      continue;
    }
    if (!status) {
      problems_[question->host] = "it does not answer (network)";
    } else {
      problems_[question->host] = status->success() ? "" : problem_from(read_all(question->says));
    }
    question = asked_.erase(question);
  }
  while (!to_ask_.empty() && asked_.size() < at_once) {
    start(to_ask_.back());
    to_ask_.pop_back();
    deadline_ = Clock::now() + for_an_answer;
  }
  return asked_.empty();
}

}  // namespace ringtrain::launcher
