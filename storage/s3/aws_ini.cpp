// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/aws_ini.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace ringtrain::storage {

AwsSections parse_aws_file(std::string_view text) {
  AwsSections sections;
  std::map<std::string, std::string>* section = nullptr;
  std::string group;  // the key whose value is on the indented lines after it
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[' && content.back() == ']') {
      section = &sections[std::string(trimmed(content.substr(1, content.size() - 2)))];
      group.clear();
      continue;
    }
    const size_t equals = content.find('=');
    if (section == nullptr || equals == std::string_view::npos) continue;
    const std::string key(trimmed(content.substr(0, equals)));
    const std::string_view value = trimmed(content.substr(equals + 1));
    const bool nested = kWhiteSpace.find(line.front()) != std::string_view::npos && !group.empty();
    if (!nested) group = value.empty() ? key : "";
    (*section)[nested ? group + "." + key : key] = value;
  }
  return sections;
}

}  // namespace ringtrain::storage
