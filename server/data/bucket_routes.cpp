// SPDX-License-Identifier: Apache-2.0
// Uploads to a bucket of the server, whose bytes do not pass the server.
#include <string>

#include "server/data/data_routes.hpp"
#include "server/datasets/buckets.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

std::string text_at(const ordered_json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end() || !found->is_string() || found->get<std::string>().empty()) {
    throw Problem(422, std::string(key) + ": must be a text");
  }
  return found->get<std::string>();
}

uint64_t bytes_at(const ordered_json& body) {
  const auto found = body.find("bytes");
  if (found == body.end() || !found->is_number_unsigned()) {
    throw Problem(422, "bytes: must be the whole number of bytes of the file");
  }
  return found->get<uint64_t>();
}

net::Answer begin(const BucketUploads& uploads, const Call& call) {
  const ordered_json body = call.json_body();
  const auto begun = uploads.begin(text_at(body, "file"), bytes_at(body));
  return json_answer({{"url", begun.url}, {"begin", begun.begin}}, 201);
}

net::Answer parts(const BucketUploads& uploads, const Call& call) {
  const ordered_json body = call.json_body();
  const auto made = uploads.parts(text_at(body, "url"), text_at(body, "upload_id"), bytes_at(body));
  ordered_json list = ordered_json::array();
  for (const PartUrl& part : made.parts) {
    list.push_back({{"number", part.number}, {"bytes", part.bytes}, {"url", part.url}});
  }
  return json_answer({{"parts", list}, {"finish", made.finish}, {"abort", made.abort}});
}

}  // namespace

void add_bucket_routes(Routes& routes, const BucketUploads& uploads) {
  routes.push_back(
      {.method = "POST",
       .path = "/api/v1/bucket-uploads",
       .operation = "beginBucketUpload",
       .summary = "Begin an upload of {file, bytes} to the server's bucket, past the server: POST "
                  "nothing to `begin`, and its answer has the UploadId",
       .access = Access::submit,
       .body = "BucketUpload",
       .answer = "url, begin",
       .success = 201,
       .run = [&uploads](const Call& call) { return begin(uploads, call); }});
  routes.push_back(
      {.method = "POST",
       .path = "/api/v1/bucket-uploads/parts",
       .operation = "signBucketParts",
       .summary = "Sign the parts of {url, upload_id, bytes}: PUT each, then POST their ETags to "
                  "`finish`; the dataset is imported from `url`",
       .access = Access::submit,
       .body = "BucketParts",
       .answer = "parts, finish, abort",
       .run = [&uploads](const Call& call) { return parts(uploads, call); }});
}

}  // namespace ringtrain::server
