// SPDX-License-Identifier: Apache-2.0
#include "job/validate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#include <vector>

#include "base/error.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

// A value as a person would name it.
std::string shown(const json& value) {
  if (value.is_string()) return "the text " + in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return "a group of keys";
  if (value.is_array()) return "a list";
  if (value.is_null()) return "nothing";
  return value.dump();
}

// What a schema allows, as the end of the sentence "must be ...".
std::string allowed(const json& schema) {
  if (schema.contains("enum")) {
    const auto values = schema["enum"].get<std::vector<std::string>>();
    return fmt::format("one of {}", fmt::join(values, ", "));
  }
  const std::string type = schema.value("type", "");
  if (type == "boolean") return "true or false";
  if (type == "object") return "a group of keys";
  if (type == "array") {
    std::string text = "a list";
    if (schema.contains("maxItems"))
      text += fmt::format(" of at most {}", schema["maxItems"].dump());
    if (schema.contains("items")) text += ", each " + allowed(schema["items"]);
    return text;
  }
  if (type == "string") {
    std::string text = "text";
    if (schema.contains("minLength")) text += ", not empty";
    if (schema.contains("maxLength")) {
      text += fmt::format(", at most {} characters", schema["maxLength"].dump());
    }
    if (schema.contains("pattern")) {
      text += fmt::format(", of the form {}", schema["pattern"].get_ref<const std::string&>());
    }
    return text;
  }
  std::string text = type == "integer" ? "a whole number" : "a number";
  if (schema.contains("exclusiveMinimum")) {
    text += fmt::format(" above {}", schema["exclusiveMinimum"].dump());
  } else if (schema.contains("minimum")) {
    text += fmt::format(" from {}", schema["minimum"].dump());
  }
  if (schema.contains("exclusiveMaximum")) {
    text += fmt::format(" to below {}", schema["exclusiveMaximum"].dump());
  } else if (schema.contains("maximum")) {
    text += fmt::format(" to {}", schema["maximum"].dump());
  }
  return text;
}

bool has_type(const json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return value.is_object();
}

// Whether a value of the right type fits the keywords that look at it alone, not at what is inside.
bool fits(const json& schema, const json& value) {
  if (schema.contains("enum")) {
    const json& values = schema["enum"];
    if (std::find(values.begin(), values.end(), value) == values.end()) return false;
  }
  if (value.is_number()) {
    const auto number = value.get<double>();
    if (schema.contains("minimum") && number < schema["minimum"].get<double>()) return false;
    if (schema.contains("maximum") && number > schema["maximum"].get<double>()) return false;
    if (schema.contains("exclusiveMinimum") && number <= schema["exclusiveMinimum"].get<double>()) {
      return false;
    }
    if (schema.contains("exclusiveMaximum") && number >= schema["exclusiveMaximum"].get<double>()) {
      return false;
    }
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() < schema.value("minLength", std::size_t{0})) return false;
    if (text.size() > schema.value("maxLength", text.size())) return false;
    if (schema.contains("pattern") &&
        !std::regex_search(text, std::regex(schema["pattern"].get<std::string>()))) {
      return false;
    }
  }
  if (value.is_array() && value.size() > schema.value("maxItems", value.size())) return false;
  if (schema.contains("oneOf")) {
    int matches = 0;
    for (const json& alternative : schema["oneOf"]) {
      bool all = true;
      for (const auto& key : alternative["required"]) {
        all = all && value.contains(key.get_ref<const std::string&>());
      }
      matches += all ? 1 : 0;
    }
    if (matches != 1) return false;
  }
  return true;
}

// Levenshtein's distance: single characters put in, left out or exchanged.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t exchanged = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, exchanged});
    }
  }
  return row.back();
}

// Every path of the schema whose last part is `key`: where else a misplaced key could belong.
void find_key(const json& schema, const std::string& key, const std::string& path,
              std::vector<std::string>& found) {
  if (!schema.contains("properties")) return;
  for (const auto& [name, child] : schema["properties"].items()) {
    const std::string here = join_path(path, name);
    if (name == key) found.push_back(here);
    find_key(child, key, here, found);
  }
}

std::string unknown_key(const json& root, const json& schema, const std::string& key) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 3) + 1;
  std::vector<std::string> known;
  for (const auto& [name, child] : schema["properties"].items()) {
    known.push_back(name);
    if (key.size() > 64) continue;
    const bool is_part = key.size() >= 3 && name.find(key) != std::string::npos;
    const std::size_t distance = is_part ? 1 : edit_distance(key, name);
    if (distance < best_distance && distance < name.size()) {
      best_distance = distance;
      best = name;
    }
  }
  std::vector<std::string> elsewhere;
  find_key(root, key, "", elsewhere);
  if (!elsewhere.empty()) best = fmt::format("{}", fmt::join(elsewhere, " or "));
  if (!best.empty()) return fmt::format("unknown key, did you mean {}?", best);
  if (known.empty()) return "unknown key: none is allowed here";
  return fmt::format("unknown key: allowed here are {}", fmt::join(known, ", "));
}

struct Problem {
  std::string path;
  std::string text;
};

// The first thing, in the order of the schema, that does not fit, in words made for the user.
std::optional<Problem> explain(const json& root, const json& schema, const json& value,
                               const std::string& path) {
  if (!has_type(value, schema.value("type", ""))) {
    std::string text = fmt::format("must be {}, found {}", allowed(schema), shown(value));
    if (schema.value("type", "") == "string" && value.is_primitive()) {
      text += ": put it in quotes if it is meant as text";
    }
    return Problem{path, std::move(text)};
  }
  if (value.is_object()) {
    // A group without fixed keys has one schema for whatever they are.
    if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object()) {
      for (const auto& [key, child] : value.items()) {
        const json& any = schema["additionalProperties"];
        if (auto problem = explain(root, any, child, join_path(path, key))) return problem;
      }
      return std::nullopt;
    }
    for (const auto& [key, child] : value.items()) {
      if (!schema["properties"].contains(key)) {
        return Problem{join_path(path, key), unknown_key(root, schema, key)};
      }
    }
    for (const auto& [key, child] : schema["properties"].items()) {
      if (!value.contains(key)) continue;
      if (auto problem = explain(root, child, value[key], join_path(path, key))) return problem;
    }
    if (schema.contains("required")) {
      for (const auto& required : schema["required"]) {
        const auto& key = required.get_ref<const std::string&>();
        if (value.contains(key)) continue;
        const auto& description =
            schema["properties"][key]["description"].get_ref<const std::string&>();
        return Problem{join_path(path, key), "is missing: " + description};
      }
    }
    if (!fits(schema, value)) {
      return Problem{path, fmt::format("must be: {}", schema["description"].get<std::string>())};
    }
    return std::nullopt;
  }
  if (!fits(schema, value)) {
    return Problem{path, fmt::format("must be {}, found {}", allowed(schema), shown(value))};
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (auto problem = explain(root, schema["items"], value[i], join_path(path, i))) {
        return problem;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

void validate(const Document& document, std::string_view schema_text) {
  const json root = json::parse(schema_text);
  valijson::Schema schema;
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(valijson::adapters::NlohmannJsonAdapter(root), schema);

  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  const valijson::adapters::NlohmannJsonAdapter target(document.value);
  if (validator.validate(schema, target, &results)) return;

  // valijson is the judge; its sentences name neither the value nor what is allowed, so ours stand
  // in.
  if (const auto problem = explain(root, root, document.value, "")) {
    document.refuse(problem->path, problem->text);
  }
  valijson::ValidationResults::Error error;
  document.refuse("", results.popError(error) ? error.description : "does not fit the schema");
}

}  // namespace ringtrain
