// SPDX-License-Identifier: Apache-2.0
#include "launcher/mpi/mpirun.hpp"

#include <gtest/gtest.h>

namespace ringtrain::launcher {
namespace {

TEST(MpirunVersion, IsReadFromOpenMpiAlone) {
  const auto version = parse_mpirun_version("/m", "mpirun (Open MPI) 4.1.4\n\nReport bugs to\n");
  ASSERT_TRUE(version);
  EXPECT_EQ(version->major, 4);
  EXPECT_EQ(version->version, "4.1.4");
  EXPECT_EQ(parse_mpirun_version("/m", "mpirun (Open MPI) 5.0.7rc2\n")->major, 5);
  EXPECT_FALSE(parse_mpirun_version("/m", "HYDRA build details:\n    Version: 4.0.2\n"));
  EXPECT_FALSE(parse_mpirun_version("/m", "mpirun (Open MPI) new\n"));
  EXPECT_FALSE(parse_mpirun_version("/m", ""));
}

}  // namespace
}  // namespace ringtrain::launcher
