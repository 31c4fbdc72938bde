// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/hostfile.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/terminal/printable.hpp"
#include "base/text.hpp"
#include "base/whole_number.hpp"

namespace ringtrain::launcher {
namespace {

constexpr int kMaxSlots = 65536;
constexpr std::uintmax_t kMaxFileBytes = 1 << 20;

// Accepts names and addresses, but no '-' first: ssh would take it for an option.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.front() == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':';
  });
}

// Returns text of a stranger's file for a message.
std::string shown(std::string_view text) { return printable(text.substr(0, 60)); }

// Whether a line is one of YAML, as of a job file: "model: lenet".
bool is_yaml(std::string_view line) {
  const std::string_view rest = trimmed(line);
  const size_t colon = rest.find(": ");
  return colon != std::string_view::npos && rest.find_first_of(" \t") > colon;
}

}  // namespace

std::vector<Host> parse_hostfile(const std::string& text, const std::string& name) {
  std::vector<Host> hosts;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto refuse = [&](const std::string& problem) {
      throw job_error(fmt::format("{}:{}: {}", name, number, problem));
    };
    std::istringstream words(line.substr(0, line.find('#')));
    std::string host, word;
    if (!(words >> host)) continue;
    if (is_yaml(line)) {
      refuse(
          fmt::format("'{}' is YAML, as of a job file: a hostfile has a line for each host, as in "
                      "'node1 slots=4'",
                      shown(line)));
    }
    if (!is_host_name(host)) {
      refuse(fmt::format("'{}' is no host name: a line is 'host slots=N', as in 'node1 slots=4'",
                         shown(host)));
    }
    // An IPv6 address has more colons than one.
    if (const auto colon = host.find(':');
        colon != std::string::npos && host.find(':', colon + 1) == std::string::npos) {
      refuse(fmt::format("'{}': write '{} slots={}'", host, host.substr(0, colon),
                         colon + 1 < host.size() ? host.substr(colon + 1) : "N"));
    }
    int slots = 1;
    while (words >> word) {
      const auto equals = word.find('=');
      const std::string key = word.substr(0, equals);
      if (equals == std::string::npos ||
          (key != "slots" && key != "max_slots" && key != "max-slots")) {
        refuse(
            fmt::format("'{}' is not understood: a line is 'host slots=N', as in 'node1 slots=4'",
                        shown(word)));
      }
      const int count = whole_number(std::string_view(word).substr(equals + 1)).value_or(0);
      if (count < 1 || count > kMaxSlots) {
        refuse(fmt::format("{} must be a whole number from 1 to {}, found '{}'", key, kMaxSlots,
                           shown(word.substr(equals + 1))));
      }
      if (key == "slots") slots = count;
    }
    const bool here = is_this_machine(host);
    const auto known = std::find_if(hosts.begin(), hosts.end(), [&](const Host& other) {
      return other.name == host || (here && is_this_machine(other.name));
    });
    if (known == hosts.end()) {
      hosts.push_back({host, slots});
    } else {
      known->slots += slots;
    }
    if (total_slots(hosts) > kMaxSlots) refuse(fmt::format("more than {} slots", kMaxSlots));
  }
  if (hosts.empty()) throw job_error(fmt::format("{}: names no host", name));
  return hosts;
}

std::vector<Host> read_hostfile(const std::filesystem::path& file) {
  std::error_code unreadable;  // then it does not exist, either
  const auto status = std::filesystem::status(file, unreadable);
  if (!std::filesystem::exists(status)) {
    throw job_error(fmt::format("{}: there is no such hostfile", file.string()));
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw job_error(fmt::format("{}: the hostfile is not a regular file", file.string()));
  }
  try {
    return parse_hostfile(read_file(file, kMaxFileBytes), file.string());
  } catch (const Error& error) {
    throw job_error(error.what());
  }
}

int total_slots(const std::vector<Host>& hosts) {
  int total = 0;
  for (const Host& host : hosts) total += host.slots;
  return total;
}

std::vector<Host> first_slots(const std::vector<Host>& hosts, int ranks) {
  if (const int total = total_slots(hosts); ranks > total) {
    throw job_error(
        fmt::format("-n {}: the hostfile has {}: ask for fewer ranks, or raise its slots", ranks,
                    counted(total, "slot")));
  }
  std::vector<Host> used;
  for (const Host& host : hosts) {
    if (ranks == 0) break;
    const int taken = std::min(ranks, host.slots);
    used.push_back({host.name, taken});
    ranks -= taken;
  }
  return used;
}

std::string print_hostfile(const std::vector<Host>& hosts) {
  std::string text;
  for (const Host& host : hosts) text += fmt::format("{} slots={}\n", host.name, host.slots);
  return text;
}

bool is_this_machine(const std::string& host) {
  if (host == "localhost" || host == "::1" || host.starts_with("127.")) return true;
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return false;
  const std::string own(buffer.data());
  return host == own || host == own.substr(0, own.find('.')) ||
         host.substr(0, host.find('.')) == own;
}

bool all_are_this_machine(const std::vector<Host>& hosts) {
  return std::all_of(hosts.begin(), hosts.end(),
                     [](const Host& host) { return is_this_machine(host.name); });
}

}  // namespace ringtrain::launcher
