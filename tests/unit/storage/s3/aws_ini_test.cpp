// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/aws_ini.hpp"

#include <gtest/gtest.h>

namespace ringtrain::storage {
namespace {

TEST(AwsFile, HasSectionsKeysAndNestedGroups) {
  AwsSections sections = parse_aws_file(
      "# mine\n[default]\naws_access_key_id = A=B\nregion=eu-west-1\n\n[profile team]\n"
      "s3 =\n    addressing_style = path\n    max_queue_size = 7\nregion = eu-central-1\r\n"
      "; old\n[last]\nkey = value");
  EXPECT_EQ(sections["default"]["aws_access_key_id"], "A=B");
  EXPECT_EQ(sections["default"]["region"], "eu-west-1");
  EXPECT_EQ(sections["profile team"]["s3.addressing_style"], "path");
  EXPECT_EQ(sections["profile team"]["region"], "eu-central-1");
  EXPECT_EQ(sections["last"]["key"], "value");
}

TEST(AwsFile, PassesOverWhatItDoesNotKnow) {
  EXPECT_TRUE(parse_aws_file("key = outside\nnonsense\n[").empty());
  EXPECT_TRUE(parse_aws_file("[a]\nnonsense")["a"].empty());
}

}  // namespace
}  // namespace ringtrain::storage
