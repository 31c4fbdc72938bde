// SPDX-License-Identifier: Apache-2.0
// The little of XML that answers of S3 and STS need: texts of elements, by their name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::storage {

// Returns what lies between <name ...> and </name>, for each such element outside another of the
// same name, in their order.
std::vector<std::string_view> xml_elements(std::string_view xml, std::string_view name);

// Returns the text of the first such element, with its entities replaced; empty where there is
// none.
std::string xml_text(std::string_view xml, std::string_view name);

// Returns the text with entities for what XML gives a meaning.
std::string xml_escaped(std::string_view text);

}  // namespace ringtrain::storage
