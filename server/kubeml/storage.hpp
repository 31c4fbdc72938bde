// SPDX-License-Identifier: Apache-2.0
// What users of KubeML give a server: function files and datasets, below FOLDER/kubeml.
//
//   functions/NAME.py
//   datasets/NAME/{x-train,y-train,x-test,y-test}.npy
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/multipart.hpp"

namespace ringtrain::server {

inline constexpr size_t kMaxFunctionBytes = size_t{256} << 10;

struct StoredFunction {
  std::string name;
  std::string created;  // RFC 3339: when its code was written last
};

struct StoredDataset {
  std::string name;
  // Rows as KubeML counts them: documents of 64, rounded down to hundreds.
  uint64_t train_set_size = 0;
  uint64_t test_set_size = 0;
};

// Refusals are Problems; those of datasets have an "error" for storage_problem.hpp.
// Thread: one at a time.
class KubemlStorage {
 public:
  // Makes the folders where they are missing. Throws std::filesystem::filesystem_error.
  explicit KubemlStorage(const std::filesystem::path& server_folder);

  std::vector<StoredFunction> functions() const;
  // `is_new`: the name must be free; else it must be there.
  void put_function(const std::string& name, const std::string& code, bool is_new);
  void remove_function(const std::string& name);
  // Returns its path. Throws a Problem 404.
  std::filesystem::path function_file(const std::string& name) const;

  std::vector<StoredDataset> datasets() const;
  StoredDataset dataset(const std::string& name) const;
  // Throws where no new dataset may have the name.
  void check_new_dataset(const std::string& name) const;
  // `form`: a file with the body of the request, a form with four files; `type`: its Content-Type.
  // The dataset appears whole or not at all.
  void add_dataset(const std::string& name, const std::filesystem::path& form,
                   std::string_view type);
  void remove_dataset(const std::string& name);

  // Returns the folder of all datasets.
  std::filesystem::path datasets_folder() const { return folder_ / "datasets"; }

 private:
  std::filesystem::path dataset_folder(const std::string& name) const;
  void write_dataset(const std::string& name, const std::map<std::string, net::FormFile>& files);

  std::filesystem::path folder_;
};

}  // namespace ringtrain::server
