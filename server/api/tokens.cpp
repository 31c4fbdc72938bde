// SPDX-License-Identifier: Apache-2.0
#include "server/api/tokens.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/text.hpp"
#include "job/fields.hpp"
#include "net/base64.hpp"
#include "net/sha256.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const TokenRecord*) {
  using T = TokenRecord;
  return std::tuple(field("name", &T::name), field("scope", &T::scope), field("hash", &T::hash),
                    field("created", &T::created), field("expires", &T::expires),
                    field("session_of", &T::session_of));
}

namespace {

constexpr std::chrono::minutes kCodeLifetime(2);
constexpr std::chrono::hours kSessionLifetime(30 * 24);

// 256 random bits, as letters that need no quoting anywhere.
std::string random_text() {
  std::array<char, 32> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) {
    throw io_error("the kernel has no random bits");
  }
  std::string text = net::encode_base64(std::string(bits.data(), bits.size()));
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

// Writes a file that its owner alone can read; whole or not at all.
void write_secret(const fs::path& file, const std::string& text) {
  const fs::path draft = file.string() + ".new";
  ::unlink(draft.c_str());
  const FileDescriptor made(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made.is_open() || write_all(made.get(), text) != text.size() || ::fsync(made.get()) != 0 ||
      ::rename(draft.c_str(), file.c_str()) != 0) {
    throw io_error(fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  sync_directory(file.parent_path());
}

// Returns what differs from one version of a file to the next; nothing where there is no file.
std::optional<std::array<int64_t, 4>> version_of(const fs::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return std::nullopt;
  return std::array<int64_t, 4>{static_cast<int64_t>(about.st_ino), about.st_size,
                                about.st_mtim.tv_sec, about.st_mtim.tv_nsec};
}

bool is_over(const TokenRecord& record) {
  const auto expires = parse_time(record.expires);
  return expires && *expires < std::chrono::system_clock::now();
}

}  // namespace

std::string scope_name(Scope scope) {
  return scope == Scope::read ? "read" : scope == Scope::submit ? "submit" : "admin";
}

std::optional<Scope> scope_from(const std::string& name) {
  for (const Scope scope : {Scope::read, Scope::submit, Scope::admin}) {
    if (name == scope_name(scope)) return scope;
  }
  return std::nullopt;
}

Tokens::Tokens(fs::path folder) : folder_(std::move(folder)) {
  read_again();
  std::error_code ignored;
  if (fs::exists(folder_ / "token", ignored)) {
    const std::string hash = net::sha256(read_owner_token(folder_));
    for (const TokenRecord& record : records_) {
      if (record.hash == hash) return;
    }
  }
  write_secret(folder_ / "token", add("owner", Scope::admin, std::chrono::hours(0)) + "\n");
}

void Tokens::read_again() {
  const fs::path file = folder_ / "tokens.json";
  const auto version = version_of(file);
  if (!version || *version == read_file_) return;
  try {
    records_ = ordered_json::parse(read_file(file)).at("tokens").get<std::vector<TokenRecord>>();
  } catch (const std::exception& broken) {
    throw io_error(fmt::format("{}: is no list of tokens: restore it, or delete it and {}",
                               file.string(), (folder_ / "token").string()));
  }
  read_file_ = *version;
}

void Tokens::write() {
  std::erase_if(records_, is_over);
  const ordered_json json = {{"version", 1}, {"tokens", records_}};
  write_secret(folder_ / "tokens.json", json.dump(1) + "\n");
  read_file_ = version_of(folder_ / "tokens.json").value_or(read_file_);
}

std::optional<Caller> Tokens::find(const std::string& token) {
  read_again();
  // The hash is compared, so the time that takes says nothing of the token.
  const std::string hash = net::sha256(token);
  for (const TokenRecord& record : records_) {
    if (record.hash != hash || is_over(record)) continue;
    if (!record.session_of.empty() && !has(record.session_of)) continue;
    if (const auto scope = scope_from(record.scope)) return Caller{record.name, *scope};
  }
  return std::nullopt;
}

bool Tokens::has(const std::string& hash) const {
  return std::any_of(records_.begin(), records_.end(), [&](const TokenRecord& record) {
    return record.hash == hash && !is_over(record);
  });
}

std::string Tokens::make(TokenRecord record, std::chrono::hours lifetime) {
  read_again();
  std::string token = "rt_" + random_text();
  const auto now = std::chrono::system_clock::now();
  record.hash = net::sha256(token);
  record.created = print_time(now);
  if (lifetime.count() != 0) record.expires = print_time(now + lifetime);
  records_.push_back(std::move(record));
  write();
  return token;
}

std::string Tokens::add(const std::string& name, Scope scope, std::chrono::hours lifetime) {
  return make({.name = name, .scope = scope_name(scope)}, lifetime);
}

std::string Tokens::new_code() {
  std::erase_if(codes_,
                [](const auto& code) { return code.second < std::chrono::steady_clock::now(); });
  std::string code = random_text();
  codes_[net::sha256(code)] = std::chrono::steady_clock::now() + kCodeLifetime;
  return code;
}

std::optional<std::string> Tokens::redeem(const std::string& code) {
  const auto found = codes_.find(net::sha256(code));
  if (found == codes_.end()) return std::nullopt;
  const bool good = found->second >= std::chrono::steady_clock::now();
  codes_.erase(found);
  if (!good) return std::nullopt;
  return add(kBrowser, Scope::admin, kSessionLifetime);
}

std::string Tokens::begin_session(const std::string& token) {
  const auto caller = find(token);
  RINGTRAIN_CHECK(caller.has_value());
  return make(
      {.name = caller->name, .scope = scope_name(caller->scope), .session_of = net::sha256(token)},
      kSessionLifetime);
}

void Tokens::end_session(const std::string& token) {
  read_again();
  const std::string hash = net::sha256(token);
  const auto ended = std::erase_if(records_, [&](const TokenRecord& record) {
    return record.hash == hash && record.is_session();
  });
  if (ended > 0) write();
}

std::vector<TokenRecord> Tokens::list() {
  read_again();
  std::erase_if(records_, is_over);
  return records_;
}

void Tokens::remove_by_id(const std::string& id) {
  read_again();
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const TokenRecord& record) { return record.id() == id; });
  if (found == records_.end()) {
    throw Problem(404, "there is no such token: GET /api/v1/tokens lists all");
  }
  if (found->hash == net::sha256(read_owner_token(folder_))) {
    throw Problem(409,
                  "it is the owner's: stop the server, delete its file 'token', and start it again "
                  "for another one");
  }
  records_.erase(found);
  write();
}

std::string read_owner_token(const fs::path& folder) {
  try {
    return std::string(trimmed(read_file(folder / "token", 4096)));
  } catch (const Error&) {
    throw job_error(fmt::format("{}: no server has run there: start it with 'ringtrain server {}'",
                                (folder / "token").string(), folder.string()));
  }
}

}  // namespace ringtrain::server
