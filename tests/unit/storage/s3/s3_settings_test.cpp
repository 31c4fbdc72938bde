// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/s3_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using testing::HasSubstr;

S3Settings settings_of(std::map<std::string, std::string> variables) {
  variables.try_emplace("HOME", "/nowhere");
  return read_s3_settings([&](const std::string& name) { return variables[name]; });
}

TEST(S3Settings, AreAwsItselfWithoutKeysWhereNothingIsSet) {
  const S3Settings settings = settings_of({});
  EXPECT_EQ(settings.endpoint, "");
  EXPECT_EQ(settings.region, "us-east-1");
  EXPECT_FALSE(settings.path_style);
  EXPECT_FALSE(settings.keys);
  EXPECT_EQ(settings.keys_from, "");
}

TEST(S3Settings, ComeFromTheVariablesOfAws) {
  const S3Settings settings = settings_of({{"AWS_ACCESS_KEY_ID", "id"},
                                           {"AWS_SECRET_ACCESS_KEY", "secret"},
                                           {"AWS_SESSION_TOKEN", "token"},
                                           {"AWS_ENDPOINT_URL", "http://127.0.0.1:9000/"},
                                           {"AWS_DEFAULT_REGION", "eu-west-1"}});
  EXPECT_EQ(settings.keys->access_key, "id");
  EXPECT_EQ(settings.keys->secret_key, "secret");
  EXPECT_EQ(settings.keys->session_token, "token");
  EXPECT_EQ(settings.endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(settings.region, "eu-west-1");
  EXPECT_TRUE(settings.path_style);
  EXPECT_EQ(settings.keys_from, "AWS_ACCESS_KEY_ID");
}

TEST(S3Settings, ComeFromTheNamesOfKubejob) {
  const S3Settings settings = settings_of({{"aws_access_key_id", "id"},
                                           {"aws_secret_access_key", "secret"},
                                           {"endpoint_url", "https://minio.team:9000"},
                                           {"region_name", "eu-north-1"},
                                           {"signature_version", "s3v4"}});
  EXPECT_EQ(settings.keys->access_key, "id");
  EXPECT_EQ(settings.endpoint, "https://minio.team:9000");
  EXPECT_EQ(settings.region, "eu-north-1");
}

TEST(S3Settings, ComeFromAProfile) {
  const TemporaryDirectory home;
  home.write(".aws/credentials",
             "[default]\naws_access_key_id=no\naws_secret_access_key=no\n"
             "[team]\naws_access_key_id=id\naws_secret_access_key=secret\n");
  home.write(".aws/config",
             "[profile team]\nregion = eu-west-3\nendpoint_url = https://store\n"
             "s3 =\n  addressing_style = virtual\n");
  const S3Settings settings = settings_of({{"HOME", home.path()}, {"AWS_PROFILE", "team"}});
  EXPECT_EQ(settings.keys->access_key, "id");
  EXPECT_EQ(settings.region, "eu-west-3");
  EXPECT_EQ(settings.endpoint, "https://store");
  EXPECT_FALSE(settings.path_style);
  EXPECT_THAT(settings.keys_from, HasSubstr("profile team of "));
  // A variable goes before the profile.
  EXPECT_EQ(
      settings_of({{"HOME", home.path()}, {"AWS_PROFILE", "team"}, {"AWS_REGION", "r-1"}}).region,
      "r-1");
}

TEST(S3Settings, ARoleForAWebIdentityGoesBeforeTheProfile) {
  const TemporaryDirectory home;
  home.write(".aws/credentials", "[default]\naws_access_key_id=no\naws_secret_access_key=no\n");
  const S3Settings settings = settings_of({{"HOME", home.path()},
                                           {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                                           {"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token"},
                                           {"AWS_REGION", "eu-west-1"}});
  EXPECT_FALSE(settings.keys);
  EXPECT_EQ(settings.web_identity->role, "arn:aws:iam::1:role/r");
  EXPECT_EQ(settings.web_identity->endpoint, "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(settings.web_identity->session_name, "ringtrain");
}

TEST(S3Settings, RefusesWhatCannotBeMeant) {
  const auto refuses = [](std::map<std::string, std::string> variables, const char* text) {
    EXPECT_THAT([&] { settings_of(variables); }, ThrowsError(ErrorKind::job, HasSubstr(text)));
  };
  refuses({{"AWS_ACCESS_KEY_ID", "id"}}, "AWS_ACCESS_KEY_ID: has a key's id, but not its secret");
  refuses({{"aws_secret_access_key", "s"}}, "aws_access_key_id: has a key's secret");
  refuses({{"AWS_ENDPOINT_URL", "host:9000"}}, "AWS_ENDPOINT_URL=host:9000: must be a URL");
  refuses({{"AWS_REGION", "eu.west/1"}}, "AWS_REGION=eu.west/1: is no region");
  refuses({{"AWS_PROFILE", "none"}}, "AWS_PROFILE=none: neither");
  refuses({{"AWS_CONFIG_FILE", "/none"}}, "AWS_CONFIG_FILE=/none: there is no such file");
  refuses({{"signature_version", "s3"}}, "signature_version=s3: must be s3v4");
  refuses({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}}, "AWS_ROLE_ARN: is missing");
}

}  // namespace
}  // namespace ringtrain::storage
