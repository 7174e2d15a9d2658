package checkpoint

import (
	"strings"

	"linquant/internal/pickle"
	"linquant/tensor"
)

// storageClass is what the name of a PyTorch storage class says of its elements.
type storageClass struct {
	dtype  tensor.DType
	remedy string // why the class is not supported and what to do, else ""
}

const packedCodes = "holds codes of less than a byte; dequantize() the tensors and save again"

// storageClasses maps torch.XStorage to what it holds. An untyped storage counts as bytes, as PyTorch has it; the
// tensors over it say their own type.
var storageClasses = map[string]storageClass{
	"DoubleStorage":        {dtype: tensor.Float64},
	"FloatStorage":         {dtype: tensor.Float32},
	"HalfStorage":          {dtype: tensor.Float16},
	"BFloat16Storage":      {dtype: tensor.BFloat16},
	"LongStorage":          {dtype: tensor.Int64},
	"IntStorage":           {dtype: tensor.Int32},
	"ShortStorage":         {dtype: tensor.Int16},
	"CharStorage":          {dtype: tensor.Int8},
	"ByteStorage":          {dtype: tensor.Uint8},
	"BoolStorage":          {dtype: tensor.Bool},
	"ComplexFloatStorage":  {dtype: tensor.Complex64},
	"ComplexDoubleStorage": {dtype: tensor.Complex128},
	"QInt8Storage":         {dtype: tensor.Int8},
	"QUInt8Storage":        {dtype: tensor.Uint8},
	"QInt32Storage":        {dtype: tensor.Int32},
	"QUInt4x2Storage":      {remedy: packedCodes},
	"QUInt2x4Storage":      {remedy: packedCodes},
	"UntypedStorage":       {dtype: tensor.Uint8},
	"_UntypedStorage":      {dtype: tensor.Uint8},
}

// torchDTypes maps torch.X, where tensors say their own type, to the type.
var torchDTypes = func() map[string]tensor.DType {
	names := make(map[string]tensor.DType)
	for d := tensor.Float64; d <= tensor.Complex128; d++ {
		names[d.String()] = d
	}
	return names
}()

// storageModules are the modules that PyTorch's versions keep storage classes in.
var storageModules = map[string]bool{"torch": true, "torch.cuda": true, "torch.storage": true}

// storageClassOf returns the storage class that v names.
func storageClassOf(v pickle.Value) (storageClass, error) {
	g, _ := v.(pickle.Global)
	class, ok := storageClasses[g.Name]
	if !ok || !storageModules[g.Module] {
		return class, unsupported("a storage is of the unknown class %s", quote(g.String()))
	}
	if class.remedy != "" {
		return class, unsupported("a %v %s", g, class.remedy)
	}
	return class, nil
}

// harmless lists the names, by module, that a PyTorch file may mention. Nothing is ever called: the list is what these
// readers know how to read, or know to be of no matter. A * in a name stands for
// anything.
var harmless = map[string][]string{
	"collections": {"OrderedDict", "defaultdict", "Counter", "deque"},
	"torch._utils": {
		"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor", "_rebuild_parameter",
		"_rebuild_parameter_with_state", "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor", "_rebuild_meta_tensor_no_storage",
		"_rebuild_device_tensor_from_numpy", "_rebuild_xla_tensor", "_rebuild_device_tensor_from_cpu_tensor",
	},
	"torch._tensor":       {"_rebuild_from_type_v2", "_rebuild_from_type", "Tensor"},
	"torch.tensor":        {"_rebuild_from_type", "Tensor"},
	"torch.nn.parameter":  {"Parameter", "Buffer"},
	"torch.nn":            {"Parameter", "Buffer"},
	"torch.storage":       {"UntypedStorage", "_UntypedStorage", "TypedStorage", "_TypedStorage"},
	"torch.serialization": {"_get_layout"},
	"torch.cuda":          {"*Storage", "*Tensor"},
	"torch": {
		"*Storage", "*Tensor", "Size", "device", "Generator", "per_tensor_*", "per_channel_*", "strided", "sparse_*",
		"contiguous_format", "channels_last*", "preserve_format", "quint*", "qint*", "double", "float", "half", "long", "int", "short", "cfloat", "cdouble",
	},
	"numpy":                  {"dtype", "ndarray", "float*", "int*", "uint*", "bool*"},
	"numpy.dtypes":           {"*DType"},
	"numpy.core.multiarray":  {"scalar", "_reconstruct"},
	"numpy._core.multiarray": {"scalar", "_reconstruct"},
	"numpy.core.numeric":     {"_frombuffer"},
	"numpy._core.numeric":    {"_frombuffer"},
	"_codecs":                {"encode"},
	"__builtin__":            plainBuiltins,
	"builtins":               plainBuiltins,
	"copy_reg":               {"_reconstructor"},
	"copyreg":                {"_reconstructor"},
	"argparse":               {"Namespace"},
	"types":                  {"SimpleNamespace"},
	"datetime":               {"datetime", "date", "time", "timedelta", "timezone"},
	"pathlib":                {"*Path"},
	"decimal":                {"Decimal"},
	"fractions":              {"Fraction"},
}

var plainBuiltins = []string{
	"set", "frozenset", "object", "list", "dict", "tuple", "str", "unicode", "bytes", "bytearray",
	"int", "long", "float", "bool", "complex", "slice", "range", "xrange",
}

// allowTorch refuses the names that are not harmless, with the way out.
func allowTorch(g pickle.Global) error {
	for _, pattern := range harmless[g.Module] {
		head, tail, wild := strings.Cut(pattern, "*")
		if g.Name == pattern || wild && strings.HasPrefix(g.Name, head) && strings.HasSuffix(g.Name, tail) {
			return nil
		}
	}
	if _, ok := torchDTypes[g.Name]; ok && g.Module == "torch" {
		return nil
	}
	const wayOut = "load it in PyTorch where it was made, and save the weights alone: torch.save(model.state_dict(), path)"
	switch {
	case g.Module == "torch.nn" || strings.HasPrefix(g.Module, "torch.nn."):
		return unsupported("the file holds a whole pickled module (it asks for %s), which is a program and not only tensors; %s",
			quote(g.String()), wayOut)
	case strings.HasPrefix(g.Module, "__torch__"):
		return unsupported("the file is part of a TorchScript archive (it asks for %s); %s", quote(g.String()), "load that with torch.jit.load, and save its weights: torch.save(m.state_dict(), path)")
	case g.Module == "__main__":
		return unsupported("the file asks for %s, a class of the program that wrote it: most likely a whole pickled model; %s",
			quote(g.String()), wayOut)
	}
	return unsupported("the file asks for %s, which is not among the names a checkpoint needs, and nothing else is let in; %s",
		quote(g.String()), wayOut)
}
