// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/file_descriptor.hpp"

namespace ringtrain::storage {

// Returns the folder of this machine in which a job works whose output is at a URL: that of
// RINGTRAIN_OUTPUT_FOLDER in the environment; else in the cache of downloads, with a name of its
// own for each URL.
std::filesystem::path local_output(const std::string& url);

// The process that sends a folder's files to a URL while they are written: storage/mirror.hpp.
class OutputMirror {
 public:
  // Returns once the folder holds what is at the URL. Throws a data error where that cannot be
  // read, or nothing be written there.
  OutputMirror(const std::string& url, const std::filesystem::path& folder);
  // Lets the process send what is left, and waits for nothing.
  ~OutputMirror() = default;
  OutputMirror(const OutputMirror&) = delete;
  OutputMirror& operator=(const OutputMirror&) = delete;

  // Blocks until all files of the folder are at the URL. Throws a data error.
  void finish();

 private:
  std::string read_line() const;

  const std::string url_;
  FileDescriptor input_;   // of the process; its end is the end of the job
  FileDescriptor output_;  // of the process
};

}  // namespace ringtrain::storage
