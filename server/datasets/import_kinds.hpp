// SPDX-License-Identifier: Apache-2.0
// The table of sources that a server imports.
#pragma once

#include <string>
#include <vector>

namespace ringtrain::server {

struct ImportFile {
  const char* role;
  const char* text;
  bool is_required = true;
  const char* option = nullptr;  // of the command line; null: it is a word of its own
};

// An option of `ringtrain dataset import`: its key with '-' for '_' and "--" before it.
struct ImportOption {
  enum class Type { text, words, whole, number, flag };
  const char* key;
  Type type;
  const char* text;
  std::vector<std::string> allowed = {};  // empty: any
  bool is_required = false;
};

struct ImportKind {
  const char* name;
  const char* text;
  std::vector<ImportFile> files;
  std::vector<ImportOption> options;
};

const std::vector<ImportKind>& all_import_kinds();

}  // namespace ringtrain::server
