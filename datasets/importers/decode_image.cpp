// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/decode_image.hpp"

#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>
#include <png.h>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uint64_t kMaxPixels = uint64_t{1} << 26;

// Memory for a progressive JPEG's coefficients, at most 6 bytes a pixel.
constexpr long kMaxCoefficientBytes = long{128} << 20;

// A progressive JPEG of a few bytes can ask for thousands of passes over all its pixels.
constexpr int kMaxScans = 100;

// libjpeg leaves by longjmp. Nothing between setjmp and the jump owns memory: pixels belong to the
// caller.
struct JpegError {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

void jpeg_fail(j_common_ptr info) {
  auto* error = reinterpret_cast<JpegError*>(info->err);
  error->base.format_message(info, error->message.data());
  std::longjmp(error->jump, 1);  // NOLINT(cert-err52-cpp): the library's way
}

// A warning means damaged data, for which libjpeg invents pixels; an image is whole or it is
// refused.
void jpeg_message(j_common_ptr info, int level) {
  if (level < 0) jpeg_fail(info);
}

void count_scans(j_common_ptr info) {
  if (!info->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* error = reinterpret_cast<JpegError*>(info->err);
  std::strcpy(error->message.data(), "more than 100 scans");
  std::longjmp(error->jump, 1);  // NOLINT(cert-err52-cpp)
}

// Reads the header and calls use(info), which returns whether it succeeded. If it did not, or the
// library failed, `error` has the reason.
template <class Use>
bool with_jpeg(std::string_view bytes, JpegError& error, const Use& use) {
  jpeg_decompress_struct info;
  std::memset(&info, 0, sizeof info);
  info.err = jpeg_std_error(&error.base);
  error.base.error_exit = jpeg_fail;
  error.base.emit_message = jpeg_message;
  if (setjmp(error.jump) != 0) {  // NOLINT(cert-err52-cpp)
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  // A progressive image keeps its coefficients; this is the most the library may allocate.
  info.mem->max_memory_to_use = kMaxCoefficientBytes;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&info, TRUE);
  const bool good = use(info);
  jpeg_destroy_decompress(&info);
  return good;
}

// Converts a line of inks to RGB or grey. inverted: a byte is 255 minus the ink, as Adobe's
// programs write it.
void convert_cmyk(const JSAMPLE* inks, size_t width, bool inverted, int64_t channels,
                  uint8_t* out) {
  const unsigned flip = inverted ? 0 : 0xff;
  for (size_t x = 0; x < width; ++x, inks += 4, out += channels) {
    const unsigned light = inks[3] ^ flip;
    std::array<unsigned, 3> rgb{};
    for (size_t c = 0; c < 3; ++c) rgb[c] = ((inks[c] ^ flip) * light + 127) / 255;
    if (channels == 1) {
      // ITU-R BT.601, as libjpeg's own grey; in units of 2^-16.
      out[0] =
          static_cast<uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
    } else {
      for (size_t c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>(rgb[c]);
    }
  }
}

bool decode_jpeg(jpeg_decompress_struct& info, int64_t channels, int64_t least_width,
                 int64_t least_height, DecodedImage& image, JpegError& error) {
  if (uint64_t{info.image_width} * info.image_height > kMaxPixels) {
    std::strcpy(error.message.data(), "more than 2^26 pixels");
    return false;
  }
  // The library converts YCCK to CMYK, but neither to RGB.
  const bool is_cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  jpeg_progress_mgr progress{};
  progress.progress_monitor = count_scans;
  info.progress = &progress;
  info.out_color_space = is_cmyk ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  // Only these are as fast as they are small: the library has no vector code for the other eighths.
  info.scale_denom = 8;
  for (const unsigned eighths : {1U, 2U, 4U, 8U}) {
    info.scale_num = eighths;
    if (info.image_width * eighths / 8 >= least_width &&
        info.image_height * eighths / 8 >= least_height) {
      break;
    }
  }
  jpeg_start_decompress(&info);
  image.width = info.output_width;
  image.height = info.output_height;
  image.channels = channels;
  const size_t stride = size_t{info.output_width} * static_cast<size_t>(channels);
  image.pixels.resize(stride * info.output_height);
  // Freed with `info`.
  JSAMPARRAY inks = is_cmyk ? info.mem->alloc_sarray(reinterpret_cast<j_common_ptr>(&info),
                                                     JPOOL_IMAGE, 4 * info.output_width, 1)
                            : nullptr;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.pixels.data() + stride * info.output_scanline;
    jpeg_read_scanlines(&info, is_cmyk ? inks : &row, 1);
    if (is_cmyk) {
      convert_cmyk(inks[0], info.output_width, info.saw_Adobe_marker != 0, channels, row);
    }
  }
  jpeg_finish_decompress(&info);
  info.progress = nullptr;
  return true;
}

DecodedImage decode_png(std::string_view bytes, int64_t channels) {
  png_image info;
  std::memset(&info, 0, sizeof info);
  info.version = PNG_IMAGE_VERSION;
  struct Free {
    png_image* image;
    ~Free() { png_image_free(image); }
  } const release{&info};
  const auto refuse = [&] { throw data_error(fmt::format("damaged PNG: {}", info.message)); };
  if (png_image_begin_read_from_memory(&info, bytes.data(), bytes.size()) == 0) refuse();
  if (uint64_t{info.width} * info.height > kMaxPixels) throw data_error("more than 2^26 pixels");
  info.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  DecodedImage image{info.width, info.height, channels, {}};
  image.pixels.resize(PNG_IMAGE_SIZE(info));
  const png_color black{0, 0, 0};  // behind transparent pixels
  if (png_image_finish_read(&info, &black, image.pixels.data(), 0, nullptr) == 0) refuse();
  return image;
}

[[noreturn]] void refuse_format(std::string_view bytes) {
  std::string_view name;
  if (bytes.starts_with("BM")) name = "BMP";
  if (bytes.starts_with("GIF8")) name = "GIF";
  if (bytes.starts_with("RIFF") && bytes.find("WEBP") == 8) name = "WebP";
  if (name.empty()) throw data_error("neither a JPEG nor a PNG");
  throw data_error(fmt::format("a {}, which is not read: convert it to JPEG or PNG", name));
}

constexpr std::string_view kJpeg("\xff\xd8\xff", 3);
constexpr std::string_view kPng("\x89PNG\r\n\x1a\n", 8);

}  // namespace

ImageSize image_size(std::string_view bytes) {
  if (bytes.starts_with(kPng)) {
    // The header chunk always comes first: length, "IHDR", width, height, big-endian.
    constexpr size_t kWidth = 16;
    if (bytes.size() < kWidth + 8 || bytes.substr(12, 4) != "IHDR") {
      throw data_error("damaged PNG: no header");
    }
    const auto number = [&](size_t at) {
      int64_t value = 0;
      for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
      return value;
    };
    return {number(kWidth), number(kWidth + 4)};
  }
  if (!bytes.starts_with(kJpeg)) refuse_format(bytes);
  ImageSize size;
  JpegError error{};
  const auto measure = [&](const jpeg_decompress_struct& info) {
    size = {info.image_width, info.image_height};
    return true;
  };
  if (!with_jpeg(bytes, error, measure)) {
    throw data_error(fmt::format("damaged JPEG: {}", error.message.data()));
  }
  return size;
}

DecodedImage decode_image(std::string_view bytes, int64_t channels, int64_t least_width,
                          int64_t least_height) {
  if (bytes.starts_with(kPng)) return decode_png(bytes, channels);
  if (!bytes.starts_with(kJpeg)) refuse_format(bytes);
  DecodedImage image;
  JpegError error{};
  const auto decode = [&](jpeg_decompress_struct& info) {
    return decode_jpeg(info, channels, least_width, least_height, image, error);
  };
  if (!with_jpeg(bytes, error, decode)) {
    throw data_error(fmt::format("damaged JPEG: {}", error.message.data()));
  }
  return image;
}

}  // namespace ringtrain::datasets
