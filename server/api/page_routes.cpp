// SPDX-License-Identifier: Apache-2.0
// The pages: /ui/ and what it loads, and /docs, which is Swagger UI.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/embedded_file.hpp"
#include "net/sha256.hpp"
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

const net::EmbeddedFile* find_file(std::span<const net::EmbeddedFile> files,
                                   std::string_view name) {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const net::EmbeddedFile& one) { return one.name == name; });
  return found == files.end() ? nullptr : &*found;
}

net::Answer web_file(const Call& call, std::string_view name, const char* policy) {
  const net::EmbeddedFile* const file = find_file(web_files(), name);
  if (file == nullptr) throw Problem(404, "there is no such page");
  return net::embedded_file_answer(call.request, *file, policy);
}

// A folder whose name changes with any of the files: a browser keeps them for ever.
std::string folder_of_files() {
  std::string all;
  for (const net::EmbeddedFile& file : web_files()) all += file.bytes;
  return "files-" + net::sha256(all).substr(0, 16);
}

class Pages {
 public:
  Pages() : folder_(folder_of_files()), document_(find_file(web_files(), "index.html")->bytes) {
    constexpr std::string_view kInDocument = "/ui/files/";
    for (size_t at = 0; (at = document_.find(kInDocument, at)) != std::string::npos;) {
      document_.replace(at, kInDocument.size(), "/ui/" + folder_ + "/");
    }
  }

  // Files, and addresses of pages, which say what they show: all lead to the one document.
  net::Answer answer(const Call& call) const {
    const auto named = call.path.find("path");
    std::string_view name = named == call.path.end() ? "" : std::string_view(named->second);
    if (name.find('.') == std::string_view::npos) {
      return net::embedded_file_answer(call.request, {"index.html", document_, {}}, kPagePolicy);
    }
    // A tab that was opened before the server changed asks for its files by their folder of then.
    const size_t slash = name.starts_with("files-") ? name.find('/') : std::string_view::npos;
    const std::string_view folder = slash == std::string_view::npos ? "" : name.substr(0, slash);
    if (!folder.empty()) name.remove_prefix(slash + 1);
    net::Answer answer = web_file(call, name, kPagePolicy);
    if (folder == folder_) net::keep_for_ever(answer);
    return answer;
  }

 private:
  std::string folder_;
  std::string document_;
};

net::Answer docs(const Call& call) {
  if (docs_files().empty()) return redirect("/ui/docs");
  return web_file(call, "swagger.html", kDocsPolicy);
}

net::Answer docs_file(const Call& call) {
  const std::string& name = call.path.at("file");
  const net::EmbeddedFile* const file = find_file(docs_files(), name);
  if (file == nullptr) return web_file(call, name, kDocsPolicy);
  return net::embedded_file_answer(call.request, *file, kDocsPolicy);
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
  const auto page = [pages = std::make_shared<const Pages>()](const Call& call) {
    return pages->answer(call);
  };
  add("/ui/", page);
  add("/ui/{path...}", page);
  add("/docs", docs);
  add("/docs/{file}", docs_file);
}

}  // namespace ringtrain::server
