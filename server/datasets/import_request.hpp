// SPDX-License-Identifier: Apache-2.0
// What somebody wants to have imported: the kinds of sources, the files and options of each, and
// the command line of `ringtrain dataset` that follows. A form is drawn from the same table.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/parse.hpp"

namespace ringtrain::server {

// A file of a source: from an upload, an address, or a folder of the server's machine.
struct SourceFile {
  std::string role = {};    // "train_images"
  std::string upload = {};  // its id; else empty
  std::string url = {};     // else empty
  std::string path = {};    // else empty
  std::string name = {};    // of the file, as messages show it
};

struct ImportRequest {
  std::string dataset = {};  // name of the dataset to make
  std::string kind = {};
  std::vector<SourceFile> files = {};  // in the order of the kind
  nlohmann::ordered_json options = nlohmann::ordered_json::object();
};

// Whether a source lies in object storage: s3://BUCKET/KEY.
inline bool is_s3_url(const std::string& url) { return url.starts_with("s3:"); }

struct ParsedImport {
  std::vector<Refusal> refusals = {};  // empty: the rest can be used
  ImportRequest request = {};
};

// Takes {"name", "kind", "files": {"source": {"upload": ID}}, "options": {"height": 32}} apart.
// Where files lie is not looked at.
ParsedImport parse_import(const nlohmann::ordered_json& body);

nlohmann::ordered_json to_json(const ImportRequest& request);

// Returns the words after `ringtrain` that import the files, whose paths are in their order, into
// `output`; a dataset of ringtrain's own lies at `output` already.
std::vector<std::string> import_words(const ImportRequest& request,
                                      const std::vector<std::string>& paths,
                                      const std::string& output);

// Returns the table of kinds: [{"kind", "text", "files": [{"role", "text", "required"}],
// "options": [{"key", "type", "text", "allowed"}]}].
nlohmann::ordered_json import_kinds();

}  // namespace ringtrain::server
