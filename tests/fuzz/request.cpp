// SPDX-License-Identifier: Apache-2.0
// What a server takes from anybody: the first line is a path and a query, the rest a body of JSON.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "job/parse.hpp"
#include "net/request_path.hpp"
#include "server/api/route.hpp"
#include "server/api/seed_request.hpp"
#include "server/problem.hpp"

namespace {

// Parts of a path must stay parts: what a folder is made of later.
void check_path(const std::string& path) {
  const auto values = ringtrain::net::match_path("/jobs/{name}/files/{path...}", path);
  if (!values) return;
  const std::string& name = values->at("name");
  if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string target = text.substr(0, end);
  const std::string body = end < text.size() ? text.substr(end + 1) : "";
  const size_t mark = target.find('?');
  check_path(target.substr(0, mark));
  if (mark != std::string::npos) ringtrain::net::parse_query(target.substr(mark + 1));
  try {
    ringtrain::find_refusals(ringtrain::server::parse_json(body).dump(2));
  } catch (const ringtrain::server::Problem&) {
  }
  try {
    const auto request = ringtrain::server::parse_seed_request(body);
    // Whatever a text holds, it is no other key of the job.
    if (ringtrain::find_refusals(ringtrain::server::job_file_of(request)).empty() &&
        request.job_name.empty()) {
      std::abort();
    }
  } catch (const ringtrain::server::Problem&) {
  }
  return 0;
}
