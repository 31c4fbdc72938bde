// SPDX-License-Identifier: Apache-2.0
// The files ~/.aws/config and ~/.aws/credentials.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ringtrain::storage {

// Values by the name of their section, then of their key. A key of a nested group has its name in
// front: "s3.addressing_style".
using AwsSections = std::map<std::string, std::map<std::string, std::string>>;

// Lines that are neither a section nor a key are passed over, as AWS's own tools do.
AwsSections parse_aws_file(std::string_view text);

}  // namespace ringtrain::storage
