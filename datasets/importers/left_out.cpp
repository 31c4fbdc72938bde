// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/left_out.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/terminal/printable.hpp"
#include "base/text.hpp"
#include "datasets/importers/file_tree.hpp"

namespace ringtrain::datasets {
namespace {

// Bounds on what a strange source can make of a message.
constexpr size_t kMostKinds = 12;
constexpr size_t kMostLines = 20;
constexpr size_t kMostSuffix = 8;

constexpr std::array<std::string_view, 8> kOtherImages = {".avif", ".bmp", ".gif",  ".heic",
                                                          ".jp2",  ".tif", ".tiff", ".webp"};

constexpr std::string_view kUnused = "image";  // of val/ beside test/

// Returns the first `depth` names of a path.
std::string top(const std::string& path, size_t depth) {
  size_t end = 0;
  for (size_t i = 0; i < depth && end != std::string::npos; ++i) {
    end = path.find('/', end == 0 ? 0 : end + 1);
  }
  return path.substr(0, end);
}

}  // namespace

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string suffix_of(const std::string& path) {
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos || path.find('/', dot) != std::string::npos) return "";
  std::string suffix = path.substr(dot);
  for (char& c : suffix) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return suffix;
}

void LeftOut::add_files(const std::string& folder, const std::string& kind, uint64_t count) {
  auto& files = folders_[folder].files;
  const bool fits = files.size() < kMostKinds || files.contains(kind);
  files[fits ? kind : "other"] += count;
}

void LeftOut::add_by_name(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  // macOS leaves such files everywhere.
  if (name.starts_with("._") || name == ".DS_Store" || path.find("__MACOSX") != std::string::npos) {
    return;
  }
  const std::string suffix = suffix_of(name);
  const bool is_plain = suffix.size() > 1 && suffix.size() <= kMostSuffix;
  add_files(folder_of(path), name.starts_with('.') ? "hidden" : is_plain ? suffix : "other");
}

void LeftOut::add_folder(const std::string& path, const std::string& kind) {
  auto& folders = folders_[folder_of(path)].folders;
  if (folders.size() < kMostKinds) {
    folders.insert(fmt::format("the {} folder {}", kind, path.substr(path.rfind('/') + 1)));
  }
}

void LeftOut::add_empty(const std::string& folder) { folders_[folder].is_empty = true; }

void LeftOut::Folder::add(const Folder& other) {
  for (const auto& [kind, count] : other.files) files[kind] += count;
  folders.insert(other.folders.begin(), other.folders.end());
  is_empty = is_empty || other.is_empty;
}

std::string LeftOut::Folder::text() const {
  std::vector<std::string> parts(folders.begin(), folders.end());
  std::vector<std::string> unread;
  for (const auto& [kind, count] : files) {
    parts.push_back(fmt::format("{} {} file{}{}", count, kind, count == 1 ? "" : "s",
                                kind == kUnused ? " (test/ is the test split)" : ""));
    if (std::find(kOtherImages.begin(), kOtherImages.end(), kind) != kOtherImages.end()) {
      unread.push_back(kind);
    }
  }
  if (parts.empty()) return "has no images";
  std::string text = fmt::format("left out {}", fmt::join(parts, ", "));
  if (!unread.empty()) {
    text += fmt::format("; convert {} to JPEG or PNG", fmt::join(unread, ", "));
  }
  if (is_empty) text += "; no image is left";
  return text;
}

std::vector<std::string> LeftOut::lines(const std::string& tree, size_t depth) const {
  std::map<std::string, Folder> tops;
  for (const auto& [path, folder] : folders_) tops[top(path, depth)].add(folder);
  std::vector<std::string> result;
  for (const auto& [path, folder] : tops) {
    if (result.size() == kMostLines) {
      result.push_back(
          fmt::format("{}: and {}", tree, counted(tops.size() - kMostLines, "more folder")));
      break;
    }
    result.push_back(
        printable(fmt::format("{}{}{}: {}", tree, path.empty() ? "" : "/", path, folder.text())));
  }
  return result;
}

}  // namespace ringtrain::datasets
