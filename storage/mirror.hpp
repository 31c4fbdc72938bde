// SPDX-License-Identifier: Apache-2.0
// The output of a job at a URL: a folder of this machine whose files go to a bucket as they are
// written. The process `ringtrain mirror` does it, beside rank 0.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/file_descriptor.hpp"
#include "storage/storage.hpp"

namespace ringtrain::storage {

// Sends history.jsonl, the model's files, trace.json, result.json, and the checkpoints. A
// checkpoint counts once its manifest is there, which goes up last and is removed first, so that
// a reader finds it whole or not at all. A name beside them, `.ringtrain`, says which folder was
// the last to write.
class Mirror {
 public:
  // url: s3://BUCKET/PREFIX
  Mirror(Storage& storage, std::string url, std::filesystem::path folder);

  // Makes the folder a copy of what is at the URL, unless it was the last to write there: then it
  // is what is newest. Waits for another process that mirrors the folder. Throws a data error, also
  // where nothing can be written to the URL.
  void begin();

  // Sends what has changed since the last call, and removes at the URL the checkpoints that are no
  // longer in the folder. Throws a data error; the next call tries again.
  void send();

 private:
  void find_whole();
  void fetch_all(const std::set<std::string>& names);
  void send_file(const std::string& name);
  void send_history();
  void send_checkpoint(const std::string& checkpoint);
  void remove_old_checkpoints(const std::set<std::string>& present);
  void remove(const std::string& name);
  std::string url_of(const std::string& name) const { return url_ + "/" + name; }

  Storage& storage_;
  const std::string url_;
  const std::filesystem::path folder_;
  FileDescriptor lock_;
  std::set<std::string> remote_;             // names at the URL
  std::map<std::string, std::string> sent_;  // what was sent of each file: its size and time
  std::set<std::string> whole_;              // checkpoints that were sent
};

// The process `ringtrain mirror URL FOLDER`: begins, writes a line to `output`, empty or the reason
// why it cannot; sends until `input` ends; then writes a second line alike. Returns an exit code.
int run_mirror(const std::string& url, const std::filesystem::path& folder, int input, int output);

}  // namespace ringtrain::storage
