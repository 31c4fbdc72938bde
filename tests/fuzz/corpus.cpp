// SPDX-License-Identifier: Apache-2.0
// fuzz_corpus DIRECTORY: writes good inputs for every fuzz target into DIRECTORY/<target>/, to
// start from.
#include <archive.h>
#include <archive_entry.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/jpeg_encoder.hpp"
#include "model_files/safetensors.hpp"
#include "tests/unit/datasets/fixtures.hpp"
#include "tests/unit/datasets/importers/pictures.hpp"

namespace ringtrain::datasets {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& directory, const std::string& name, const std::string& bytes) {
  fs::create_directories(directory);
  testing::write_file(directory / name, bytes);
}

void hdf5(const fs::path& directory) {
  fs::create_directories(directory);
  for (const ElementType element : {ElementType::u8, ElementType::f32}) {
    testing::Sizes sizes;
    sizes.train_rows = 40;
    sizes.test_rows = 9;
    sizes.block_rows = 16;
    sizes.shape = {element == ElementType::u8 ? 1 : 3, 2, 2};
    sizes.element = element;
    testing::write_dataset(directory / std::string(name_of(element)), sizes);
  }
  testing::write_dataset(directory / "targets", {.train_rows = 40,
                                                 .test_rows = 9,
                                                 .block_rows = 16,
                                                 .shape = {2, 1, 1},
                                                 .element = ElementType::i64,
                                                 .targets = 2});
}

std::string two_bytes(size_t n) {
  return {static_cast<char>(n & 0xff), static_cast<char>(n >> 8 & 0xff)};
}

std::string idx_file(const std::vector<uint8_t>& dims) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(dims.size())};
  size_t count = 1;
  for (const uint8_t dim : dims) {
    bytes += std::string("\0\0\0", 3) + static_cast<char>(dim);
    count *= dim;
  }
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 3);
  return bytes;
}

void idx(const fs::path& directory) {
  for (const std::vector<uint8_t>& shape : {std::vector<uint8_t>{4, 3}, {2, 3, 2}}) {
    const auto images = [&](uint8_t rows) {
      std::vector<uint8_t> dims = shape;
      dims.insert(dims.begin(), rows);
      return idx_file(dims);
    };
    const std::string a = images(6);
    const std::string b = idx_file({6});
    const std::string c = images(2);
    put(directory, "images-" + std::to_string(shape.size()),
        two_bytes(a.size()) + two_bytes(b.size()) + two_bytes(c.size()) + a + b + c +
            idx_file({2}));
  }
}

std::string npy_file(const std::string& type, const std::string& shape, size_t bytes) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + two_bytes(header.size()) + header +
         std::string(bytes, '\0');
}

void npy(const fs::path& directory) {
  int number = 0;
  for (const char* type : {"|u1", "<f4", ">f8", "<f2", "<i8"}) {
    const size_t size = static_cast<size_t>(type[2] - '0');
    for (const char* shape : {"6, 4", "6, 2, 2", "6, 2, 2, 1"}) {
      const std::string x = npy_file(type, shape, 24 * size);
      put(directory, std::to_string(number++), two_bytes(x.size()) + x + npy_file("<i8", "6,", 48));
    }
  }
}

void safetensors(const fs::path& directory) {
  using namespace ringtrain::model_files;
  fs::create_directories(directory);
  SafetensorsWriter writer(directory / "two",
                           {{"a", Dtype::f32, {2, 3}}, {"b", Dtype::boolean, {}}}, {{"k", "v"}});
  writer.write(0, std::vector<std::byte>(24));
  writer.write(1, std::vector<std::byte>(1));
  writer.commit();
}

void archives(const fs::path& directory) {
  fs::create_directories(directory);
  struct Kind {
    const char* name;
    std::function<void(::archive*)> configure;
  };
  const std::vector<Kind> kinds = {{"ustar", archive_write_set_format_ustar},
                                   {"pax", archive_write_set_format_pax},
                                   {"gnutar", archive_write_set_format_gnutar},
                                   {"tar.gz",
                                    [](::archive* a) {
                                      archive_write_set_format_ustar(a);
                                      archive_write_add_filter_gzip(a);
                                    }},
                                   {"zip", archive_write_set_format_zip},
                                   {"stored.zip", [](::archive* a) {
                                      archive_write_set_format_zip(a);
                                      archive_write_zip_set_compression_store(a);
                                    }}};
  for (const Kind& kind : kinds) {
    ::archive* out = archive_write_new();
    kind.configure(out);
    archive_write_set_bytes_in_last_block(out, 1);
    archive_write_open_filename(out, (directory / kind.name).c_str());
    for (const char* path : {"set/cat/a.jpg", "set/dog/b.png", "set/dog/a rather long name.png"}) {
      const std::string bytes(100, 'x');
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, path);
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
      archive_write_header(out, entry);
      archive_write_data(out, bytes.data(), bytes.size());
      archive_entry_free(entry);
    }
    archive_write_close(out);
    archive_write_free(out);
  }
}

std::string jpeg_file(int channels, bool progressive) {
  return ringtrain::benchmarks::encode_jpeg(
      {.width = 40, .height = 30, .channels = channels, .progressive = progressive},
      [](int y, std::vector<unsigned char>& row) {
        for (size_t i = 0; i < row.size(); ++i) {
          row[i] = static_cast<unsigned char>(i * 3 + static_cast<size_t>(y) * 5);
        }
      });
}

void images(const fs::path& directory) {
  fs::create_directories(directory);
  for (const bool progressive : {false, true}) {
    put(directory, progressive ? "grey-progressive.jpg" : "grey.jpg", jpeg_file(1, progressive));
    put(directory, progressive ? "progressive.jpg" : "colour.jpg", jpeg_file(3, progressive));
    put(directory, progressive ? "cmyk-progressive.jpg" : "cmyk.jpg", jpeg_file(4, progressive));
  }
  for (const unsigned format : std::initializer_list<unsigned>{
           PNG_FORMAT_GRAY, PNG_FORMAT_RGB, PNG_FORMAT_RGBA, PNG_FORMAT_LINEAR_Y}) {
    png_image size;
    size.width = 20;
    size.height = 15;
    size.format = format;
    std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(size));
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<unsigned char>(i * 7);
    put(directory, std::to_string(format) + ".png", testing::png(20, 15, format, pixels));
  }
}

void jobs(const fs::path& directory) {
  put(directory, "least", "name: a\nmodel: lenet\ndataset: a.h5\nepochs: 1\nbatch_size: 8\n");
  put(directory, "all", R"(name: mnist-lenet
model: lenet
dataset: mnist.h5
epochs: 3
batch_size: 128
seed: 1
precision: fp32
device: auto
optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9, weight_decay: 0.0005}
schedule: {type: cosine, warmup_epochs: 0.5}
augment: {crop_padding: 2, horizontal_flip: true}
communication: {backend: auto, algorithm: auto, bucket_mib: 4, wire: fp32}
checkpoint: {every_epochs: 1, keep: 2, resume: auto}
evaluate_every_epochs: 1
output: runs/mnist-lenet
workers: {min: 1, max: 8}
restarts: 3
kubernetes: {namespace: default, image: "ringtrain:latest", workers: 2, gpus_per_worker: 1,
  volumes: [{mount: /data, claim: mnist}]}
)");
  put(directory, "anchors", "a: &x {b: [1, 2.5e3, ~, true]}\nc: *x\n? d\n: |\n  text\n");
}

void requests(const fs::path& directory) {
  put(directory, "job",
      "/jobs/a%20b/files/c/d%2De?x=1&y=%41+b\n"
      R"({"name": "a", "model": "lenet", "dataset": "a.h5", "optimizer": {"type": "sgd"}})");
  put(directory, "seed",
      "/jobs\n"
      R"({"job_name": "a", "epochs": "3", "batch_size": 2.0, "world_size": true,)"
      R"( "dataset_size": 100, "dataset_type": "mnist", "dataset_uri": null, "image": "x"})");
}

void heads(const fs::path& directory) {
  put(directory, "get",
      "GET /api/v1/jobs?limit=5 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer rt_x\r\n"
      "Cookie: a=b; ringtrain=rt_y\r\nX-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n"
      "X-Forwarded-Proto: https\r\nX-Forwarded-Host: example.org\r\n\r\n");
  put(directory, "post",
      "POST /api/v1/jobs HTTP/1.1\r\nHost: [::1]:8080\r\nOrigin: http://[::1]:8080\r\n"
      "Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
      "Content-Length: 2\r\n\r\n{}");
  put(directory, "chunks",
      "PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
      "3;x=y\r\nabc\r\n0\r\nTrailer: z\r\n\r\n");
}

// sha1 is that of "hello".
void uploads(const fs::path& directory) {
  const std::string head = "filename dHJhaW4ubnB5,type YQ==\nsha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=\n";
  put(directory, "whole", head + "\x14hello\x14hello");
  put(directory, "cut", head + "\x15hello\x16hello\x16there\x17hello\x04.\xf0");
}

}  // namespace
}  // namespace ringtrain::datasets

int main(int argc, char** argv) {
  using namespace ringtrain::datasets;
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_corpus DIRECTORY\n");
    return 2;
  }
  const fs::path directory = argv[1];
  archives(directory / "archive");
  hdf5(directory / "hdf5");
  heads(directory / "head");
  idx(directory / "idx");
  images(directory / "image");
  jobs(directory / "job");
  npy(directory / "npy");
  requests(directory / "request");
  safetensors(directory / "safetensors");
  uploads(directory / "tus");
  return 0;
}
