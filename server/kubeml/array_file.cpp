// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/array_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "server/kubeml/storage_problem.hpp"

namespace ringtrain::server {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 65536;

// Returns what follows 'KEY': in a header, as NumPy writes it.
std::optional<std::string_view> value_of(std::string_view header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = header.substr(at + key.size() + 3);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

// Returns the numbers of "(60000, 28, 28)"; nothing where it is no such text.
std::optional<std::vector<uint64_t>> shape_of(std::string_view text) {
  const size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) return std::nullopt;
  std::vector<uint64_t> shape;
  for (const char* at = text.data() + 1; at < text.data() + end;) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    uint64_t size = 0;
    const auto [rest, status] = std::from_chars(at, text.data() + end, size);
    if (status != std::errc()) return std::nullopt;
    shape.push_back(size);
    at = rest;
  }
  return shape;
}

// Returns the bytes of one number of "'<f4', ..."; 0: it is no number.
uint64_t width_of(std::string_view descr) {
  constexpr std::string_view kKinds = "biuf";
  if (descr.size() < 5 || descr[0] != '\'' || kKinds.find(descr[2]) == std::string_view::npos) {
    return 0;
  }
  const int width = descr[3] - '0';
  const bool is_width = width == 1 || width == 2 || width == 4 || width == 8;
  return is_width && descr[4] == '\'' ? static_cast<uint64_t>(width) : 0;
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  refuse_storage(400, fmt::format("{}: {}", name, why));
}

// Returns the header's text, and how many bytes of the file come before the numbers.
std::pair<std::string_view, size_t> header_of(std::string_view file, const std::string& name) {
  if (!file.starts_with(kMagic)) {
    const bool is_pickle = file.starts_with("\x80");
    refuse(name, is_pickle ? "is a pickle, which is a program and is not read: save it as an array "
                             "with numpy.save('x.npy', numpy.asarray(x))"
                           : "is no .npy file, as numpy.save() writes it");
  }
  const size_t size_bytes = file.size() > 6 && file[6] == 1 ? 2 : 4;
  const size_t start = 8 + size_bytes;
  if (file.size() < start) refuse(name, "is cut");
  uint32_t size = 0;
  std::memcpy(&size, file.data() + 8, size_bytes);
  if (size > kMaxHeader || file.size() < start + size) refuse(name, "is cut");
  return {file.substr(start, size), start + size};
}

}  // namespace

uint64_t rows_of_array(std::string_view file, const std::string& name) {
  const auto [header, start] = header_of(file, name);
  const auto descr = value_of(header, "descr");
  const auto shape_text = value_of(header, "shape");
  const auto shape = shape_text ? shape_of(*shape_text) : std::nullopt;
  if (!descr || !shape) refuse(name, "has a header that numpy.save() does not write");
  const uint64_t width = width_of(*descr);
  if (width == 0) {
    refuse(name, fmt::format("holds {}, and must hold plain numbers: save it with "
                             "numpy.save('x.npy', x.astype('float32'))",
                             descr->substr(0, std::min(descr->find('\'', 1) + 1, size_t{20}))));
  }
  if (value_of(header, "fortran_order").value_or("").starts_with("True")) {
    refuse(name, "is in Fortran order: save numpy.ascontiguousarray(x)");
  }
  if (shape->empty() || shape->front() == 0) refuse(name, "has no rows");
  uint64_t bytes = width;
  for (const uint64_t size : *shape) {
    if (size == 0 || bytes > std::numeric_limits<uint64_t>::max() / size) {
      refuse(name, "has a shape that cannot be");
    }
    bytes *= size;
  }
  if (file.size() - start < bytes) {
    refuse(name, fmt::format("is cut: {} bytes of numbers, {} by its header", file.size() - start,
                             bytes));
  }
  return shape->front();
}

}  // namespace ringtrain::server
