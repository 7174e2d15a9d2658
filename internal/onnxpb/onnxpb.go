// Package onnxpb reads and writes the protocol buffer messages of ONNX: those parts of them that describe a network for
// inference.
//
// A Model that was read is the structure of the file, with the tensors' elements as views of it. Nothing is checked but
// the encoding: what names mean and whether sizes agree is the business of package onnx. Memory is allocated by what is
// there, counted before it is allocated, never by what a number in the file claims, and no list may take more than 1 MiB
// and four times the message that it is in.
//
// The messages and their field numbers are those of onnx.proto3 of ONNX 1.20 (IR version 13); fields that are not
// listed here, and fields of later versions, are skipped.
package onnxpb

// Model is ModelProto.
type Model struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	ModelVersion    int64
	Doc             string
	Graph           *Graph // nil where the message has none
	Opsets          []Opset
	Metadata        []Entry
	Functions       []Function
}

// Function is FunctionProto: nodes that nodes of its domain, name and overload stand for.
type Function struct {
	Domain, Name, Overload string
	Inputs, Outputs        []string
	Attributes             []string // names without a default
	Defaults               []Attr
	Nodes                  []Node
	Opsets                 []Opset // that its nodes are of
}

// Opset is OperatorSetIdProto: a set of operators and its version. The domain "" is that of ONNX itself.
type Opset struct {
	Domain  string
	Version int64
}

// Entry is StringStringEntryProto.
type Entry struct{ Key, Value string }

// Graph is GraphProto.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []ValueInfo
	Outputs      []ValueInfo
	Values       []ValueInfo // of values between nodes: what is known of some, not necessarily of all
	Sparse       int         // how many sparse initializers there are; they are not read
}

// Node is NodeProto.
type Node struct {
	Name    string
	Op      string
	Domain  string
	Inputs  []string // "" stands for one that is left out
	Outputs []string
	Attrs   []Attr
	Inline  *Inline // nil for most
}

// Inline is what few nodes have: of a function that is overloaded, or within one.
type Inline struct {
	Overload string           // NodeProto.overload
	Opsets   map[string]int64 // not in a file: of the function that the node stands in
	Within   string           // not in a file: the first output of the node of the file's own graph that became this one
}

// AttrType is AttributeProto.AttributeType: which field of an attribute has its value.
type AttrType int32

// The types of attributes. Those without a field in Attr are not read.
const (
	AttrFloat   AttrType = 1
	AttrInt     AttrType = 2
	AttrString  AttrType = 3
	AttrTensor  AttrType = 4
	AttrGraph   AttrType = 5
	AttrFloats  AttrType = 6
	AttrInts    AttrType = 7
	AttrStrings AttrType = 8
	AttrTensors AttrType = 9
	AttrGraphs  AttrType = 10
	AttrSparse  AttrType = 11
)

// Attr is AttributeProto. Where a file has no type, as the first versions allowed, Read takes it from the field that is
// set.
type Attr struct {
	Name    string
	Type    AttrType
	Float   float32
	Int     int64
	String  string
	Tensor  *Tensor
	Floats  []float32
	Ints    []int64
	Strings []string
	Graph   []byte // the message of a GraphProto, for ReadGraph
	Ref     string // the name of a function's attribute that it stands for
}

// DataType is TensorProto.DataType: the type of a tensor's elements.
type DataType int32

// The types of elements. Two of 4 bits, or four of 2 bits, share a byte, the first in its lowest bits.
const (
	Float      DataType = 1
	Uint8      DataType = 2
	Int8       DataType = 3
	Uint16     DataType = 4
	Int16      DataType = 5
	Int32      DataType = 6
	Int64      DataType = 7
	String     DataType = 8
	Bool       DataType = 9
	Float16    DataType = 10
	Double     DataType = 11
	Uint32     DataType = 12
	Uint64     DataType = 13
	Complex64  DataType = 14
	Complex128 DataType = 15
	BFloat16   DataType = 16
	Uint4      DataType = 21
	Int4       DataType = 22
	Uint2      DataType = 25
	Int2       DataType = 26
)

// Tensor is TensorProto. Its elements are in one of four places.
type Tensor struct {
	Name string
	Dims []int64
	Type DataType

	Raw []byte // raw_data: little-endian elements; nil where the field is missing

	// Packed holds the little-endian elements of float_data (4 bytes each) and double_data (8 bytes each), Varints the
	// elements of the other types' fields (int32_data, int64_data or uint64_data), one number an element (for 4 and 2
	// bits: one a byte). They are views of the file where they lie there in one piece.
	Packed  []byte
	Varints []byte

	External []Entry // external_data: where in another file the elements are
	Outside  bool    // data_location says that the elements are in another file
	Segment  bool    // the tensor is only a part of one, a form that was never used
}

// ValueInfo is ValueInfoProto: what is known of a value.
type ValueInfo struct {
	Name     string
	Type     DataType // 0 where it is not known or the value is no tensor
	NoTensor bool     // the value is a sequence, a map, a sparse tensor or an optional
	HasShape bool     // Dims is known; without dimensions the value is a scalar
	Dims     []Dim
}

// Dim is TensorShapeProto.Dimension: a number, a name for a number that is known later, or neither.
type Dim struct {
	Value int64 // -1 where there is no number
	Param string
}
