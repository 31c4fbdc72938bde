// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/image_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "datasets/importers/seeded_split.hpp"

namespace ringtrain::datasets {
namespace {

bool has_image_name(const std::string& path) {
  const std::string suffix = suffix_of(path);
  // macOS adds files such as "._x.jpg" to archives.
  const std::string name = path.substr(path.rfind('/') + 1);
  return !name.starts_with('.') && path.find("__MACOSX") == std::string::npos &&
         (suffix == ".jpg" || suffix == ".jpeg" || suffix == ".png");
}

bool is_split_name(const std::string& name) {
  return name == "train" || name == "test" || name == "val" || name == "validation";
}

}  // namespace

ImageList::ImageList(const FileTree& tree, double test_share, uint64_t seed)
    : tree_name_(tree.name()) {
  const std::vector<Path> folders = list(tree);
  require_images();
  const size_t depth = depth_of_classes();
  class_path_length_ = depth + 1;
  find_splits();
  number_classes(depth);
  find_empty_classes(folders);
  place(test_share, seed, depth);
}

void ImageList::require_images() const {
  if (!images_.empty()) return;
  const auto left_out = left_out_.lines("", 0);  // one line, for the whole tree
  throw data_error(tree_name_ + ": holds no JPEG or PNG files" +
                   (left_out.empty() ? "" : left_out.front()));
}

// Returns the folders of the tree.
std::vector<ImageList::Path> ImageList::list(const FileTree& tree) {
  std::vector<Path> folders;
  const auto file = [&](const std::string& path, uint64_t number) {
    if (has_image_name(path)) {
      images_.push_back({number, components(path)});
    } else {
      left_out_.add_by_name(path);
    }
  };
  const auto other = [&](const std::string& path, FileTree::Other kind) {
    switch (kind) {
      case FileTree::Other::folder:
        folders.push_back(components(path));
        break;
      case FileTree::Other::hidden_file:
        left_out_.add_by_name(path);
        break;
      case FileTree::Other::hidden_folder:
        left_out_.add_folder(path, "hidden");
        break;
      case FileTree::Other::linked_folder:
        left_out_.add_folder(path, "linked");
        break;
    }
  };
  tree.list(file, other);
  return folders;
}

void ImageList::find_empty_classes(const std::vector<Path>& folders) {
  std::set<Path> used;
  for (const Found& image : images_) {
    const auto end = image.path.begin() + static_cast<ptrdiff_t>(class_path_length_);
    used.insert(Path(image.path.begin(), end));
  }
  for (const Path& folder : folders) {
    if (folder.size() == class_path_length_ && !used.contains(folder)) {
      left_out_.add_empty(fmt::format("{}", fmt::join(folder, "/")));
    }
  }
}

bool ImageList::contains(uint64_t number) const {
  return number < entries_.size() && entries_[number].used;
}

const ImageTarget& ImageList::at(uint64_t number, const std::string& path) const {
  if (entries_[number].path_hash != hash_of(components(path))) {
    throw data_error(tree_name_ + ": files changed while they were read");
  }
  return entries_[number].target;
}

size_t ImageList::hash_of(const Path& path) {
  return std::hash<std::string>{}(fmt::format("{}", fmt::join(path, "/")));
}

ImageList::Path ImageList::components(const std::string& path) {
  Path names;
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) names.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  return names;
}

// Skips folders that all images share; then perhaps train/ and test/; then come the classes.
size_t ImageList::depth_of_classes() {
  for (size_t depth = 0;; ++depth) {
    bool all_splits = true;
    bool same = true;
    bool files_below = false;
    for (const Found& image : images_) {
      if (image.path.size() < depth + 2) return depth;  // a file lies here
      all_splits &= is_split_name(image.path[depth]);
      same &= image.path[depth] == images_.front().path[depth];
      files_below |= image.path.size() == depth + 2;
    }
    if (all_splits) {
      split_depth_ = depth;
      return depth + 1;
    }
    // The only class is no folder around classes: files lie directly in it.
    if (!same || files_below) return depth;
  }
}

void ImageList::find_splits() {
  if (!split_depth_) return;
  std::set<std::string> names;
  for (const Found& image : images_) names.insert(image.path[*split_depth_]);
  if (!names.contains("train")) {
    throw data_error(tree_name_ + ": has a test split, but no train/");
  }
  has_test_ = names.contains("test");
  has_test_rows_ = names.size() > 1;
}

// val/ beside test/ is left out: it belongs to neither split.
std::optional<Split> ImageList::split_of(const Path& path) const {
  if (!split_depth_ || path[*split_depth_] == "train") return Split::train;
  if (has_test_ && path[*split_depth_] != "test") return std::nullopt;
  return Split::test;
}

// Classes are the folders of the training images, in the order of their names.
void ImageList::number_classes(size_t depth) {
  for (const Found& image : images_) {
    if (image.path.size() < depth + 2) {
      throw data_error(
          fmt::format("{}: {} lies in no class folder", tree_name_, fmt::join(image.path, "/")));
    }
    if (split_of(image.path) == Split::train) labels_.emplace(image.path[depth], 0);
  }
  for (auto& [name, label] : labels_) {
    label = static_cast<int64_t>(class_names_.size());
    class_names_.push_back(name);
  }
}

// Makes an image the next row of a split.
void ImageList::use(const Found& image, Split split, int64_t label) {
  Entry& entry = entries_[image.number];
  entry.used = true;
  entry.path_hash = hash_of(image.path);
  entry.target = {split, rows_[static_cast<size_t>(split)]++, label};
}

void ImageList::place(double test_share, uint64_t seed, size_t depth) {
  uint64_t last = 0;
  for (const Found& image : images_) last = std::max(last, image.number);
  entries_.resize(last + 1);
  std::optional<SeededSplit> seeded;
  if (!has_test_rows_) {
    std::vector<int64_t> labels;
    for (const Found& image : images_) labels.push_back(labels_.at(image.path[depth]));
    seeded.emplace(labels, test_share, seed, tree_name_);
  }
  uint64_t counter = 0;
  for (const Found& image : images_) {
    const std::optional<Split> split = split_of(image.path);
    if (!split) {
      left_out_.add_files(
          fmt::format("{}", fmt::join(image.path.begin(), image.path.end() - 1, "/")), "image");
      continue;
    }
    const auto label = labels_.find(image.path[depth]);
    if (label == labels_.end()) {
      throw data_error(fmt::format("{}: the test class {} has no training images", tree_name_,
                                   image.path[depth]));
    }
    use(image, seeded ? (*seeded)(counter++).split : *split, label->second);
  }
  images_.clear();
  images_.shrink_to_fit();
}

}  // namespace ringtrain::datasets
