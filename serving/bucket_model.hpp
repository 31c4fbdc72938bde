// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain::serving {

// The model of a job whose output is at s3://BUCKET/FOLDER, or one file of it, as a folder in
// TMPDIR; removed with its owner. Keys and endpoint are the environment's
// (storage/s3/s3_settings.hpp).
class BucketModel {
 public:
  // Downloads model.pt, else model.safetensors, and evaluation.json where it is there. Throws a
  // data error that names the URL.
  explicit BucketModel(const std::string& url);
  BucketModel(const BucketModel&) = delete;
  BucketModel& operator=(const BucketModel&) = delete;
  ~BucketModel();

  const std::filesystem::path& model() const { return model_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path model_;
};

}  // namespace ringtrain::serving
