// SPDX-License-Identifier: Apache-2.0
#include "runtime/models/torch_error.hpp"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>
#include <vector>

#include "base/text.hpp"

namespace ringtrain {
namespace {

constexpr std::array kDeviceWords = {"CUDA error",    "CUDA out of memory", "CUDA driver error",
                                     "CUBLAS_STATUS", "CUDNN_STATUS",       "NCCL error"};

// Returns the lines, long ones cut: std::regex recurses for each character.
std::vector<std::string> lines_of(std::string_view text) {
  constexpr size_t kMostBytes = 1000;
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string line = first_line(text);
    lines.push_back(line.substr(0, kMostBytes));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return lines;
}

std::string message_of(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  return torch_error ? torch_error->what_without_backtrace() : error.what();
}

}  // namespace

std::string torch_cause(std::string_view message) {
  // A scripted model names its source so; `<--- HERE` follows the line that failed:
  //   File "net.py", line 9, in forward
  static const std::regex kFrame(R"re(^ *File "([^"]+)", line (\d+), in .*)re");
  // A traced model so, the innermost call first:
  //   net.py(22): forward
  static const std::regex kTracedFrame(R"re(^(\S+\.py)\((\d+)\): .*)re");
  static const std::regex kCause(R"re(^[A-Za-z0-9_.]*(?:Error|Exception): (.*))re");
  std::string cause;
  std::string place;
  std::string source;
  bool traced = false;
  std::string before;
  for (const std::string& line : lines_of(message)) {
    std::smatch found;
    if (line.starts_with("Traceback of TorchScript")) {  // the last one is of the original code
      traced = false;
    } else if (std::regex_match(line, found, kFrame)) {
      place = found.str(1) + ":" + found.str(2);
      source.clear();
    } else if (!traced && std::regex_match(line, found, kTracedFrame)) {
      place = found.str(1) + ":" + found.str(2);
      source.clear();
      traced = true;
    } else if (line.ends_with("<--- HERE")) {
      source = std::string(trimmed(before));
    } else if (std::regex_match(line, found, kCause)) {
      cause = found.str(1);
    }
    before = line;
  }
  if (cause.empty()) cause = first_line(message);
  if (place.empty()) return cause;
  return fmt::format("{} ({}{}{})", cause, place, source.empty() ? "" : ": ", source);
}

std::string torch_cause(const std::exception& error) { return torch_cause(message_of(error)); }

bool is_device_error(const std::exception& error) {
  const std::string text = message_of(error);
  return std::ranges::any_of(
      kDeviceWords, [&](const char* word) { return text.find(word) != std::string::npos; });
}

}  // namespace ringtrain
