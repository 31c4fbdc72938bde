// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/python_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestException = 400;  // bytes of it that are shown

struct Frame {
  std::string file;
  std::string line;
  std::string function;
  bool of_a_stack = false;  // of faulthandler, which writes "line 8 in main", not "line 8, in main"
};

// Removes the "[rank1]: " that torch.distributed puts before each line of a traceback.
std::string_view without_rank(std::string_view line) {
  if (!line.starts_with("[rank")) return line;
  const auto end = line.find("]:");
  if (end == std::string_view::npos) return line;
  line.remove_prefix(std::min(line.size(), end + 2));
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(without_rank(text.substr(0, end)));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

// Reads `  File "train.py", line 88, in main`.
std::optional<Frame> parse_frame(std::string_view line) {
  constexpr std::string_view kFile = "  File \"";
  constexpr std::string_view kLine = "\", line ";
  if (!line.starts_with(kFile)) return std::nullopt;
  line.remove_prefix(kFile.size());
  const auto middle = line.rfind(kLine);
  if (middle == std::string_view::npos) return std::nullopt;
  Frame frame{.file = std::string(line.substr(0, middle)), .line = {}, .function = {}};
  line.remove_prefix(middle + kLine.size());
  const auto digits = std::min(line.find_first_not_of("0123456789"), line.size());
  frame.line = std::string(line.substr(0, digits));
  line.remove_prefix(digits);
  frame.of_a_stack = line.starts_with(" in ");
  if (const auto in = line.find("in "); in != std::string_view::npos) {
    frame.function = std::string(trimmed(line.substr(in + 3)));
  }
  return frame;
}

bool is_of_a_library(const Frame& frame) {
  return frame.file.starts_with('<') || frame.file.find("-packages/") != std::string::npos ||
         frame.file.find("/lib/python3") != std::string::npos;
}

std::string place_of(const Frame& frame, const fs::path& folder) {
  const fs::path from_here = fs::path(frame.file).lexically_relative(folder);
  const bool below = !from_here.empty() && *from_here.begin() != "..";
  return fmt::format("{}:{}", below ? from_here.string() : frame.file, frame.line);
}

// The frames of a traceback, the innermost last.
std::string where(const std::vector<Frame>& frames, const fs::path& folder) {
  const auto own = std::find_if(frames.rbegin(), frames.rend(),
                                [](const Frame& frame) { return !is_of_a_library(frame); });
  if (own != frames.rend()) return place_of(*own, folder);
  return frames.back().file.starts_with('<') ? "" : place_of(frames.back(), folder);
}

}  // namespace

std::optional<PythonFailure> last_exception(std::string_view text, const fs::path& folder) {
  std::optional<PythonFailure> found;
  std::vector<Frame> frames;
  for (const std::string_view line : lines_of(text)) {
    if (line.starts_with("Traceback (most recent call last):")) {
      frames.clear();
    } else if (auto frame = parse_frame(line); frame && !frame->of_a_stack) {
      frames.push_back(std::move(*frame));
    } else if (!frames.empty() && !line.empty() && line.front() != ' ') {
      found = {std::string(trimmed(line.substr(0, kLongestException))), where(frames, folder)};
      frames.clear();
    }
  }
  return found;
}

bool is_about_a_peer(std::string_view exception) {
  static constexpr std::array<std::string_view, 29> kTexts = {
      "Connection closed by peer", "Connection reset by peer", "Connection refused",
      "connectFullMesh", "Broken pipe", "BrokenPipeError", "ConnectionResetError",
      "ConnectionRefusedError", "ConnectionAbortedError", "EOFError", "gloo/transport",
      "Socket Timeout", "wait timeout after", "Timed out waiting", "Timed out after",
      "DistBackendError", "DistNetworkError", "DistStoreError", "ncclRemoteError",
      "ncclSystemError", "TCPStore", "reached the barrier within", "recvValue failed",
      "did not come in time",
      // Lines of our own backend for torch.
      "did not come to", "at the start of the group", "left the group", " ended: rank ",
      "every other rank has ended"};
  return std::any_of(kTexts.begin(), kTexts.end(), [&](std::string_view text) {
    return exception.find(text) != std::string_view::npos;
  });
}

std::optional<PythonPosition> last_stack(std::string_view text, const fs::path& folder) {
  constexpr std::string_view kCurrent = "Current thread ";
  const auto start = text.rfind(kCurrent);
  if (start == std::string_view::npos) return std::nullopt;
  PythonPosition position;
  for (const std::string_view line : lines_of(text.substr(text.find('\n', start) + 1))) {
    const auto frame = parse_frame(line);
    if (!frame || !frame->of_a_stack) break;
    if (is_of_a_library(*frame)) {
      // The outermost function of the library is the one that the script called; a decorator of
      // torch.distributed stands around it.
      const bool distributed = frame->file.find("/torch/distributed/") != std::string::npos ||
                               frame->file.find("/torch/nn/parallel/") != std::string::npos;
      if (distributed && frame->function != "wrapper") position.waits_in = frame->function;
      continue;
    }
    position.at = fmt::format("{} in {}", place_of(*frame, folder), frame->function);
    return position;
  }
  return position.waits_in.empty() ? std::nullopt : std::optional(position);
}

}  // namespace ringtrain::launcher
