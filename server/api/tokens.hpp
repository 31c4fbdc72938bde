// SPDX-License-Identifier: Apache-2.0
// Tokens: DIR/token has the owner's, readable by the owner alone; DIR/tokens.json has the SHA-256
// of every token, never one itself. A browser gets a token of its own, a session, for a code that
// works once or for a token; it ends when somebody signs out there.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace ringtrain::server {

enum class Scope { read, submit, admin };

std::string scope_name(Scope scope);
std::optional<Scope> scope_from(const std::string& name);

// The holder of a token.
struct Caller {
  std::string name;
  Scope scope = Scope::read;
};

// Name of the tokens that browsers get for a code.
inline constexpr const char* kBrowser = "browser";

struct TokenRecord {
  // Names it to people; it says nothing of the token.
  std::string id() const { return hash.substr(0, 12); }

  std::string name = {};
  std::string scope = {};
  std::string hash = {};
  std::string created = {};
  std::string expires = {};  // empty: never
  // Hash of the token that a session was begun with, and does not outlive; empty: it is no session,
  // or one begun with a code.
  std::string session_of = {};
  bool is_session() const { return name == kBrowser || !session_of.empty(); }
};

class Tokens {
 public:
  // Makes the owner's token where there is none. Throws an io error.
  explicit Tokens(std::filesystem::path folder);

  // Returns whose token it is. Sees tokens that another process has added.
  std::optional<Caller> find(const std::string& token);

  // Returns all that are not over, without what would let somebody in.
  std::vector<TokenRecord> list();

  // Makes a token and returns it; there is no other way to see it. `lifetime` 0: for ever.
  std::string add(const std::string& name, Scope scope, std::chrono::hours lifetime);

  // Makes a code that redeem() takes once, within two minutes.
  std::string new_code();
  // Returns a new token for a browser; nothing where the code is none, used or old.
  std::optional<std::string> redeem(const std::string& code);
  // Makes a session with the rights of a token of this server, which must be known.
  std::string begin_session(const std::string& token);
  // Forgets the token of a session; any other one stays.
  void end_session(const std::string& token);
  // Forgets the one with this id. Throws a Problem: 404 where there is none, 409 where it is the
  // one in DIR/token, which the commands of this machine use.
  void remove_by_id(const std::string& id);

 private:
  void read_again();
  void write();
  // Whether there is a token with this hash that is not over.
  bool has(const std::string& hash) const;
  // Adds a token with this name, scope and session, and returns it.
  std::string make(TokenRecord record, std::chrono::hours lifetime);

  const std::filesystem::path folder_;
  // The file that was read: every change makes another one, perhaps within one tick of its clock.
  std::array<int64_t, 4> read_file_{};
  std::vector<TokenRecord> records_;
  std::map<std::string, std::chrono::steady_clock::time_point> codes_;  // hash: good until
};

// The owner's token, from DIR/token. Throws a job error where there is none yet.
std::string read_owner_token(const std::filesystem::path& folder);

}  // namespace ringtrain::server
