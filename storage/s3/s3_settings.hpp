// SPDX-License-Identifier: Apache-2.0
// Where S3 is and with which keys it is used, from the environment and ~/.aws. In the order of
// precedence, each for itself:
//
//   keys      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; aws_access_key_id,
//             aws_secret_access_key (the names of boto3.client() and of kubejob's pods);
//             AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE; the profile; else none
//   endpoint  AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, endpoint_url, the profile; else AWS itself
//   region    AWS_REGION, AWS_DEFAULT_REGION, region_name, the profile; else us-east-1
//
// The profile is that of AWS_PROFILE, or `default`, in AWS_SHARED_CREDENTIALS_FILE and
// AWS_CONFIG_FILE, or ~/.aws/credentials and ~/.aws/config.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "storage/s3/aws_signature.hpp"

namespace ringtrain::storage {

// A role that is assumed with a token that Kubernetes keeps in a file.
struct WebIdentity {
  std::string role;
  std::string token_file;
  std::string session_name;
  std::string endpoint;  // of STS
};

struct S3Settings {
  std::string endpoint;  // https://HOST[:PORT]; empty: AWS itself
  std::string region = "us-east-1";
  bool path_style = false;  // the bucket is a part of the path, not of the host's name
  std::optional<AwsKeys> keys;
  std::optional<WebIdentity> web_identity;  // where there are no keys
  std::string keys_from;                    // their origin, for messages
  std::string authorities;                  // PEM that a server is trusted by; empty: the system's
};

// Returns a variable of the environment; empty where it is not set.
using Variables = std::function<std::string(const std::string& name)>;
std::string environment_variable(const std::string& name);

// Throws a job error that names the variable, or the file and the profile.
S3Settings read_s3_settings(const Variables& variable = environment_variable);

}  // namespace ringtrain::storage
