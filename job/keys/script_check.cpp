// SPDX-License-Identifier: Apache-2.0
#include "job/keys/script_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace ringtrain {
namespace {

// Variables that say which rank a process is: a value for all ranks would be wrong.
bool is_of_the_rank(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "RANK",       "LOCAL_RANK",       "WORLD_SIZE",  "LOCAL_WORLD_SIZE",
      "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK",   "ROLE_WORLD_SIZE",
      "ROLE_NAME",  "MASTER_ADDR",      "MASTER_PORT", "RINGTRAIN_OUTPUT"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.starts_with("TORCHELASTIC_") || name.starts_with("OMPI_");
}

}  // namespace

bool is_variable_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
         });
}

void check_script(const ScriptSpec& spec, const Document& document) {
  if (!spec.python.empty() && !spec.is_python()) {
    document.refuse("script.python", fmt::format("is for Python scripts, whose names end in .py, "
                                                 "but file is {}: remove it",
                                                 in_quotes(spec.target)));
  }
  for (const auto& [name, value] : spec.env) {
    const std::string path = join_path("script.env", name);
    if (!is_variable_name(name)) document.refuse(path, kVariableNames);
    if (is_of_the_rank(name)) {
      document.refuse(path, "is set by ringtrain for each rank: remove it");
    }
  }
}

}  // namespace ringtrain
