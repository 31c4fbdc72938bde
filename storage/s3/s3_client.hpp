// SPDX-License-Identifier: Apache-2.0
// Requests to S3, or to a server that speaks as it does: signed, sent again where that may help,
// and with the server's clock.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "net/http_client.hpp"
#include "storage/retry.hpp"
#include "storage/s3/aws_credentials.hpp"
#include "storage/s3/aws_signature.hpp"
#include "storage/s3/s3_settings.hpp"
#include "storage/s3/s3_url.hpp"

namespace ringtrain::storage {

struct S3Request {
  std::string method = "GET";
  S3Url object;  // without a key: the bucket
  AwsPairs query = {};
  AwsPairs headers = {};  // names in lower case
  std::string body = {};
  long data_status = 0;  // as in net::HttpRequest
};

// Thread: any number of threads, each with a connection of its own.
class S3Client {
 public:
  explicit S3Client(S3Settings settings, RetryPolicy retries = {});

  // Returns the answer of any status; on_data takes the body of a success. A request is repeated
  // as RetryPolicy says unless a part of its body went to on_data. Throws net::HttpError where
  // there is no answer.
  net::HttpResponse send(const S3Request& request, const net::OnData& on_data = {});
  // The same for a request that must succeed. Throws the error of refusal().
  net::HttpResponse perform(const S3Request& request);

  // Returns a URL by which whoever has it may do a request, of any body, for `valid`; empty where
  // there are no keys, or they are those of a role, which are fetched. Sends nothing itself.
  std::string presigned(const S3Request& request, std::chrono::seconds valid) const;

  // Returns the error for an answer that is no success: a data error that names the object, what
  // the server said, and what to do.
  Error refusal(const S3Request& request, const net::HttpResponse& response) const;

  const RetryPolicy& retries() const { return retries_; }

 private:
  net::HttpResponse send_once(const S3Request& request, const net::OnData& on_data);
  AwsRequest aws_request(const S3Request& request) const;
  std::string url_of(const AwsRequest& request) const;  // without the query
  bool correct(const net::HttpResponse& response);
  std::string advice(const std::string& code, const net::HttpResponse& response) const;

  const S3Settings settings_;
  const RetryPolicy retries_;
  net::HttpClient client_;
  AwsCredentials credentials_;
  std::atomic<int64_t> clock_skew_{0};  // seconds that the server's clock is before ours
};

}  // namespace ringtrain::storage
