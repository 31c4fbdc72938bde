// SPDX-License-Identifier: Apache-2.0
// Tokens and the audit: who may do what, and who has done what.
#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "job/scalar.hpp"
#include "server/api/job_routes.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMostDays = 3650;
constexpr size_t kMostTokens = 1000;

ordered_json shown(const TokenRecord& record) {
  return {
      {"id", record.id()},
      {"name", record.name},
      {"scope", record.scope},
      {"session", record.is_session()},
      {"created", record.created},
      {"expires", record.expires.empty() ? ordered_json(nullptr) : ordered_json(record.expires)}};
}

// Takes keys from a body, and collects what does not fit.
class TokenBody {
 public:
  explicit TokenBody(const ordered_json& body) : body_(body) {
    for (const auto& [key, value] : body.items()) {
      if (key != "name" && key != "scope" && key != "days") {
        refuse(key, "is no key of a token", "name, scope, days");
      }
    }
  }

  std::string name() {
    constexpr const char* kAllowed =
        "a text of 1 to 63 characters, other than owner and browser, which the server gives";
    const auto found = body_.find("name");
    if (found == body_.end()) return refuse("name", "is missing", kAllowed);
    if (!found->is_string()) return refuse("name", "is no text", kAllowed);
    const auto& name = found->get_ref<const std::string&>();
    const bool fits = !name.empty() && name.size() <= 63 && name != "owner" && name != "browser" &&
                      !has_control_characters(name);
    return fits ? name : refuse("name", "does not fit", kAllowed);
  }

  Scope scope() {
    const auto found = body_.find("scope");
    if (found == body_.end()) return Scope::submit;
    const auto scope =
        found->is_string() ? scope_from(found->get<std::string>()) : std::optional<Scope>();
    if (!scope) refuse("scope", "does not fit", "read, submit or admin");
    return scope.value_or(Scope::read);
  }

  std::chrono::hours lifetime() {
    const auto found = body_.find("days");
    if (found == body_.end() || found->is_null()) return std::chrono::hours(0);
    const bool is_number = found->is_number_integer();
    const int64_t days = is_number ? found->get<int64_t>() : 0;
    if (days < 1 || days > kMostDays) {
      refuse(
          "days", "does not fit",
          fmt::format("a whole number, 1 to {}; without it the token is good for ever", kMostDays));
      return std::chrono::hours(0);
    }
    return std::chrono::hours(24 * days);
  }

  // Throws a Problem where something did not fit.
  void finish() const {
    if (errors_.empty()) return;
    throw Problem(422, "the token is not as it must be, see the errors", {{"errors", errors_}});
  }

 private:
  std::string refuse(const std::string& path, const std::string& message,
                     const std::string& allowed) {
    errors_.push_back({{"path", path.substr(0, 60)},
                       {"line", nullptr},
                       {"message", message},
                       {"allowed", allowed}});
    return "";
  }

  const ordered_json& body_;
  ordered_json errors_ = ordered_json::array();
};

net::Answer make_token(Tokens& tokens, const Call& call) {
  const ordered_json json = call.json_body();
  TokenBody body(json);
  const std::string name = body.name();
  const Scope scope = body.scope();
  const auto lifetime = body.lifetime();
  body.finish();
  if (tokens.list().size() >= kMostTokens) {
    throw Problem(409, fmt::format("there are {} tokens already: delete some", kMostTokens));
  }
  const std::string token = tokens.add(name, scope, lifetime);
  const TokenRecord record = tokens.list().back();
  ordered_json made = shown(record);
  made["token"] = token;
  net::Answer answer = json_answer(made, 201);
  answer.headers.emplace_back("Location", "/api/v1/tokens/" + record.id());
  return answer;
}

net::Answer list_tokens(Tokens& tokens) {
  ordered_json list = ordered_json::array();
  for (const TokenRecord& record : tokens.list()) list.push_back(shown(record));
  return json_answer({{"tokens", list}});
}

net::Answer show_audit(const Audit& audit, const Call& call) {
  const auto limit = static_cast<size_t>(call.number("limit", 100, 1, 500));
  std::optional<uint64_t> before;
  if (call.query.contains("before")) {
    before = static_cast<uint64_t>(call.number("before", 0, 0, INT64_MAX));
  }
  return json_answer(audit.page(limit, before));
}

}  // namespace

void add_token_routes(Routes& routes, Tokens& tokens, const Audit& audit) {
  routes.push_back(
      {.method = "GET",
       .path = "/api/v1/tokens",
       .operation = "listTokens",
       .summary = "List tokens; what lets somebody in is never shown again",
       .access = Access::admin,
       .answer = "tokens: id, name, scope, session of a browser, created, expires of each",
       .run = [&tokens](const Call&) { return list_tokens(tokens); }});
  routes.push_back({.method = "POST",
                    .path = "/api/v1/tokens",
                    .operation = "makeToken",
                    .summary = "Make a token for a program; the answer alone has it",
                    .access = Access::admin,
                    .body = "TokenRequest",
                    .answer = "id, name, scope, session, created, expires, token",
                    .success = 201,
                    .run = [&tokens](const Call& call) { return make_token(tokens, call); }});
  routes.push_back({.method = "DELETE",
                    .path = "/api/v1/tokens/{id}",
                    .operation = "deleteToken",
                    .summary = "Let a token in no more",
                    .access = Access::admin,
                    .success = 204,
                    .run = [&tokens](const Call& call) {
                      tokens.remove_by_id(call.path.at("id"));
                      return net::Answer{.status = 204};
                    }});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/audit",
                    .operation = "getAudit",
                    .summary = "Show who has changed what, the newest first",
                    .access = Access::admin,
                    .query = {{"limit", "integer", "1 to 500; 100"},
                              {"before", "integer", "\"next\" of the page before"}},
                    .answer = "changes: time, by, from, request, status, made; next",
                    .run = [&audit](const Call& call) { return show_audit(audit, call); }});
}

}  // namespace ringtrain::server
