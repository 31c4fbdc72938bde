// SPDX-License-Identifier: Apache-2.0
#include "job/keys/reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "job/document.hpp"
#include "job/keys/key.hpp"
#include "job/keys/key_text.hpp"

namespace ringtrain {
namespace {

constexpr size_t kColumns = 120;

constexpr std::string_view kIntroduction =
    R"(<!-- Printed by `ringtrain schema --markdown` from the keys' descriptions in job/keys. -->
# The job file

{}

{}
)";

constexpr std::string_view kLegend =
    "A key in bold must be there, unless the job has `script`: of the keys below, {} have an "
    "effect then. The last column is the effect of a changed value on a job that resumes from a "
    "checkpoint: *free* changes nothing that was learned, *logged* continues training "
    "differently, *fixed* is refused. `ringtrain schema` prints the same as a JSON Schema; "
    "`ringtrain validate` checks a file, and the dataset, model, script and output that it names.";

// Returns a text for a cell of a table. Between backquotes only the bar ends a cell.
std::string cell(std::string_view text) {
  std::string escaped;
  bool is_code = false;
  for (const char c : text) {
    if (c == '`') is_code = !is_code;
    if (c == '|' || (c == '*' && !is_code)) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string_view resume_cell(std::string_view path) {
  switch (on_resume(path)) {
    case OnResume::reported:
      return "logged";
    case OnResume::silent:
      return "free";
    case OnResume::fixed:
      return "fixed";
  }
  return "";
}

// Returns the group whose keys a key leads to; null where it leads to a value.
const Key* group_of(const Key& key) {
  if (key.type == Key::Type::group) return &key;
  if (key.type == Key::Type::list && key.element.front().type == Key::Type::group) {
    return &key.element.front();
  }
  return nullptr;
}

std::string row(const Key& key, const std::string& path) {
  const std::string name = key.rules.required ? "**" + key.name + "**" : "`" + key.name + "`";
  const std::string initial =
      key.default_value.is_null() ? "" : fmt::format("`{}`", key.default_value.dump());
  return fmt::format("| {} | {} | {} | {} | {} |\n", name, cell(key.text), cell(allowed(key)),
                     initial, resume_cell(path));
}

void add_group(const Key& group, const std::string& path, std::string& page) {
  page += "\n| key | meaning | value | default | on resume |\n|---|---|---|---|---|\n";
  for (const Key& key : group.keys) page += row(key, join_path(path, key.name));
  for (const Key& key : group.keys) {
    const Key* const inner = group_of(key);
    if (inner == nullptr) continue;
    const std::string here = join_path(path, key.name);
    page += fmt::format("\n## {}\n\n{}\n", here, wrapped(inner->text, kColumns));
    add_group(*inner, here, page);
  }
}

// Returns "`name`, `output` and `script`": the keys of a job that runs a script.
std::string keys_beside_script() {
  std::vector<std::string> names;
  for (const Key& key : job_keys().keys) {
    if (key.rules.not_beside.empty()) names.push_back("`" + key.name + "`");
  }
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

}  // namespace

std::string job_reference() {
  const std::string legend = fmt::format(fmt::runtime(kLegend), keys_beside_script());
  std::string page = fmt::format(fmt::runtime(kIntroduction), wrapped(job_keys().text, kColumns),
                                 wrapped(legend, kColumns));
  add_group(job_keys(), "", page);
  return page;
}

}  // namespace ringtrain
