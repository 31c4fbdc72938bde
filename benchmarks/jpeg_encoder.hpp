// SPDX-License-Identifier: Apache-2.0
// JPEG files made in memory, for tests, fuzz seeds and benchmarks.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>

namespace ringtrain::benchmarks {

struct JpegOptions {
  int width = 0;
  int height = 0;
  int channels = 3;  // 1: grey; 4: CMYK
  int quality = 75;  // libjpeg's own choice
  bool progressive = false;
  bool ycck = false;         // of 4 channels: as YCCK, which most programs write
  bool adobe_marker = true;  // of 4 channels: the bytes are 255 minus the ink
};

// fill(y, row) writes row y: width * channels bytes, interleaved.
template <class Fill>
std::string encode_jpeg(const JpegOptions& options, const Fill& fill) {
  jpeg_compress_struct info;
  jpeg_error_mgr error;
  info.err = jpeg_std_error(&error);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(options.width);
  info.image_height = static_cast<JDIMENSION>(options.height);
  info.input_components = options.channels;
  info.in_color_space = options.channels == 4   ? JCS_CMYK
                        : options.channels == 3 ? JCS_RGB
                                                : JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  if (options.ycck) jpeg_set_colorspace(&info, JCS_YCCK);
  if (!options.adobe_marker) info.write_Adobe_marker = FALSE;
  jpeg_set_quality(&info, options.quality, TRUE);
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<unsigned char> row(static_cast<size_t>(options.width * options.channels));
  for (int y = 0; y < options.height; ++y) {
    fill(y, row);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return bytes;
}

}  // namespace ringtrain::benchmarks
