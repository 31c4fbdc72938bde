// SPDX-License-Identifier: Apache-2.0
#include "tracking/tracker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/deadline.hpp"
#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "tracking/tracker_life.hpp"

namespace ringtrain::tracking {
namespace {

// The tracker gives up before.
constexpr std::chrono::seconds kForTheEnd(15);

std::string read_answer(const FileDescriptor& from) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(size));
  }
}

}  // namespace

ListenAddress parse_listen_address(const std::string& option, const std::string& text) {
  const size_t colon = text.rfind(':');
  const int port =
      colon == std::string::npos ? -1 : whole_number(text.substr(colon + 1)).value_or(-1);
  std::string address = text.substr(0, std::min(colon, text.size()));
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  } else if (address.find(':') != std::string::npos) {
    address = "?";
  }
  if (address.empty()) address = "0.0.0.0";
  if (address == "localhost") address = "127.0.0.1";
  const bool is_address =
      address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos;
  if (port < 0 || port > 65535 || !is_address) {
    throw job_error(
        fmt::format("{} {}: must be ADDRESS:PORT, as 127.0.0.1:9464, or :9464 for all addresses",
                    option, text));
  }
  return {address, static_cast<uint16_t>(port)};
}

Tracker::Tracker(const TrackerOptions& options, const std::vector<int>& not_inherited) {
  Pipe pipe = make_pipe();
  Pipe answer = make_pipe();
  const auto life = [&]() -> int {
    for (const int descriptor : not_inherited) ::close(descriptor);
    pipe.write_end.close();
    answer.read_end.close();
    return run_tracker(options, pipe.read_end.get(), std::move(answer.write_end));
  };
  process_ = Child({.body = life, .standard_output = kDevNull});
  to_tracker_ = std::move(pipe.write_end);
  answer.write_end.close();
  const std::string text = read_answer(answer.read_end);
  const auto port = whole_number(text);
  if (!port) {
    throw job_error(fmt::format("--metrics: {}", text.empty() ? "its process has ended" : text));
  }
  port_ = static_cast<uint16_t>(*port);
}

bool Tracker::finish(const Outcome& outcome) {
  write_all(to_tracker_.get(), print_outcome(outcome) + "\n");
  to_tracker_.close();
  for (const Deadline deadline(kForTheEnd); !deadline.passed();) {
    if (const auto status = process_.poll()) return status->success();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;  // the destructor ends it
}

}  // namespace ringtrain::tracking
