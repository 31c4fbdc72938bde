// SPDX-License-Identifier: Apache-2.0
#include "storage/s3/xml_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace ringtrain::storage {
namespace {

constexpr std::pair<std::string_view, char> kEntities[] = {
    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

void append_utf8(std::string& text, uint32_t code) {
  const auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
  }
  add(0x80 | (code & 0x3f));
}

// Takes the entity at the start of the text, and appends what it stands for. Returns false for a &
// that is none.
bool take_entity(std::string_view& text, std::string& to) {
  for (const auto& [entity, character] : kEntities) {
    if (!text.starts_with(entity)) continue;
    to += character;
    text.remove_prefix(entity.size());
    return true;
  }
  const size_t end = text.find(';');
  if (!text.starts_with("&#") || end == std::string_view::npos) return false;
  const bool hexadecimal = text.size() > 2 && text[2] == 'x';
  const char* const last = text.data() + end;
  uint32_t code = 0;
  const auto [stop, error] =
      std::from_chars(text.data() + (hexadecimal ? 3 : 2), last, code, hexadecimal ? 16 : 10);
  if (error != std::errc() || stop != last || code > 0x10ffff) return false;
  append_utf8(to, code);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::vector<std::string_view> xml_elements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> found;
  const std::string open = fmt::format("<{}", name);
  const std::string close = fmt::format("</{}>", name);
  for (size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
    at += open.size();
    if (at >= xml.size() || (xml[at] != '>' && xml[at] != ' ')) continue;  // a longer name, or <x/>
    const size_t start = xml.find('>', at);
    const size_t end = xml.find(close, at);
    if (start == std::string_view::npos || end == std::string_view::npos || start > end) break;
    found.push_back(xml.substr(start + 1, end - start - 1));
    at = end + close.size();
  }
  return found;
}

std::string xml_text(std::string_view xml, std::string_view name) {
  const auto found = xml_elements(xml, name);
  if (found.empty()) return "";
  std::string_view rest = found.front();
  std::string text;
  while (!rest.empty()) {
    if (rest.front() == '&' && take_entity(rest, text)) continue;
    text += rest.front();
    rest.remove_prefix(1);
  }
  return text;
}

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    std::string_view as(&c, 1);
    for (const auto& [entity, character] : kEntities) {
      if (c == character) as = entity;
    }
    escaped += as;
  }
  return escaped;
}

}  // namespace ringtrain::storage
