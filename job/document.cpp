// SPDX-License-Identifier: Apache-2.0
#include "job/document.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace ringtrain {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_depth = 16;

// Length of the UTF-8 sequence at the start of `text`; 0 where it is not valid UTF-8 (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

bool is_utf8_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || text[0] == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

// C0, DEL and C1: none has a place in a name or a path, and some would command a terminal.
bool has_control_characters(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

// A plain scalar by the core schema of YAML 1.2. `problem` is set for a number that cannot be kept.
json plain_value(const std::string& text, std::string& problem) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;

  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty()) return text;
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF" || text == ".nan" ||
      text == ".NaN" || text == ".NAN") {
    problem = "must be a finite number";
    return nullptr;
  }

  int base = 10;
  if (digits.size() > 2 && !negative && digits.size() == text.size() && digits[0] == '0') {
    if (digits[1] == 'x') base = 16;
    if (digits[1] == 'o') base = 8;
    if (base != 10) digits.remove_prefix(2);
  }
  if (digits[0] == '-' || digits[0] == '+') return text;
  const char* const end = digits.data() + digits.size();

  int64_t integer = 0;
  const auto whole = std::from_chars(digits.data(), end, integer, base);
  if (whole.ptr == end) {
    if (whole.ec == std::errc{}) return negative ? -integer : integer;
    problem = "must be a smaller number";
    return nullptr;
  }
  if (base != 10 || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) return text;
  double real = 0;
  const auto part = std::from_chars(digits.data(), end, real);
  if (part.ptr != end) return text;
  if (part.ec != std::errc{} || !std::isfinite(real)) {
    problem = "must be a number that fits 64-bit floating point";
    return nullptr;
  }
  if (negative) real = -real;
  // 1e3 and 128.0 are whole numbers, as in JSON Schema.
  if (real == std::floor(real) && std::abs(real) < 9007199254740992.0) {
    return static_cast<int64_t>(real);
  }
  return real;
}

// Builds the value from yaml-cpp's events: unlike YAML::Node it never expands an alias, and it can
// stop at the first thing that has no place here.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::string name, bool has_lines) : name_(std::move(name)), has_lines_(has_lines) {}

  Document finish() && {
    if (!root_) {
      throw job_error(fmt::format("{}: is empty", name_));
    }
    document_.value = std::move(*root_);
    return std::move(document_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) throw job_error(place(mark) + ": a second document starts: one is allowed");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (wants_key()) refuse(mark, "a key is empty");
    if (has_lines_) {
      // yaml-cpp's mark is that of the token after it.
      const std::string path = next_path();
      const auto key = document_.origins.find(path);
      if (key == document_.origins.end()) refuse(mark, "has no value");
      throw job_error(fmt::format("{}: {}: has no value", key->second, path));
    }
    add(mark, nullptr);  // --set key= takes the key away
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*) are not allowed: write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& text) override {
    if (has_control_characters(text)) refuse(mark, "holds line breaks or control characters");
    if (wants_key()) {
      set_key(mark, text);
      return;
    }
    if (tag == "!") {  // in quotes
      add(mark, text);
      return;
    }
    refuse_tag(mark, tag);
    std::string problem;
    json value = plain_value(text, problem);
    if (!problem.empty()) refuse(mark, fmt::format("{}, found {}", problem, in_quotes(text)));
    add(mark, std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, json::array());
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, json::object());
  }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    json value;
    std::string path;
    std::optional<std::string> key;  // of a map: read, its value not yet
    std::string place;
  };

  std::string place(const YAML::Mark& mark) const {
    return has_lines_ && !mark.is_null() ? fmt::format("{}:{}", name_, mark.line + 1) : name_;
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& problem) const {
    std::string where = place(mark);
    if (const std::string path = next_path(); !path.empty()) where += ": " + path;
    throw job_error(where + ": " + problem);
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?") return;
    refuse(mark, fmt::format("type tags are not allowed, found {}", in_quotes(tag)));
  }

  bool wants_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().key;
  }

  // The path of the value that comes next.
  std::string next_path() const {
    if (frames_.empty()) return "";
    const Frame& top = frames_.back();
    if (top.value.is_array()) return join_path(top.path, top.value.size());
    return top.key ? join_path(top.path, *top.key) : top.path;
  }

  void set_key(const YAML::Mark& mark, const std::string& key) {
    Frame& top = frames_.back();
    if (key.empty()) refuse(mark, "a key is empty");
    if (top.value.contains(key)) {
      const auto& first = document_.origins[join_path(top.path, key)];
      refuse(mark, fmt::format("the key {} is there twice, first at {}", in_quotes(key), first));
    }
    top.key = key;
    document_.origins[join_path(top.path, key)] = place(mark);
  }

  void start(const YAML::Mark& mark, const std::string& tag, json empty) {
    if (wants_key()) refuse(mark, "a key must be plain text");
    refuse_tag(mark, tag);
    if (frames_.size() >= max_depth) {
      refuse(mark, fmt::format("is nested more than {} levels deep", max_depth));
    }
    frames_.push_back({std::move(empty), next_path(), {}, place(mark)});
  }

  void end() {
    Frame done = std::move(frames_.back());
    frames_.pop_back();
    put(std::move(done.value), done.place);
  }

  void add(const YAML::Mark& mark, json value) { put(std::move(value), place(mark)); }

  void put(json value, const std::string& at) {
    if (frames_.empty()) {
      document_.origins[""] = at;
      root_ = std::move(value);
      return;
    }
    Frame& top = frames_.back();
    if (top.value.is_array()) {
      document_.origins[join_path(top.path, top.value.size())] = at;
      top.value.push_back(std::move(value));
    } else {
      top.value[*top.key] = std::move(value);
      top.key.reset();
    }
  }

  const std::string name_;
  const bool has_lines_;
  bool started_ = false;
  std::vector<Frame> frames_;
  std::optional<json> root_;
  Document document_;
};

// Finds errors of syntax before Builder sees events: the parser sends strange ones for a list or
// group that is not closed.
class SyntaxOnly : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Two documents at most: a second one is refused anyway, and yaml-cpp 0.7 finds empty documents
// without end where a text begins with a comma or a closing bracket.
void send_events(const std::string& text, YAML::EventHandler& handler) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  for (int documents = 0; documents < 2 && parser.HandleNextDocument(handler); ++documents) {
  }
}

Document parse(const std::string& text, const std::string& name, bool has_lines) {
  if (text.size() > max_file_bytes) {
    throw job_error(fmt::format("{}: is larger than 1 MiB: that is no job file", name));
  }
  if (!is_utf8_text(text)) {
    throw job_error(fmt::format("{}: is not a text in UTF-8: that is no job file", name));
  }
  Builder builder(name, has_lines);
  try {
    SyntaxOnly syntax_only;
    send_events(text, syntax_only);
    send_events(text, builder);
  } catch (const YAML::DeepRecursion&) {
    throw job_error(fmt::format("{}: is nested more than {} levels deep", name, max_depth));
  } catch (const YAML::Exception& error) {
    const std::string where =
        has_lines && !error.mark.is_null() ? fmt::format("{}:{}", name, error.mark.line + 1) : name;
    throw job_error(fmt::format("{}: is not valid YAML: {}", where, error.msg));
  }
  return std::move(builder).finish();
}

}  // namespace

const std::string& Document::origin(std::string_view path) const {
  std::string key(path);
  while (!key.empty()) {
    if (const auto found = origins.find(key); found != origins.end()) return found->second;
    const auto cut = key.find_last_of(".[");
    key.resize(cut == std::string::npos ? 0 : cut);
  }
  return origins.at("");
}

void Document::refuse(std::string_view path, std::string_view problem) const {
  const std::string& where = origin(path);
  if (path.empty() || where == fmt::format("--set {}", path)) {
    throw job_error(fmt::format("{}: {}", where, problem));
  }
  throw job_error(fmt::format("{}: {}: {}", where, path, problem));
}

std::string join_path(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string(key) : fmt::format("{}.{}", parent, key);
}

std::string join_path(std::string_view parent, std::size_t index) {
  return fmt::format("{}[{}]", parent, index);
}

std::string read_job_text(const std::filesystem::path& file) {
  const auto fail = [&](std::string_view problem) {
    throw job_error(fmt::format("{}: {}", file.string(), problem));
  };
  // Not blocking: to open a pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    fail(errno == ENOENT ? "there is no such job file"
                         : fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } const closer{descriptor};

  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) fail("is a directory, not a job file");
  // Every rank's node may read it again, so a pipe will not do.
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");

  std::string text(max_file_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

Document parse_yaml(const std::string& text, const std::string& name) {
  return parse(text, name, true);
}

Document parse_override_value(const std::string& text, const std::string& key) {
  const std::string name = "--set " + key;
  if (text.find_first_not_of(" \t") == std::string::npos) return {nullptr, {{"", name}}};
  return parse(text, name, false);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return fmt::format("'{}'", text);
  std::size_t cut = longest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return fmt::format("'{}...'", text.substr(0, cut));
}

}  // namespace ringtrain
