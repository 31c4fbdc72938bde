// SPDX-License-Identifier: Apache-2.0
// What of object storage a server's owner lets others use: --bucket s3://BUCKET[/FOLDER]. The keys
// are those of the server's own environment, which nobody else sees.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/operations/background.hpp"

namespace ringtrain::server {

// Returns --bucket as limits have it, with a slash at its end. Throws a job error.
std::string bucket_of_option(const std::string& url);

// Returns why a URL s3://BUCKET/KEY may not be used; empty: it may.
std::string refusal_of_bucket_url(const std::string& url, const std::vector<std::string>& buckets);

// Downloads an object, which appears whole or not at all. Gives up where `state` is cancelled.
// Requires: refusal_of_bucket_url() finds nothing. May run on any thread. Throws a data error.
void fetch_object(const std::string& url, const std::filesystem::path& file, uint64_t max_bytes,
                  BackgroundState& state);

// A part of a file on its way to a bucket.
struct PartUrl {
  int number = 0;  // from 1
  uint64_t bytes = 0;
  std::string url = {};  // to PUT to; the answer's ETag is asked for at the end
};

// Uploads to the first bucket that pass by this server: it signs URLs, and the sender's bytes go to
// the bucket itself, as a multipart upload (AWS, "Uploading and copying objects using multipart
// upload"). The server keeps nothing of them.
class BucketUploads {
 public:
  // Throws a job error where the environment's settings of S3 cannot be used.
  explicit BucketUploads(const std::vector<std::string>& buckets);
  ~BucketUploads();

  struct Begun {
    std::string url = {};    // s3://BUCKET/FOLDER/uploads/ID/NAME, what it will be
    std::string begin = {};  // to POST nothing to: its answer has the UploadId
  };
  struct Parts {
    std::vector<PartUrl> parts = {};
    std::string finish = {};  // to POST <CompleteMultipartUpload> to
    std::string abort = {};   // to DELETE
  };

  // Both sign and send nothing. Throw a Problem: 409 where the server has no bucket or no keys of
  // its own, 413 for more than S3 takes, 422 for a URL that begin() has not made.
  Begun begin(const std::string& file, uint64_t bytes) const;
  Parts parts(const std::string& url, const std::string& upload_id, uint64_t bytes) const;

 private:
  struct Signer;
  void check_bytes(uint64_t bytes) const;

  const std::string folder_;  // s3://BUCKET/FOLDER/uploads/
  std::unique_ptr<Signer> signer_;
};

}  // namespace ringtrain::server
