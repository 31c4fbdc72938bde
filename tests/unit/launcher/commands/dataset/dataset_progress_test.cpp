// SPDX-License-Identifier: Apache-2.0
#include "launcher/commands/dataset/dataset_progress.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "base/file_descriptor.hpp"

namespace ringtrain::launcher {
namespace {

using testing::HasSubstr;

// Standard error as a terminal of this test, while it lives.
class Terminal {
 public:
  Terminal()
      : screen_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::grantpt(screen_.get()), 0);
    EXPECT_EQ(::unlockpt(screen_.get()), 0);
    const FileDescriptor terminal(::open(::ptsname(screen_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_EQ(::dup2(terminal.get(), STDERR_FILENO), STDERR_FILENO);
  }
  ~Terminal() { ::dup2(before_.get(), STDERR_FILENO); }

  // Blocks until several characters have come that end with `last`; returns them.
  std::string text_until(char last) const {
    std::string text;
    char c = 0;
    while ((text.size() < 2 || text.back() != last) && ::read(screen_.get(), &c, 1) == 1) text += c;
    return text;
  }

 private:
  FileDescriptor screen_;
  FileDescriptor before_;
};

TEST(DatasetProgress, DrawsABarOnATerminalAndRemovesIt) {
  const Terminal terminal;
  DatasetProgress progress("writing a.h5");
  const auto callback = progress.callback();
  ASSERT_TRUE(callback);
  callback(1, 4);
  const std::string bar = terminal.text_until('%');
  EXPECT_THAT(bar, HasSubstr("writing a.h5 [==========>"));
  EXPECT_THAT(bar, HasSubstr("25%"));
  progress.finish();
  const std::string removed = terminal.text_until('\r');
  EXPECT_EQ(removed.find_first_not_of("\r "), std::string::npos);
  EXPECT_GE(removed.size(), bar.size());
}

TEST(DatasetProgress, IsSilentWhereStandardErrorIsAFile) {
  testing::internal::CaptureStderr();
  DatasetProgress progress("writing a.h5");
  EXPECT_FALSE(progress.callback());
  progress.finish();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace ringtrain::launcher
