// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ringtrain::datasets {

// Files and folders that an import of images leaves out, counted by class folder and kind. Paths
// are those of a FileTree.
class LeftOut {
 public:
  // Adds files of a folder. kind: ".bmp", "hidden", "broken", "image" (of val/ beside test/).
  void add_files(const std::string& folder, const std::string& kind, uint64_t count = 1);
  // Adds a file that is no JPEG or PNG by its name.
  void add_by_name(const std::string& path);
  // Adds a folder that is not entered. kind: "hidden", "linked".
  void add_folder(const std::string& path, const std::string& kind);
  // Adds a class folder without an image.
  void add_empty(const std::string& folder);

  // Returns a line for each folder of at most `depth` names, with what lies below it, such as
  // "flowers/rose: left out 12 .bmp files, 1 hidden file; convert .bmp to JPEG or PNG; no image is
  // left". At most 20, and one that counts the rest. tree: the source's name.
  std::vector<std::string> lines(const std::string& tree, size_t depth) const;

 private:
  struct Folder {
    std::map<std::string, uint64_t> files;  // by kind
    std::set<std::string> folders;          // "hidden folder x"
    bool is_empty = false;
    void add(const Folder& other);
    std::string text() const;
  };
  std::map<std::string, Folder> folders_;
};

// Returns the path of the folder that holds a file or folder of a tree; empty for the tree itself.
std::string folder_of(const std::string& path);

// Returns the file's suffix in small letters, with its dot; empty if it has none.
std::string suffix_of(const std::string& path);

}  // namespace ringtrain::datasets
