// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/rank_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

constexpr int kFirstLines = 20;  // of a rank other than 0
constexpr size_t kRemembered = 256 << 10;
constexpr size_t kLongestLine = 16 << 10;

FileDescriptor create(const std::string& file) {
  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  const int descriptor =
      error ? -1 : ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    if (!error) error = {errno, std::generic_category()};
    throw std::runtime_error(
        fmt::format("{}: cannot be written: {}: choose another --log-dir", file, error.message()));
  }
  return FileDescriptor(descriptor);
}

}  // namespace

RankOutput::RankOutput(const RankSpec& spec, const RankPlace& place, const std::string& file)
    : place_(place),
      tee_(spec.tee, "--tee"),
      hidden_(spec.redirects, "--redirects"),
      has_choice_(!spec.shown.empty()),
      is_chosen_(std::find(spec.shown.begin(), spec.shown.end(), place.local_rank) !=
                 spec.shown.end()),
      file_(create(file)) {}

void RankOutput::take(std::string_view bytes, bool error) {
  write_all(file_.get(), bytes);  // a full disk does not end the script
  if (error) {
    standard_error_ += bytes;
    if (standard_error_.size() > 2 * kRemembered) {
      standard_error_.erase(0, standard_error_.size() - kRemembered);
    }
  }
  std::string& open = open_[error ? 1 : 0];
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\n\r");
    open += bytes.substr(0, end);
    if (end == std::string_view::npos && open.size() < kLongestLine) return;
    const bool rewrite = end != std::string_view::npos && bytes[end] == '\r' &&
                         !bytes.substr(end).starts_with("\r\n");
    if (end != std::string_view::npos) {
      bytes.remove_prefix(std::min(bytes.size(), end + (bytes[end] == '\r' && !rewrite ? 2 : 1)));
    } else {
      bytes = {};
    }
    pass_on(std::exchange(open, {}), error, rewrite);
  }
}

void RankOutput::finish() {
  for (const bool error : {false, true}) {
    std::string& open = open_[error ? 1 : 0];
    if (!open.empty()) pass_on(std::exchange(open, {}), error, false);
  }
}

void RankOutput::pass_on(std::string text, bool error, bool rewrite) {
  OutputLine line{.error = error, .rewrite = rewrite, .rank = place_.rank, .text = std::move(text)};
  if (tee_.has(place_.local_rank, error)) {
    line.way = OutputLine::Way::tagged;
  } else if (hidden_.has(place_.local_rank, error) || (has_choice_ && !is_chosen_)) {
    return;
  } else if (place_.rank != 0) {
    if (!is_chosen_ && (rewrite || ++passed_on_ > kFirstLines)) return;
    line.way = is_chosen_ ? OutputLine::Way::tagged : OutputLine::Way::first;
  }
  write_all(STDOUT_FILENO, print_output_line(line) + "\n");
}

}  // namespace ringtrain::launcher
