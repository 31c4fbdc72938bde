// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxHeader = 64 << 10;
constexpr size_t kMaxDims = 8;

// The header is a Python literal; this reads the one form that NumPy writes:
// {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::string descr;
  bool fortran_order = false;
  std::vector<uint64_t> shape;

  void parse() {
    bool seen[3] = {false, false, false};
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        skip_space();
        if (!text_.empty() && text_.front() == '[') {
          refuse("holds records of several fields; only plain numbers are supported");
        }
        descr = quoted();
        seen[0] = true;
      } else if (key == "fortran_order") {
        fortran_order = boolean();
        seen[1] = true;
      } else if (key == "shape") {
        tuple();
        seen[2] = true;
      } else {
        refuse("damaged: its header has an unknown key");
      }
      accept(',');
    }
    skip_space();
    if (!text_.empty() || !seen[0] || !seen[1] || !seen[2])
      refuse("damaged: its header is not complete");
  }

  [[noreturn]] void refuse(std::string_view what) const {
    throw data_error(fmt::format("{}: {}", name_, what));
  }

 private:
  void skip_space() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n'))
      text_.remove_prefix(1);
  }
  bool accept(char c) {
    skip_space();
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse("damaged: its header cannot be read");
  }
  std::string quoted() {
    skip_space();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) expect('\'');
    const char quote = text_.front();
    const size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) refuse("damaged: its header cannot be read");
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] :
         {std::pair{std::string_view("True"), true}, std::pair{std::string_view("False"), false}}) {
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        return value;
      }
    }
    refuse("damaged: its header cannot be read");
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      skip_space();
      uint64_t value = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
      if (error != std::errc() || shape.size() == kMaxDims) refuse("has an impossible shape");
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      shape.push_back(value);
      accept(',');
    }
  }

  std::string_view text_;
  const std::string& name_;
};

class NpySource : public ArraySource {
 public:
  explicit NpySource(std::unique_ptr<ByteSource> bytes) : bytes_(std::move(bytes)) {
    name_ = bytes_->name();
    char magic[8];
    bytes_->read_exactly(magic, sizeof magic);
    if (std::memcmp(magic, "\x93NUMPY", 6) != 0) {
      refuse(magic[0] == '\x80'
                 ? "a pickle, which can run any code when read; save it with numpy.save"
                 : "not a .npy file");
    }
    if (magic[6] < 1 || magic[6] > 3)
      refuse(fmt::format("has the unknown .npy version {}", magic[6]));
    unsigned char raw[4] = {0, 0, 0, 0};
    bytes_->read_exactly(raw, magic[6] == 1 ? 2 : 4);
    const size_t length = raw[0] | raw[1] << 8 | raw[2] << 16 | static_cast<size_t>(raw[3]) << 24;
    if (length > kMaxHeader) refuse("has a header of more than 64 KiB");
    std::string text(length, '\0');
    bytes_->read_exactly(text.data(), length);
    HeaderParser header(text, name_);
    header.parse();
    set_type(header.descr);
    if (header.fortran_order && header.shape.size() > 1) {
      refuse("is stored in Fortran order; save numpy.ascontiguousarray of it");
    }
    if (header.shape.empty()) refuse("is a single number, not an array");
    dims_ = header.shape;
    uint64_t total = size_of(type_);
    for (const uint64_t dim : dims_) {
      if (dim == 0) refuse("has no rows");
      if (__builtin_mul_overflow(total, dim, &total)) total = ~uint64_t{0};
    }
    if (total > bytes_->most_bytes()) {
      refuse(fmt::format("its header promises {} rows, more than the file can hold", dims_[0]));
    }
  }

  void read(std::byte* out, uint64_t count) override {
    const uint64_t bytes = count * row_bytes();
    bytes_->read_exactly(out, bytes);
    if (!swapped_) return;
    const size_t size = size_of(type_);
    for (uint64_t i = 0; i < bytes; i += size) std::reverse(out + i, out + i + size);
  }

  void expect_end() override {
    char byte = 0;
    if (bytes_->read(&byte, 1) != 0) refuse("has bytes after the last row");
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw data_error(fmt::format("{}: {}", name_, what));
  }

  void set_type(const std::string& descr) {
    static const std::map<std::string, NumberType, std::less<>> kTypes = {
        {"u1", NumberType::u8},  {"b1", NumberType::u8},  {"i1", NumberType::i8},
        {"u2", NumberType::u16}, {"i2", NumberType::i16}, {"u4", NumberType::u32},
        {"i4", NumberType::i32}, {"u8", NumberType::u64}, {"i8", NumberType::i64},
        {"f2", NumberType::f16}, {"f4", NumberType::f32}, {"f8", NumberType::f64}};
    if (descr.find('O') != std::string::npos) {
      refuse(
          "an array of Python objects, which is a pickle and can run any code when read; "
          "save it with a number type");
    }
    const auto found = kTypes.find(descr.empty() ? descr : descr.substr(1));
    if (found == kTypes.end() ||
        std::string_view("<>|=").find(descr[0]) == std::string_view::npos) {
      refuse(fmt::format("has the type '{}'; only whole numbers and floats are supported", descr));
    }
    type_ = found->second;
    swapped_ = descr[0] == '>' && size_of(type_) > 1;
  }

  std::unique_ptr<ByteSource> bytes_;
  bool swapped_ = false;
};

}  // namespace

std::unique_ptr<ArraySource> npy_source(std::unique_ptr<ByteSource> bytes) {
  return std::make_unique<NpySource>(std::move(bytes));
}

std::unique_ptr<ArraySource> open_npy(const std::filesystem::path& path) {
  return npy_source(open_source(path));
}

}  // namespace ringtrain::datasets
