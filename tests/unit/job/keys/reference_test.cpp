// SPDX-License-Identifier: Apache-2.0
#include "job/keys/reference.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace ringtrain {
namespace {

TEST(JobReference, IsThePageInTheRepository) {
  EXPECT_EQ(read_file(JOB_REFERENCE), job_reference())
      << "run: ringtrain schema --markdown > docs/reference/job-file.md";
}

}  // namespace
}  // namespace ringtrain
