// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace ringtrain::storage {

struct S3Url {
  std::string bucket;
  std::string key;  // as it is, without percent encoding; may be empty
  std::string print() const { return "s3://" + bucket + "/" + key; }
};

// Takes s3://BUCKET/KEY apart; s3:///KEY is in the bucket of the variable `datasetsbucket`, as
// kubejob's pods have it. Throws a job error that says what is wrong with it.
S3Url parse_s3_url(std::string_view url);

}  // namespace ringtrain::storage
