// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/aws_signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/sha256.hpp"

namespace ringtrain::storage {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const std::string kNothing = net::sha256("");

std::string signature(const AwsRequest& request, const AwsKeys& keys, const AwsScope& scope) {
  const std::string line = sign(request, keys, scope).back();
  return line.substr(line.find("Signature=") + 10);
}

// Examples of the API reference of S3, "Signature Calculations for the Authorization Header".
class S3Examples : public testing::Test {
 protected:
  S3Examples() {
    request.host = "examplebucket.s3.amazonaws.com";
    request.payload_sha256 = kNothing;
  }
  std::string signed_here() const {
    return signature(request,
                     {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                     {"us-east-1", "s3", *parse_time("2013-05-24T00:00:00Z")});
  }
  AwsRequest request;
};

TEST_F(S3Examples, GetsARangeOfAnObject) {
  request.path = "/test.txt";
  request.headers = {{"range", "bytes=0-9"}};
  EXPECT_EQ(signed_here(), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Examples, PutsAnObject) {
  request.method = "PUT";
  request.path = "/test$file.text";
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.payload_sha256 = net::sha256("Welcome to Amazon S3.");
  EXPECT_EQ(signed_here(), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Examples, GetsTheLifecycleOfABucket) {
  request.query = {{"lifecycle", ""}};
  EXPECT_EQ(signed_here(), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

// "Authenticating Requests: Using Query Parameters" of the same reference.
TEST_F(S3Examples, SignsAUrlForADay) {
  request.path = "/test.txt";
  EXPECT_EQ(presigned_query(
                request, {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""},
                {"us-east-1", "s3", *parse_time("2013-05-24T00:00:00Z")}, std::chrono::hours(24)),
            "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
            "&X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_F(S3Examples, ListsABucket) {
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};  // not in their order
  EXPECT_EQ(signed_here(), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

// aws-sig-v4-test-suite
std::string suite(AwsRequest request) {
  request.host = "example.amazonaws.com";
  request.payload_sha256 = kNothing;
  return signature(request, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""},
                   {"us-east-1", "service", *parse_time("2015-08-30T12:36:00Z")});
}

TEST(AwsSuite, GetVanilla) {
  EXPECT_EQ(suite({}), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(AwsSuite, GetVanillaQueryOrderKeyCase) {
  EXPECT_EQ(suite({.query = {{"Param2", "value2"}, {"Param1", "value1"}}}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(AwsSuite, PostVanilla) {
  EXPECT_EQ(suite({.method = "POST"}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

// Eleven requests of which libcurl 7.88 signs some wrongly, with what must be signed instead.
struct Case {
  const char* name;
  AwsRequest request;
  const char* path;   // as it is sent and signed
  const char* query;  // the same
};

void PrintTo(const Case& one, std::ostream* stream) { *stream << one.name; }

class CasesOfLibcurl : public testing::TestWithParam<Case> {};

TEST_P(CasesOfLibcurl, AreSignedAsTheyAreSent) {
  AwsRequest request = GetParam().request;
  request.host = "bucket.s3.amazonaws.com";
  request.payload_sha256 = kNothing;
  EXPECT_EQ(encoded_path(request), GetParam().path);
  EXPECT_EQ(encoded_query(request), GetParam().query);
  const std::string query = *GetParam().query == '?' ? GetParam().query + 1 : GetParam().query;
  EXPECT_THAT(canonical_request(request),
              HasSubstr("\n" + std::string(GetParam().path) + "\n" + query + "\nhost:"));
  // S3 demands the hash of the payload as a header, which is signed, too.
  const auto lines = sign(request, {"id", "secret", ""}, {"eu-west-1", "s3", Time{}});
  EXPECT_THAT(lines, testing::Contains("x-amz-content-sha256: " + kNothing));
  EXPECT_THAT(lines.back(), HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date,"));
}

INSTANTIATE_TEST_SUITE_P(
    Eleven, CasesOfLibcurl,
    testing::Values(Case{"PlainKey", {.path = "/data/mnist.h5"}, "/data/mnist.h5", ""},
                    Case{"UnsortedQuery",
                         {.query = {{"uploadId", "x"}, {"partNumber", "2"}}},
                         "/",
                         "?partNumber=2&uploadId=x"},
                    Case{"QueryWithoutValue", {.query = {{"uploads", ""}}}, "/", "?uploads="},
                    Case{"KeyWithEquals", {.path = "/run=7/a"}, "/run%3D7/a", ""},
                    Case{"KeyWithSpaceAndPlus", {.path = "/a b+c"}, "/a%20b%2Bc", ""},
                    Case{"KeyWithPercent", {.path = "/100%/%41"}, "/100%25/%2541", ""},
                    Case{"KeyWithQuestionMarkAndHash", {.path = "/a?b#c"}, "/a%3Fb%23c", ""},
                    Case{"KeyWithDotsAndDoubledSlash", {.path = "/a//b/../c"}, "/a//b/../c", ""},
                    Case{"KeyInUtf8", {.path = "/größe/猫"}, "/gr%C3%B6%C3%9Fe/%E7%8C%AB", ""},
                    Case{"KeyWithUnreserved", {.path = "/a-b_c.d~e"}, "/a-b_c.d~e", ""},
                    Case{"QueryWithSlashAndSpace",
                         {.query = {{"prefix", "a/b c&d"}, {"list-type", "2"}}},
                         "/",
                         "?list-type=2&prefix=a%2Fb%20c%26d"}),
    [](const auto& one) { return one.param.name; });

TEST(AwsSignature, ATemporaryKeySendsItsTokenSigned) {
  AwsRequest request;
  request.host = "h";
  request.payload_sha256 = kNothing;
  const auto lines = sign(request, {"id", "secret", "token"}, {"r", "s3", Time{}});
  EXPECT_THAT(lines, testing::Contains("x-amz-security-token: token"));
  EXPECT_THAT(lines.back(), HasSubstr(";x-amz-security-token,"));
}

TEST(AwsSignature, SpacesInHeadersAreOne) {
  AwsRequest request;
  request.host = "h";
  request.headers = {{"my-header", "  a   b  "}};
  EXPECT_THAT(canonical_request(request), HasSubstr("my-header:a b\n"));
}

}  // namespace
}  // namespace ringtrain::storage
