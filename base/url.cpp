// SPDX-License-Identifier: Apache-2.0
#include "base/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.hpp"

namespace ringtrain {
namespace {

bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool is_url(const std::filesystem::path& path) {
  const std::string& text = path.native();
  return has_scheme(text, "s3://") || has_scheme(text, "https://") || has_scheme(text, "http://");
}

std::filesystem::path without_file_scheme(const std::filesystem::path& path) {
  constexpr std::string_view kScheme = "file://";
  const std::string& text = path.native();
  if (!has_scheme(text, kScheme)) return path;
  std::string_view rest = std::string_view(text).substr(kScheme.size());
  constexpr std::string_view kHere = "localhost";
  if (rest.starts_with(kHere)) rest.remove_prefix(kHere.size());
  if (!rest.starts_with('/')) {
    throw job_error(
        fmt::format("{}: a file of another host cannot be read: write file:///PATH, or the path "
                    "alone",
                    text));
  }
  return percent_decoded(rest);
}

std::string printable_url(std::string_view url) {
  if (!has_scheme(url, "http")) return std::string(url);  // a key of S3 may hold any character
  std::string text(url.substr(0, url.find('?')));
  const size_t host = text.find("://");
  const size_t path = text.find('/', host + 3);
  const size_t at = text.rfind('@', path);
  if (at != std::string::npos && at > host) text.erase(host + 3, at + 1 - (host + 3));
  return text;
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '.' ||
                                       c == '_' || c == '~' || (keep_slashes && c == '/'));
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : digit_of(text[i + 2]);
    if (low < 0) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

}  // namespace ringtrain
