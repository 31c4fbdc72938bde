// SPDX-License-Identifier: Apache-2.0
#include "job/script_check.hpp"

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

void refuse_zero_byte(const std::string& text, const std::string& path, const Document& document) {
  if (text.find('\0') == std::string::npos) return;
  document.refuse(path, "holds a zero byte, which no program can be given");
}

}  // namespace

bool is_variable_name(const std::string& name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
         });
}

void check_script(const ScriptSpec& spec, const Document& document) {
  const std::string group = "script";
  const std::string target = spec.kind == ScriptSpec::Kind::module ? "module" : "file";
  refuse_zero_byte(spec.target, join_path(group, target), document);
  for (const auto& [key, text] :
       {std::pair("python", spec.python), std::pair("directory", spec.directory.string()),
        std::pair("checkpoint", spec.checkpoint)}) {
    refuse_zero_byte(text, join_path(group, key), document);
  }
  for (size_t i = 0; i < spec.args.size(); ++i) {
    refuse_zero_byte(spec.args[i], join_path(group + ".args", i), document);
  }
  if (!spec.python.empty() && !spec.is_python()) {
    document.refuse("script.python", fmt::format("is for Python scripts, whose names end in .py, "
                                                 "but file is {}: remove it",
                                                 in_quotes(spec.target)));
  }
  for (const auto& [name, value] : spec.env) {
    const std::string path = join_path(group + ".env", name);
    if (!is_variable_name(name)) document.refuse(path, kVariableNames);
    if (is_of_the_rank(name)) {
      document.refuse(path, "is set by ringtrain for each rank: remove it");
    }
    refuse_zero_byte(value, path, document);
  }
}

}  // namespace ringtrain
