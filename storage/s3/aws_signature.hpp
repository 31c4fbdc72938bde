// SPDX-License-Identifier: Apache-2.0
// Signature Version 4 of AWS, which every server that speaks S3 checks. Source: AWS, "Create a
// signed AWS API request", and "Authenticating Requests (AWS Signature Version 4)" of the API
// reference of S3.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::storage {

struct AwsKeys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary keys; else empty
};

using AwsPairs = std::vector<std::pair<std::string, std::string>>;

// Everything that is signed. Nothing is percent-encoded yet.
struct AwsRequest {
  std::string method = "GET";
  std::string host = {};   // with the port, unless that is the scheme's own
  std::string path = "/";  // of S3: neither normalised nor encoded twice
  AwsPairs query = {};
  AwsPairs headers = {};            // names in lower case; beside host and those of the signature
  std::string payload_sha256 = {};  // hexadecimal
};

struct AwsScope {
  std::string region;
  std::string service = "s3";
  Time time = {};
};

// The path and the query of a request as both the URL and the signature have them; the query is
// empty or begins with '?'.
std::string encoded_path(const AwsRequest& request);
std::string encoded_query(const AwsRequest& request);

// Returns the text whose hash is signed, for a request with all its headers.
std::string canonical_request(const AwsRequest& request);

// Returns the query of a URL by which whoever has it may do this request, with any body, for
// `valid`: '?' and the request's own query with the signature. The only header that it takes is
// the host's. Source: AWS, "Authenticating Requests: Using Query Parameters".
std::string presigned_query(AwsRequest request, const AwsKeys& keys, const AwsScope& scope,
                            std::chrono::seconds valid);

// Returns the lines of all headers to send but host: those of the request, the time, the payload's
// hash and the signature.
std::vector<std::string> sign(AwsRequest request, const AwsKeys& keys, const AwsScope& scope);

}  // namespace ringtrain::storage
