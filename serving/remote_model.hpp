// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace ringtrain::serving {

// The model of a job whose output is at s3://BUCKET/FOLDER, or one model file by its URL, as a
// folder in TMPDIR that is removed with its owner. Keys and endpoint of S3 are the environment's
// (storage/s3/s3_settings.hpp).
class RemoteModel {
 public:
  // Downloads model.pt, else model.safetensors, and from a bucket its evaluation.json where there
  // is one. Throws a data error that names the URL.
  explicit RemoteModel(const std::string& url);
  RemoteModel(const RemoteModel&) = delete;
  RemoteModel& operator=(const RemoteModel&) = delete;
  ~RemoteModel();

  const std::filesystem::path& file() const { return file_; }

  // Returns an error's message with the URL where it names the copy.
  std::string with_url(std::string message) const;

 private:
  void download(const std::string& url);

  std::string place_;  // URL of the folder
  std::filesystem::path folder_;
  std::filesystem::path file_;
};

}  // namespace ringtrain::serving
