// SPDX-License-Identifier: Apache-2.0
// Roles that are assumed with a token of Kubernetes, by answers as AWS's STS gives them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "storage/s3/s3_object.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/storage/fake_s3.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

using net::FakeServer;
using net::ReceivedRequest;
using net::Reply;
using testing::AllOf;
using testing::HasSubstr;

// From the API reference of STS, with another time.
std::string answer_of_sts(const std::string& expiration, int number) {
  return fmt::format(
      R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>system:serviceaccount:team:trainer</SubjectFromWebIdentityToken>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/ringtrain</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:ringtrain</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <SessionToken>token{}</SessionToken>
      <SecretAccessKey>secret</SecretAccessKey>
      <Expiration>{}</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>)",
      number, expiration);
}

class WebIdentities : public testing::Test {
 protected:
  S3Settings settings(const FakeS3& s3, const std::string& sts) {
    S3Settings settings = s3.settings();
    settings.keys.reset();
    settings.keys_from = "AWS_ROLE_ARN";
    settings.web_identity = {"arn:aws:iam::123456789012:role/r",
                             folder_.write("token", "the.web/token=\n"), "ringtrain", sts};
    return settings;
  }
  const TemporaryDirectory folder_;
};

TEST_F(WebIdentities, AreExchangedForKeysThatAreUsedUntilTheyExpire) {
  std::string asked;
  std::atomic<int> count = 0;
  const FakeServer sts([&](const ReceivedRequest& request) {
    asked = request.method + " " + request.target + " " + request.body;
    return Reply{200, {answer_of_sts("2099-01-01T00:00:00Z", ++count)}};
  });
  std::atomic<int> refused = 0;
  FakeS3 s3([&](const ReceivedRequest& request) -> std::optional<Reply> {
    EXPECT_THAT(request.headers, HasSubstr("Credential=ASgeIAIOSFODNN7EXAMPLE/"));
    const std::string token = header_in(request, "x-amz-security-token");
    EXPECT_EQ(token, fmt::format("token{}", count.load()));
    if (++refused != 2) return std::nullopt;
    return Reply{400, {"<Error><Code>ExpiredToken</Code></Error>"}};
  });
  s3.put("/bucket/key", "bytes");
  S3Client client(settings(s3, sts.url()), kFast);
  EXPECT_EQ(open_s3(client, {"bucket", "key"})->size(), 5u);
  EXPECT_EQ(count, 1);
  EXPECT_THAT(asked, AllOf(testing::StartsWith("POST / Action=AssumeRoleWithWebIdentity&"),
                           HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"),
                           HasSubstr("WebIdentityToken=the.web%2Ftoken%3D")));
  EXPECT_EQ(list_s3(client, {"bucket", ""}).size(), 1u);  // refused once, with new keys then
  EXPECT_EQ(count, 2);
}

TEST_F(WebIdentities, AreExchangedAnewBeforeTheirKeysExpire) {
  std::atomic<int> count = 0;
  const FakeServer sts([&](const ReceivedRequest&) {
    const Time soon = std::chrono::system_clock::now() + std::chrono::minutes(2);
    return Reply{200, {answer_of_sts(print_time(soon), ++count)}};
  });
  FakeS3 s3;
  s3.put("/bucket/key", "bytes");
  S3Client client(settings(s3, sts.url()), kFast);
  open_s3(client, {"bucket", "key"});
  open_s3(client, {"bucket", "key"});
  EXPECT_EQ(count, 2);
}

TEST_F(WebIdentities, ARefusalNamesRoleAndToken) {
  const FakeServer sts([](const ReceivedRequest&) {
    return Reply{403,
                 {"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to "
                  "perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"}};
  });
  FakeS3 s3;
  S3Client client(settings(s3, sts.url()), kFast);
  EXPECT_THAT(
      [&] {
        open_s3(client, {"bucket", "key"});
      },
      ThrowsError(ErrorKind::job, AllOf(HasSubstr("AWS_ROLE_ARN: "), HasSubstr("role/r"),
                                        HasSubstr("403 Not authorized to perform"))));
}

}  // namespace
}  // namespace ringtrain::storage
