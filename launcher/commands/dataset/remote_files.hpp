// SPDX-License-Identifier: Apache-2.0
// Sources and destinations of an import that are at URLs: they come and go by a folder of this
// machine, in TMPDIR or /tmp.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/temporary_folder.hpp"
#include "storage/storage.hpp"

namespace ringtrain::launcher {

class RemoteFiles {
 public:
  // Returns a source's path here: after a download, where it is a URL. Throws a data error, or a
  // job error for a URL that names no file.
  std::string fetch(const std::string& source);

  // Throws a job error if there is an object, unless `force`. Requires: a URL.
  void refuse_to_replace(const std::string& url, bool force);
  // Returns the path of a new file that is to go to a URL.
  std::string path_for(const std::string& url);
  // Sends it there, under the name that it has when all of it is there.
  void send(const std::string& path, const std::string& url);

 private:
  const std::filesystem::path& folder();

  storage::Storage storage_;
  std::optional<TemporaryFolder> folder_;
  int files_ = 0;
};

}  // namespace ringtrain::launcher
