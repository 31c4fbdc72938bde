// SPDX-License-Identifier: Apache-2.0
#include "launcher/script/activity.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace ringtrain::launcher {
namespace {

using std::chrono::milliseconds;
using Seconds = std::chrono::duration<double>;

constexpr milliseconds kBetweenLooks{20};

// A process that does nothing, or works without an end.
class Process {
 public:
  explicit Process(bool works) : process_(::fork()) {
    if (process_ != 0) return;
    // volatile: a loop without an effect may be left out.
    for (volatile bool on = true; on;) {
      if (!works) ::pause();
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] pid_t id() const { return process_; }

 private:
  pid_t process_;
};

void look_until_silent_for(Activity& activity, milliseconds time) {
  while (activity.silence() < time) std::this_thread::sleep_for(kBetweenLooks / 2);
}

TEST(AnActivity, IsSilentWhereAProcessWaits) {
  const Process waits(false);
  Activity activity(waits.id(), kBetweenLooks);
  look_until_silent_for(activity, milliseconds(100));
  activity.printed();
  EXPECT_LE(activity.silence(), Seconds(2 * kBetweenLooks));
  look_until_silent_for(activity, milliseconds(100));
}

TEST(AnActivity, IsNotSilentWhereAProcessWorksHoweverLittleItGetsOfACore) {
  const Process works(true);
  Activity activity(works.id(), kBetweenLooks);
  std::this_thread::sleep_for(kBetweenLooks);
  EXPECT_LE(activity.silence(), Seconds(2 * kBetweenLooks));  // one look says nothing yet
  for (int look = 0; look < 20; ++look) {
    std::this_thread::sleep_for(kBetweenLooks);
    EXPECT_EQ(activity.silence(), Seconds::zero());
  }
  ::kill(works.id(), SIGSTOP);
  look_until_silent_for(activity, milliseconds(100));
}

TEST(AnActivity, IsNotSilentForAsLongAsNobodyLooked) {
  const Process waits(false);
  Activity activity(waits.id(), kBetweenLooks);
  std::this_thread::sleep_for(10 * kBetweenLooks);
  EXPECT_LE(activity.silence(), Seconds(2 * kBetweenLooks));
}

}  // namespace
}  // namespace ringtrain::launcher
