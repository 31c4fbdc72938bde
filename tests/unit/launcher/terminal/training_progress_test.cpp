// SPDX-License-Identifier: Apache-2.0
#include "launcher/terminal/training_progress.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "job/event_lines.hpp"

namespace ringtrain::launcher {
namespace {

StepEvent step_at(int64_t step) { return {2, 3, step, 1400, 0.0612, 6712.4, 80}; }

// A file in memory that progress is written to.
class Screen {
 public:
  Screen() : file_(::memfd_create("screen", MFD_CLOEXEC)) {}
  int descriptor() const { return file_.get(); }
  std::string text() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<size_t>(size)};
  }

 private:
  FileDescriptor file_;
};

TEST(ProgressText, SaysEpochStepRateLossAndTimeLeft) {
  EXPECT_EQ(progress_line(step_at(700)),
            "epoch 2/3, step 700 of 1,400, loss 0.0612, 6,712 samples/s, 1 min 20 s left");
  const std::string bar = progress_bar(step_at(700), 90);
  EXPECT_THAT(bar, testing::StartsWith("epoch 2/3 [====="));
  EXPECT_THAT(bar, testing::EndsWith("]  50%  6,712/s  loss 0.0612  1 min 20 s left"));
}

TEST(ProgressText, FitsTheTerminal) {
  for (int columns = 1; columns < 200; ++columns) {
    EXPECT_LT(progress_bar(step_at(1400), columns).size(), static_cast<size_t>(columns));
  }
}

TEST(ProgressText, OfAnEpochLeavesOutWhatWasNotEvaluated) {
  EXPECT_EQ(epoch_line({.epoch = 2,
                        .epochs = 3,
                        .step = 700,
                        .train_loss = 0.0612,
                        .test_loss = 0.048,
                        .test_accuracy = 0.98414,
                        .seconds = 9.2}),
            "epoch 2/3: train loss 0.0612, test loss 0.0480, test accuracy 98.41%, 9.2 s");
  EXPECT_EQ(epoch_line({.epoch = 2,
                        .epochs = 3,
                        .train_loss = 0.0612,
                        .test_loss = 0.048,
                        .test_rmse = std::vector<double>{2.31, 3, 4, 5, 6},
                        .test_mae = std::vector<double>{1.7, 2, 3, 4, 5},
                        .seconds = 9.2}),
            "epoch 2/3: train loss 0.0612, test loss 0.0480, test rmse 2.31 3 4 5 and 1 more, mae "
            "1.7 2 3 4 and 1 more, 9.2 s");
  EXPECT_EQ(epoch_line({.epochs = 1, .step = 700, .train_loss = 0.0612, .seconds = 9.2}),
            "epoch 1/1: train loss 0.0612, 9.2 s");
}

TEST(TrainingProgress, InALogIsALineEveryFewSeconds) {
  const Screen screen;
  TrainingProgress progress(screen.descriptor(), false);
  const TrainingProgress::Clock::time_point start{};
  progress.show(step_at(1), start);
  progress.show(step_at(2), start + std::chrono::seconds(1));
  progress.show(step_at(3), start + std::chrono::seconds(6));
  EXPECT_EQ(screen.text(), progress_line(step_at(1)) + "\n" + progress_line(step_at(3)) + "\n");
}

// Returns the lines that a terminal shows after these bytes.
std::string shown(const std::string& bytes) {
  std::vector<std::string> lines(1);
  size_t column = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string& line = lines.back();
    if (bytes[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes.compare(i, 3, "\x1b[K") == 0) {
      line.resize(column);
      i += 2;
    } else {
      line.resize(std::max(line.size(), column + 1), ' ');
      line[column++] = bytes[i];
    }
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

TEST(TrainingProgress, OnATerminalIsOneLineUnderAllOthers) {
  const Screen screen;
  {
    TrainingProgress progress(screen.descriptor(), true);
    progress.show(step_at(1400), {});
    progress.show(step_at(1), {});
    EXPECT_EQ(shown(screen.text()), progress_bar(step_at(1), 80));
    progress.line("a warning");
    EXPECT_EQ(shown(screen.text()), "a warning\n" + progress_bar(step_at(1), 80));
    progress.line("another");
    EXPECT_EQ(shown(screen.text()), "a warning\nanother\n" + progress_bar(step_at(1), 80));
  }
  EXPECT_EQ(shown(screen.text()), "a warning\nanother\n");
}

TEST(TrainingProgress, SurvivesAClosedTerminal) {
  FileDescriptor keyboard(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::grantpt(keyboard.get()), 0);
  ASSERT_EQ(::unlockpt(keyboard.get()), 0);
  const FileDescriptor terminal(::open(::ptsname(keyboard.get()), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::isatty(terminal.get()), 1);
  TrainingProgress progress(terminal.get(), true);
  progress.show(step_at(1), {});
  keyboard.close();
  ASSERT_EQ(::write(terminal.get(), "x", 1), -1) << "the terminal is still open";
  EXPECT_NO_THROW(progress.show(step_at(2), {}));
  EXPECT_NO_THROW(progress.line("nobody sees this"));
}

}  // namespace
}  // namespace ringtrain::launcher
