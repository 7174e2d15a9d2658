package hostile

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
)

// million is many opcodes, below the most that are read.
const million = 1 << 20

// pickles are objects that a PyTorch file is to hold.
func pickles() []File {
	var list []File
	add := func(name string, object func() string) {
		list = append(list, one(Checkpoint, "pickle, "+name, func() []byte { return torch(object(), 64) }))
	}
	for name, op := range map[string]string{
		"empty lists": "]", "empty dicts": "}", "empty sets": "\x8f", "empty tuples": ")", "none": "N", "marks": "(",
		"small numbers": "K\x01", "floats": "G\x00\x00\x00\x00\x00\x00\x00\x00", "duplicates": "2", "empty text": "\x8c\x00",
		"empty bytes": "C\x00", "lists of one": "]N", "dicts of one": "}NNs", "tuples of tuples": "\x85", "sets of sets": "(\x91",
		"long numbers": "\x8a\x09" + repeat(9, "\x7f"), "long text": "U\x09" + repeat(9, "x"),
	} {
		add("a million "+name, func() string { return "N" + repeat(million, op) })
		add("four million "+name, func() string { return "N" + repeat(4*million/len(op)-1, op) })
	}
	add("lists that double", func() string {
		return "]q\x00" + numbered(200, func(i int) string { return fmt.Sprintf("](h%ch%ceq%c", i, i, i+1) })
	})
	add("a list of itself", func() string { return "]q\x00(" + repeat(million, "h\x00") + "e" })
	add("a list that appends itself", func() string { return "]q\x00" + repeat(million/2, "h\x00a") })
	add("a million memos", func() string { return "N" + repeat(million, "\x94") })
	add("a million memos, in disorder", func() string {
		return "N" + numbered(million/2, func(i int) string { return "r" + word(uint32(i*7919+1000)) })
	})
	add("a million marks and lists", func() string { return repeat(million, "(") + repeat(million, "l") })
	add("nested tuples", func() string { return "N" + repeat(million, "\x85") })
	add("nested lists", func() string { return repeat(million, "]") + repeat(million-1, "a") })
	add("nested dicts", func() string { return repeat(million, "}N") + repeat(million-1, "s") })
	add("a long text, over and over", func() string {
		return text(repeat(1<<20, "x")) + "q\x00}(" + repeat(million/2, "h\x00N") + "u"
	})
	add("a long text in tuples", func() string { return text(repeat(1<<20, "x")) + "q\x00(" + repeat(million, "h\x00\x85") + "t" })
	add("a text that is not there", func() string { return "\x8d" + "\xff\xff\xff\xff\x00\x00\x00\x00" + repeat(1000, "x") })
	add("bytes that are not there", func() string { return "\x8e" + "\xff\xff\xff\xff\xff\xff\xff\x7f" + repeat(1000, "x") })
	add("a number of 4 MB", func() string { return "\x8b" + word(4<<20) + repeat(4<<20, "\x80") })
	add("decimal numbers", func() string { return repeat(4000, "L"+repeat(999, "9")+"L\n") })
	add("a line without end", func() string { return "S'" + repeat(8<<20, "x") })
	add("escaped text", func() string { return repeat(100, "S'"+repeat(15_000, `\x41`)+"'\n") })
	add("escaped Unicode", func() string { return repeat(100, "V"+repeat(10_000, `\u0041`)+"\n") })
	add("pairs of Python 2", func() string {
		return "ccollections\nOrderedDict\n(](" + repeat(200_000, "NN\x86") + "etRq\x00(" + repeat(100_000, "h\x00") + "t"
	})
	add("states over and over", func() string { return "ccollections\nOrderedDict\n)R" + repeat(million, "}b") })
	add("imports", func() string { return "(" + repeat(100_000, "ccollections\nOrderedDict\n") + "t" })
	add("imports that are refused", func() string { return "cos\nsystem\n(U\x02lstR" })
	add("calls", func() string { return "ccollections\nOrderedDict\nq\x00(" + repeat(300_000, "h\x00)R") + "t" })
	add("calls of calls", func() string {
		return "ctorch._tensor\n_rebuild_from_type_v2\nq\x00" + repeat(million, "h\x00N") + "h\x00NN\x87" + repeat(million, "\x87") + "R"
	})
	add("storages", func() string { return "(" + repeat(40_000, storage("K\x10")) + "t" })
	add("names of 4,000 bytes", func() string {
		return text(repeat(4000, "k")) + "q\x01" + view("K\x10", "K\x04", "K\x01") + "q\x02](" + repeat(5_000, "}h\x01h\x02s") + "e"
	})
	add("one tensor 100,000 times", func() string {
		return view("K\x10", "K\x04", "K\x01") + "q\x00](" + repeat(100_000, "h\x00") + "e"
	})
	add("a tensor of 64 dimensions", func() string {
		return view("K\x10", repeat(64, "K\x01"), repeat(64, "K\x01"))
	})
	add("expanded", func() string { return view("K\x10", "J\x00\x00\x00\x04", "K\x00") })
	add("expanded, 2,000 times", func() string { return "(" + repeat(2000, view("K\x10", "J\x00\x00\xf0\x00", "K\x00")) + "t" })
	large := func(name string, bytes int, object func() string) {
		list = append(list, one(Checkpoint, "storage, "+name, func() []byte { return torch(object(), bytes) }))
	}
	const elements = "J\x00\x00\x10\x00" // 2²⁰
	large("2,000 views", 4<<20, func() string { return "(" + repeat(2000, view(elements, elements, "K\x01")) + "t" })
	large("2,000 mentions of a view", 4<<20, func() string { return view(elements, elements, "K\x01") + "q\x00(" + repeat(1999, "h\x00") + "t" })
	large("300 transposed views", 4<<20, func() string {
		return "(" + repeat(300, view(elements, "M\x00\x04M\x00\x04", "K\x01M\x00\x04")) + "t"
	})
	large("unfolded", 4<<20, func() string { return view(elements, "M\x00\x80M\x00\x80", "K\x01K\x01") })
	large("unfolded, 16 times", 4<<20, func() string { return "(" + repeat(16, view(elements, "M\x00\x0fM\x00\x0f", "K\x01K\x02")) + "t" })
	large("far apart", 4<<20, func() string {
		return "(" + repeat(2000, view(elements, "M\x00\x02M\x00\x01", "M\x00\x08K\x00")) + "t"
	})
	return list
}

func word(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }

func text(s string) string { return "X" + word(uint32(len(s))) + s }

// storage is the opcodes for the storage 0, of so many floats, an opcode.
func storage(n string) string {
	return "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu" + n + "tQ"
}

// view is the opcodes for a tensor over it, whose dimensions are opcodes too.
func view(n, shape, strides string) string {
	return "ctorch._utils\n_rebuild_tensor\n(" + storage(n) + "K\x00(" + shape + "t(" + strides + "ttR"
}

// torch is a file of the object that opcodes make, with a storage of n bytes.
func torch(object string, n int) []byte {
	return zipped(zip.Store, [][2]string{{"a/data.pkl", "\x80\x02" + object + "."}, {"a/data/0", repeat(n, "\x00")}})
}
