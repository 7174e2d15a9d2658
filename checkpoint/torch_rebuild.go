package checkpoint

import (
	"errors"
	"fmt"

	"linquant/internal/pickle"
)

// rebuild returns the tensor that v stands for, without a name; nil if v is no tensor. Arguments stand where PyTorch's
// torch._utils puts them.
func (f *torchFile) rebuild(v pickle.Value) (*Tensor, error) {
	return f.rebuildNested(v, maxCalls)
}

const maxCalls = 8 // of calls in calls

// rebuildNested is rebuild for calls in calls, such as a parameter of a tensor, of which depth may follow.
func (f *torchFile) rebuildNested(v pickle.Value, depth int) (*Tensor, error) {
	if t, ok := v.(*Tensor); ok { // the tar layout has tensors outside its pickle
		return t, nil
	}
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, nil
	}
	if t, ok := f.rebuilt[o]; ok {
		return t, nil
	}
	t, err := f.object(o, depth)
	if err != nil {
		return nil, err
	}
	f.rebuilt[o] = t
	return t, nil
}

// object makes a tensor of an object.
func (f *torchFile) object(o *pickle.Object, depth int) (*Tensor, error) {
	if !isArray(o) {
		return f.call(o.Class, o.Args, depth)
	}
	a, _ := arrayOf(o)
	// Each array has its elements in the file, unless a pickle mentions them over and over.
	if f.arrays += a.size(); f.arrays > viewFactor*f.size {
		return nil, errors.New("the file has NumPy arrays of more bytes than it has itself: it is damaged")
	}
	return a.tensor()
}

// call makes a tensor of a call of class.
func (f *torchFile) call(class pickle.Global, args []pickle.Value, depth int) (*Tensor, error) {
	if depth == 0 {
		return nil, errors.New("a tensor is wrapped in too many calls: the file is damaged")
	}
	switch class.Name {
	case "_rebuild_tensor":
		return f.view(args, 4, nil)
	case "_rebuild_tensor_v2":
		if err := plainBits(args, 6); err != nil {
			return nil, err
		}
		return f.view(args, 6, nil)
	case "_rebuild_tensor_v3":
		if err := plainBits(args, 7); err != nil {
			return nil, err
		}
		if len(args) < 7 {
			return nil, errArguments(class)
		}
		return f.view(args, 7, args[6])
	case "_rebuild_qtensor":
		t, err := f.view(args, 7, nil)
		if err != nil {
			return nil, err
		}
		t.Quant, err = f.params(args[4], t)
		return t, err
	case "_rebuild_parameter", "_rebuild_parameter_with_state", "Parameter", "Buffer":
		if len(args) == 0 {
			return nil, errArguments(class)
		}
		t, err := f.rebuildNested(args[0], depth-1)
		if t == nil && err == nil && args[0] != nil {
			err = errArguments(class)
		}
		return t, err
	case "_rebuild_from_type_v2", "_rebuild_from_type": // (function, type, its arguments, …)
		if len(args) < 3 {
			return nil, errArguments(class)
		}
		inner, ok1 := args[0].(pickle.Global)
		tuple, ok2 := args[2].(*pickle.Tuple)
		if !ok1 || !ok2 {
			return nil, errArguments(class)
		}
		return f.call(inner, tuple.Items, depth-1)
	case "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor":
		return nil, unsupported("the tensor is sparse; make it dense with .to_dense() and save again")
	case "_rebuild_meta_tensor_no_storage":
		return nil, unsupported("the tensor is a meta tensor, which has no values; load the weights before saving")
	case "_rebuild_device_tensor_from_numpy", "_rebuild_xla_tensor", "_rebuild_device_tensor_from_cpu_tensor":
		return nil, unsupported("the tensor was saved from an accelerator as a NumPy array; move it with .cpu() and save again")
	}
	return nil, nil
}

func errArguments(class pickle.Global) error {
	return fmt.Errorf("the arguments of %v are not the ones PyTorch writes: the file is damaged or from a newer version", class)
}

// plainBits refuses the lazy conjugate and negative views, which the argument at index tells of.
func plainBits(args []pickle.Value, index int) error {
	if index >= len(args) {
		return nil
	}
	metadata, ok := args[index].(*pickle.Dict)
	if !ok {
		return nil
	}
	for _, e := range metadata.Entries[:min(len(metadata.Entries), 8)] {
		if set, _ := e.Value.(bool); set && (e.Key == "conj" || e.Key == "neg") {
			return unsupported("the tensor is a lazy conjugate or negative; save it after .resolve_conj().resolve_neg()")
		}
	}
	return nil
}

// view makes a tensor of (storage, offset, size, stride, …), at least n arguments. dtype overrides the storage's type
// where it is not nil.
func (f *torchFile) view(args []pickle.Value, n int, dtype pickle.Value) (*Tensor, error) {
	if len(args) < n {
		return nil, errors.New("a tensor has too few arguments: the file is damaged")
	}
	s, ok := args[0].(*storage)
	if !ok {
		return nil, errors.New("a tensor is no view of a storage: the file is damaged")
	}
	offset, ok := args[1].(int64)
	size, ok2 := numbers(args[2])
	stride, ok3 := numbers(args[3])
	if !ok || !ok2 || !ok3 {
		return nil, errors.New("a tensor's offset, shape and strides are no numbers: the file is damaged")
	}
	t := s.dtype
	if dtype != nil {
		g, _ := dtype.(pickle.Global)
		if t, ok = torchDTypes[g.Name]; !ok {
			return nil, unsupported("the tensor's type %s is not supported; convert it (for instance with .float()) and save again",
				quote(g.String()))
		}
	}
	return f.place(s, t, offset, size, stride)
}

// numbers returns the items of a torch.Size, tuple or list of up to maxDims integers.
func numbers(v pickle.Value) ([]int64, bool) {
	items, ok := sequence(v)
	if o, isObject := v.(*pickle.Object); isObject && o.Class.Name == "Size" && len(o.Args) == 1 {
		items, ok = sequence(o.Args[0])
	}
	if len(items) > maxDims {
		return nil, false
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, isInt := item.(int64)
		ok = ok && isInt
		out[i] = n
	}
	return out, ok
}
