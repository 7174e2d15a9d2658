// Package e2e has no code of its own. Its tests put whole networks, real ones on real images where the data folder is
// there, through everything from a checkpoint to integers:
//
//   - ONNX Runtime runs the exported network, and every layer's integers are compared (ort_test.go);
//   - PyTorch computes the original's formulas layer by layer, and every code must be equal (torch_test.go);
//   - what is exported and imported again computes the same bits (roundtrip_test.go);
//   - every tier of instructions, number of threads and batch size computes the same bits (bits_test.go);
//   - the accuracy on the first test images is what it was (accuracy_test.go);
//   - a zoo of small networks of all families, as PyTorch exports them and as ONNX Runtime's quantizer quantizes them,
//     goes the same way (zoo_*_test.go).
//
// By default few images are run, so that the tests take seconds. LINQUANT_E2E_IMAGES=256 runs the comparisons with ONNX
// Runtime and PyTorch on that many, calibrated on 256. LINQUANT_ZOO names a folder of further float networks, such as
// the zoo's at the size of the papers (testdata/zoo/make_zoo.py --full).
package e2e
