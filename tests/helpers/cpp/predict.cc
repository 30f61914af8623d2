// Loads a SavedModel as TensorFlow Serving does and runs one Predict on `serving_default`.
//
//   predict EXPORT PICTURE AU [AU ...] > edited.png
//
// Tensor names come from the signature: they are whatever the export made of ours.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tensorflow/cc/saved_model/constants.h"
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/public/session.h"

int Fail(const std::string& what) {
  std::cerr << what << std::endl;
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 4) return Fail("usage: predict EXPORT PICTURE AU [AU ...]");
  tensorflow::SavedModelBundle bundle;
  auto status = tensorflow::LoadSavedModel(tensorflow::SessionOptions(), tensorflow::RunOptions(),
                                           argv[1], {"serve"}, &bundle);
  if (!status.ok()) return Fail(status.ToString());
  const auto& signature = bundle.GetSignatures().at("serving_default");

  std::ifstream file(argv[2], std::ios::binary);
  tensorflow::Tensor picture(tensorflow::DT_STRING, tensorflow::TensorShape({1}));
  picture.flat<tensorflow::tstring>()(0) =
      std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  tensorflow::Tensor units(tensorflow::DT_FLOAT, tensorflow::TensorShape({1, argc - 3}));
  for (int i = 3; i < argc; ++i) units.flat<float>()(i - 3) = std::stof(argv[i]);

  std::vector<tensorflow::Tensor> outputs;
  status = bundle.GetSession()->Run({{signature.inputs().at("image_bytes").name(), picture},
                                     {signature.inputs().at("action_units").name(), units}},
                                    {signature.outputs().at("image_bytes").name()}, {}, &outputs);
  if (!status.ok()) return Fail(status.ToString());
  std::cout << outputs[0].flat<tensorflow::tstring>()(0);
  return 0;
}
