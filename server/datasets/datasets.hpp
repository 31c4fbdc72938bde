// SPDX-License-Identifier: Apache-2.0
// The datasets of a server. Each is a folder, which is the truth about it:
//
//   datasets/NAME/dataset.json   its source, who made it, its SHA-256, and what is in it
//   datasets/NAME/data.h5        the dataset
//   datasets/NAME/sheet.png      samples of it; of a table rows.txt
//
// A folder appears whole or not at all, and the list is made of the folders alone.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ringtrain::server {

// Thread: one at a time.
class Datasets {
 public:
  explicit Datasets(std::filesystem::path folder);

  // Throw a Problem 404 where there is no such dataset.
  nlohmann::ordered_json get(const std::string& name);
  std::filesystem::path folder(const std::string& name) const;

  // Each as dataset.json has it, by name.
  std::vector<nlohmann::ordered_json> list();
  bool exists(const std::string& name) const;
  // Makes a folder that is complete the dataset NAME. Throws a Problem 409 where there is one.
  void adopt(const std::filesystem::path& complete, const std::string& name);
  void remove(const std::string& name);

 private:
  void refresh();

  const std::filesystem::path folder_;
  std::map<std::string, nlohmann::ordered_json> known_;
  std::filesystem::file_time_type read_at_ = std::filesystem::file_time_type::min();
};

// Returns the file of a dataset in a server's folder DIR/datasets; empty where there is none of
// this name.
std::filesystem::path find_stored_dataset(const std::filesystem::path& datasets,
                                          const std::string& name);

}  // namespace ringtrain::server
