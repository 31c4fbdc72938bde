// SPDX-License-Identifier: Apache-2.0
// Places that are named by a URL where a path could be. storage/ reads and writes them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ringtrain {

// Returns whether a path names something that is not on this machine: it begins with s3://, http://
// or https://, in any case of letters.
bool is_url(const std::filesystem::path& path);

// Returns the path of file:///a/b, percent-decoded; any other text as it is. Throws a job error for
// the URL of a file on another host.
std::filesystem::path without_file_scheme(const std::filesystem::path& path);

// Returns the URL without its query and its password, which may hold a signature: for messages.
std::string printable_url(std::string_view url);

// Returns the text with %XX for each byte but letters, digits and -._~ (RFC 3986, 2.3); a slash
// stays where `keep_slashes`.
std::string percent_encoded(std::string_view text, bool keep_slashes);
// Returns the text with a byte for each %XX; a % without two digits stays.
std::string percent_decoded(std::string_view text);

}  // namespace ringtrain
