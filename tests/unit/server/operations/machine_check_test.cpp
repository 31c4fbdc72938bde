// SPDX-License-Identifier: Apache-2.0
#include "server/operations/machine_check.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

class MachineCheckTest : public testing::Test {
 protected:
  // A check by a program that is this script.
  MachineCheck check_by(const std::string& script) const {
    const auto program = folder_.write("doctor", "#!/bin/sh\n" + script);
    ::chmod(program.c_str(), 0755);
    return MachineCheck(program);
  }
  static ordered_json result_of(MachineCheck& check) {
    while (check.look()["running"]) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return check.look();
  }

  const TemporaryDirectory folder_;
};

TEST_F(MachineCheckTest, HasNothingUntilTheFirstCheckHasEnded) {
  MachineCheck check = check_by("exec sleep 1000\n");
  const ordered_json found = check.look();
  EXPECT_TRUE(found["running"]);
  EXPECT_TRUE(found["checked"].is_null());
  EXPECT_TRUE(found["findings"].empty());
}

TEST_F(MachineCheckTest, KeepsWhatDoctorSaysAndAsksItOnce) {
  const auto count = folder_ / "count";
  MachineCheck check =
      check_by("echo \"$*\" >> " + count.string() +
               "\necho '{\"can_train\": false, \"findings\": [{\"what\": \"MPI\"}]}'"
               "\nexit 4\n");
  for (int i = 0; i < 3; ++i) {
    const ordered_json found = result_of(check);
    EXPECT_FALSE(found["can_train"]);
    EXPECT_EQ(found["findings"][0]["what"], "MPI");
    EXPECT_EQ(found["error"], "");
  }
  EXPECT_EQ(read_file(count), "doctor --json\n");
}

TEST_F(MachineCheckTest, SaysWhenDoctorSaysNothing) {
  MachineCheck check = check_by("echo '{'; exit 3\n");
  const ordered_json found = result_of(check);
  EXPECT_TRUE(found["can_train"].is_null());
  EXPECT_EQ(found["error"],
            "'ringtrain doctor' ended with code 3 and no findings; run it to see why");
}

}  // namespace
}  // namespace ringtrain::server
