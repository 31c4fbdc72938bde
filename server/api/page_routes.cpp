// SPDX-License-Identifier: Apache-2.0
// The pages: /ui/ and what it loads, and /docs, which is Swagger UI.
#include <string_view>

#include "net/embedded_file.hpp"
#include "server/api/docs_files.hpp"
#include "server/api/job_routes.hpp"
#include "server/api/web_files.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
// Swagger UI sets styles of elements.
constexpr const char* kDocsPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

net::Answer redirect(const std::string& to) {
  return {.status = 302, .headers = {{"Location", to}}};
}

net::Answer web_file(const Call& call, std::string_view name, const char* policy) {
  for (const WebFile& file : web_files()) {
    if (file.name == name) return net::embedded_file_answer(call.request, name, file.bytes, policy);
  }
  throw Problem(404, "there is no such page");
}

net::Answer page(const Call& call) {
  const auto named = call.path.find("path");
  std::string_view name = named == call.path.end() ? "" : std::string_view(named->second);
  // The addresses of pages say what they show; all lead to the one document.
  if (name.find('.') == std::string_view::npos) name = "index.html";
  return web_file(call, name, kPagePolicy);
}

net::Answer docs(const Call& call) {
  if (docs_files().empty()) return redirect("/ui/docs");
  return web_file(call, "swagger.html", kDocsPolicy);
}

net::Answer docs_file(const Call& call) {
  const std::string& name = call.path.at("file");
  for (const PackedFile& file : docs_files()) {
    if (file.name != name) continue;
    net::Answer answer = net::embedded_file_answer(call.request, name, file.bytes, kDocsPolicy);
    answer.headers.emplace_back("Content-Encoding", "gzip");
    return answer;
  }
  return web_file(call, name, kDocsPolicy);
}

}  // namespace

void add_page_routes(Routes& routes) {
  const auto add = [&](const char* path, std::function<net::Answer(const Call&)> run) {
    routes.push_back({.method = "GET",
                      .path = path,
                      .access = Access::open,
                      .run = std::move(run),
                      .style = RouteStyle::plain});
  };
  add("/", [](const Call&) { return redirect("/ui/"); });
  add("/ui", [](const Call&) { return redirect("/ui/"); });
  add("/ui/", page);
  add("/ui/{path...}", page);
  add("/docs", docs);
  add("/docs/{file}", docs_file);
}

}  // namespace ringtrain::server
