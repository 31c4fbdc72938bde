// SPDX-License-Identifier: Apache-2.0
#include "server/datasets/import_request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "server/datasets/import_kinds.hpp"
#include "server/jobs/submission.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;
using Type = ImportOption::Type;

constexpr const char* kPlaces =
    R"({"upload": ID}, {"url": "https://..."}, {"url": "s3://BUCKET/KEY"} or {"path": "..."})";

const ImportKind* find_kind(const std::string& name) {
  for (const ImportKind& kind : all_import_kinds()) {
    if (name == kind.name) return &kind;
  }
  return nullptr;
}

std::string kind_names() {
  std::vector<std::string> names;
  for (const ImportKind& kind : all_import_kinds()) names.emplace_back(kind.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const char* type_name(Type type) {
  switch (type) {
    case Type::text:
      return "string";
    case Type::words:
      return "array";
    case Type::whole:
      return "integer";
    case Type::number:
      return "number";
    case Type::flag:
      return "boolean";
  }
  return "";
}

bool is_word(const ordered_json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && text.size() <= 1000 &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

bool has_type(const ordered_json& value, Type type) {
  switch (type) {
    case Type::text:
      return is_word(value);
    case Type::words:
      return value.is_array() && !value.empty() &&
             std::all_of(value.begin(), value.end(), [](const ordered_json& one) {
               return is_word(one) &&
                      one.get_ref<const std::string&>().find(',') == std::string::npos;
             });
    case Type::whole:
      return value.is_number_unsigned();
    case Type::number:
      return value.is_number();
    case Type::flag:
      return value.is_boolean();
  }
  return false;
}

// Takes a request apart, and collects all that is wrong.
class Parser {
 public:
  explicit Parser(const ordered_json& body) : body_(body) {}

  ParsedImport parse() {
    check_keys(body_, "", {"name", "kind", "files", "options"});
    parsed_.request.dataset = text_at(body_, "name");
    if (!is_job_name(parsed_.request.dataset)) {
      refuse("name",
             "must be lower-case letters, digits and '-', at most 63, with a letter or "
             "digit at both ends");
    }
    parsed_.request.kind = text_at(body_, "kind");
    kind_ = find_kind(parsed_.request.kind);
    if (kind_ == nullptr) {
      refuse("kind", "must be one of " + kind_names(), kind_names());
      return std::move(parsed_);
    }
    parse_files();
    parse_options();
    return std::move(parsed_);
  }

 private:
  void refuse(const std::string& path, const std::string& message,
              const std::string& allowed = "") {
    parsed_.refusals.push_back({path, 0, message, allowed});
  }

  static std::string text_at(const ordered_json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  }

  void check_keys(const ordered_json& object, const std::string& before,
                  const std::set<std::string>& known) {
    for (const auto& [key, value] : object.items()) {
      if (known.contains(key)) continue;
      refuse(before + key.substr(0, 60),
             fmt::format("is not known here: {}", fmt::join(known, ", ")),
             fmt::format("{}", fmt::join(known, ", ")));
    }
  }

  void parse_files() {
    const ordered_json files = body_.value("files", ordered_json::object());
    if (!files.is_object()) return refuse("files", "must be an object of roles");
    std::set<std::string> roles;
    for (const ImportFile& file : kind_->files) roles.insert(file.role);
    check_keys(files, "files.", roles);
    for (const ImportFile& file : kind_->files) {
      const std::string path = std::string("files.") + file.role;
      const auto found = files.find(file.role);
      if (found == files.end()) {
        if (file.is_required) {
          refuse(path, fmt::format("is missing: {}", file.text), kPlaces);
        }
        continue;
      }
      parse_file(file.role, path, *found);
    }
  }

  void parse_file(const std::string& role, const std::string& path, const ordered_json& json) {
    SourceFile file{.role = role};
    if (json.is_object() && json.size() == 1) {
      file.upload = text_at(json, "upload");
      file.url = text_at(json, "url");
      file.path = text_at(json, "path");
    }
    if (file.upload.empty() && file.url.empty() && file.path.empty()) {
      return refuse(path, std::string("must be one of ") + kPlaces, kPlaces);
    }
    const std::string& place = file.url.empty() ? file.path : file.url;
    // A key of a bucket may hold every character.
    const size_t end = is_s3_url(file.url) ? std::string::npos : place.find_first_of("?#");
    file.name = safe_file_name(std::string_view(place).substr(0, end));
    parsed_.request.files.push_back(std::move(file));
  }

  void parse_options() {
    const ordered_json options = body_.value("options", ordered_json::object());
    if (!options.is_object()) return refuse("options", "must be an object");
    std::set<std::string> keys;
    for (const ImportOption& option : kind_->options) keys.insert(option.key);
    check_keys(options, "options.", keys);
    for (const ImportOption& option : kind_->options) {
      const std::string path = std::string("options.") + option.key;
      const auto found = options.find(option.key);
      if (found == options.end() || found->is_null()) {
        if (option.is_required) refuse(path, fmt::format("is missing: {}", option.text));
        continue;
      }
      if (!has_type(*found, option.type)) {
        refuse(path, fmt::format("must be {}: {}", type_name(option.type), option.text));
      } else if (!option.allowed.empty() &&
                 std::find(option.allowed.begin(), option.allowed.end(),
                           found->get<std::string>()) == option.allowed.end()) {
        const std::string allowed = fmt::format("{}", fmt::join(option.allowed, ", "));
        refuse(path, "must be one of " + allowed, allowed);
      } else {
        parsed_.request.options[option.key] = *found;
      }
    }
  }

  const ordered_json& body_;
  const ImportKind* kind_ = nullptr;
  ParsedImport parsed_;
};

// "--class-names=a,b": one word, so that no value is taken for another option.
std::string option_word(const std::string& key, const ordered_json& value) {
  std::string word = "--" + key;
  std::replace(word.begin(), word.end(), '_', '-');
  if (value.is_boolean()) return word;
  if (value.is_array()) {
    std::vector<std::string> all = value.get<std::vector<std::string>>();
    return fmt::format("{}={}", word, fmt::join(all, ","));
  }
  return fmt::format("{}={}", word, value.is_string() ? value.get<std::string>() : value.dump());
}

}  // namespace

ParsedImport parse_import(const ordered_json& body) { return Parser(body).parse(); }

ordered_json to_json(const ImportRequest& request) {
  ordered_json files = ordered_json::object();
  for (const SourceFile& file : request.files) {
    files[file.role] = !file.upload.empty() ? ordered_json{{"upload", file.upload}}
                       : !file.url.empty()  ? ordered_json{{"url", file.url}}
                                            : ordered_json{{"path", file.path}};
  }
  return {{"name", request.dataset},
          {"kind", request.kind},
          {"files", files},
          {"options", request.options}};
}

std::vector<std::string> import_words(const ImportRequest& request,
                                      const std::vector<std::string>& paths,
                                      const std::string& output) {
  const ImportKind* const kind = find_kind(request.kind);
  if (request.kind == "ringtrain") return {"dataset", "verify", output};
  std::vector<std::string> words = {"dataset", "import", request.kind};
  std::vector<std::string> plain;
  for (size_t i = 0; i < request.files.size(); ++i) {
    const auto role =
        std::find_if(kind->files.begin(), kind->files.end(),
                     [&](const ImportFile& one) { return request.files[i].role == one.role; });
    if (role->option != nullptr) {
      words.push_back(fmt::format("{}={}", role->option, paths.at(i)));
    } else {
      plain.push_back(paths.at(i));
    }
  }
  for (const auto& [key, value] : request.options.items()) {
    if (value != false) words.push_back(option_word(key, value));
  }
  words.push_back("--output=" + output);
  words.insert(words.end(), plain.begin(), plain.end());
  return words;
}

ordered_json import_kinds() {
  ordered_json kinds = ordered_json::array();
  for (const ImportKind& kind : all_import_kinds()) {
    ordered_json files = ordered_json::array();
    for (const ImportFile& file : kind.files) {
      files.push_back({{"role", file.role}, {"text", file.text}, {"required", file.is_required}});
    }
    ordered_json options = ordered_json::array();
    for (const ImportOption& option : kind.options) {
      options.push_back({{"key", option.key},
                         {"type", type_name(option.type)},
                         {"text", option.text},
                         {"allowed", option.allowed},
                         {"required", option.is_required}});
    }
    kinds.push_back(
        {{"kind", kind.name}, {"text", kind.text}, {"files", files}, {"options", options}});
  }
  return kinds;
}

}  // namespace ringtrain::server
