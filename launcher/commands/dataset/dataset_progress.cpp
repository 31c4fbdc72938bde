// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/dataset_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/terminal/bar.hpp"

namespace ringtrain::launcher {

DatasetProgress::DatasetProgress(std::string doing)
    : doing_(std::move(doing)), terminal_(::isatty(STDERR_FILENO) == 1) {
  const char* const wanted = std::getenv("RINGTRAIN_PROGRESS");
  json_ = wanted != nullptr && std::string_view(wanted) == "json";
}

datasets::Progress DatasetProgress::callback() {
  if (!terminal_ && !json_) return {};
  return [this](uint64_t done, uint64_t total) { draw(done, total); };
}

void DatasetProgress::draw(uint64_t done, uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (total == 0 || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  if (json_) {
    constexpr double kStep = 0.005;
    if (share < printed_ + kStep) return;
    printed_ = share;
    fmt::print("{{\"progress\": {:.4f}}}\n", share);
    std::fflush(stdout);
    return;
  }
  drawn_ = true;
  constexpr size_t kWidth = 40;
  fmt::print(stderr, "\r{} {} {:3.0f}%", doing_, draw_bar(share, kWidth), share * 100);
  std::fflush(stderr);
}

void DatasetProgress::finish() {
  if (drawn_) fmt::print(stderr, "\r{}\r", std::string(doing_.size() + 60, ' '));
  drawn_ = false;
}

}  // namespace ringtrain::launcher
