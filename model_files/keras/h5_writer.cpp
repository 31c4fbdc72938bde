// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/writing/hdf5_handle.hpp"
#include "model_files/keras/h5_file.hpp"

namespace ringtrain::model_files::keras {
namespace {

using datasets::check_hdf5;
using datasets::check_hdf5_status;
using datasets::Hdf5Handle;

constexpr size_t kMostAttributeBytes = 64'000;  // HDF5 holds up to 64 KiB, with its own header

// As Keras writes it, and of any length.
void write_text(hid_t object, const char* name, const std::string& text) {
  const Hdf5Handle type(check_hdf5(H5Tcopy(H5T_C_S1), name), H5Tclose);
  check_hdf5_status(H5Tset_size(type, H5T_VARIABLE), name);
  check_hdf5_status(H5Tset_cset(type, H5T_CSET_UTF8), name);
  const Hdf5Handle space(check_hdf5(H5Screate(H5S_SCALAR), name), H5Sclose);
  const Hdf5Handle attribute(
      check_hdf5(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name), H5Aclose);
  const char* const bytes = text.c_str();
  check_hdf5_status(H5Awrite(attribute, type, static_cast<const void*>(&bytes)), name);
}

void write_name_list(hid_t object, const std::string& name, const std::vector<std::string>& names,
                     size_t width) {
  const Hdf5Handle type(check_hdf5(H5Tcopy(H5T_C_S1), name), H5Tclose);
  check_hdf5_status(H5Tset_size(type, width), name);
  check_hdf5_status(H5Tset_strpad(type, H5T_STR_NULLPAD), name);
  const hsize_t count = names.size();
  const Hdf5Handle space(check_hdf5(H5Screate_simple(1, &count, nullptr), name), H5Sclose);
  const Hdf5Handle attribute(
      check_hdf5(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), name),
      H5Aclose);
  if (names.empty()) return;
  std::string bytes(width * names.size(), '\0');
  for (size_t i = 0; i < names.size(); ++i) names[i].copy(bytes.data() + i * width, width);
  check_hdf5_status(H5Awrite(attribute, type, bytes.data()), name);
}

// Writes a list of names, divided among numbered attributes where it is long, as Keras does.
void write_names(hid_t object, const std::string& name, const std::vector<std::string>& names) {
  size_t width = 1;
  for (const std::string& text : names) width = std::max(width, text.size());
  const size_t most = std::max<size_t>(1, kMostAttributeBytes / width);
  if (names.size() <= most) {
    write_name_list(object, name, names, width);
    return;
  }
  for (size_t first = 0, part = 0; first < names.size(); first += most, ++part) {
    const auto begin = names.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, names.size() - first));
    write_name_list(object, fmt::format("{}{}", name, part), {begin, begin + count}, width);
  }
}

void write_weight(hid_t layer, const H5Weight& weight) {
  const Hdf5Handle links(check_hdf5(H5Pcreate(H5P_LINK_CREATE), weight.name), H5Pclose);
  check_hdf5_status(H5Pset_create_intermediate_group(links, 1), weight.name);
  const std::vector<hsize_t> dims(weight.shape.begin(), weight.shape.end());
  const Hdf5Handle space(
      check_hdf5(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                 weight.name),
      H5Sclose);
  const Hdf5Handle dataset(check_hdf5(H5Dcreate2(layer, weight.name.c_str(), H5T_IEEE_F32LE, space,
                                                 links, H5P_DEFAULT, H5P_DEFAULT),
                                      weight.name),
                           H5Dclose);
  check_hdf5_status(
      H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, weight.numbers.data()),
      weight.name);
}

void write_all_of(hid_t root, const H5File& file) {
  write_text(root, "keras_version", file.keras_version);
  write_text(root, "backend", file.backend);
  write_text(root, "model_config", file.model_config);
  const Hdf5Handle group(
      check_hdf5(H5Gcreate2(root, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                 "model_weights"),
      H5Gclose);
  write_text(group, "keras_version", file.keras_version);
  write_text(group, "backend", file.backend);
  std::vector<std::string> layer_names;
  for (const H5Layer& layer : file.layers) layer_names.push_back(layer.name);
  write_names(group, "layer_names", layer_names);
  for (const H5Layer& layer : file.layers) {
    const Hdf5Handle own(
        check_hdf5(H5Gcreate2(group, layer.name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   layer.name),
        H5Gclose);
    std::vector<std::string> weight_names;
    for (const H5Weight& weight : layer.weights) weight_names.push_back(weight.name);
    write_names(own, "weight_names", weight_names);
    for (const H5Weight& weight : layer.weights) write_weight(own, weight);
  }
}

}  // namespace

void write_h5(const std::filesystem::path& path, const H5File& file) {
  datasets::prepare_hdf5();
  PendingFile pending(path);
  {
    Hdf5Handle root(
        check_hdf5(H5Fcreate(pending.path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
                   path.string() + ": creating"),
        H5Fclose);
    write_all_of(root, file);
    root.close();
  }
  pending.file().sync();
  pending.commit();
}

}  // namespace ringtrain::model_files::keras
