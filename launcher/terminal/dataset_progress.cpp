// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/dataset_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "launcher/terminal/bar.hpp"

namespace ringtrain::launcher {

DatasetProgress::DatasetProgress(std::string doing)
    : doing_(std::move(doing)), terminal_(::isatty(STDERR_FILENO) == 1) {}

datasets::Progress DatasetProgress::callback() {
  if (!terminal_) return {};
  return [this](uint64_t done, uint64_t total) { draw(done, total); };
}

void DatasetProgress::draw(uint64_t done, uint64_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (total == 0 || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  drawn_ = true;
  constexpr size_t kWidth = 40;
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  fmt::print(stderr, "\r{} {} {:3.0f}%", doing_, draw_bar(share, kWidth), share * 100);
  std::fflush(stderr);
}

void DatasetProgress::finish() {
  if (drawn_) fmt::print(stderr, "\r{}\r", std::string(doing_.size() + 60, ' '));
  drawn_ = false;
}

}  // namespace ringtrain::launcher
