package hostile

import (
	"encoding/binary"
	"fmt"
)

func datasets() []File {
	var list []File
	add := func(name, kind string, build func() map[string][]byte) {
		list = append(list, File{name, Dataset, kind, build})
	}
	const images, labels = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
	idx := func(dims ...uint32) []byte {
		b := []byte{0, 0, 8, byte(len(dims))}
		for _, d := range dims {
			b = binary.BigEndian.AppendUint32(b, d)
		}
		return b
	}
	for _, mb := range []uint32{100, 1000, 6000} {
		add(fmt.Sprintf("idx bomb of %d MB", mb), "idx", func() map[string][]byte {
			return map[string][]byte{
				images: gzipped(idx(mb, 1000, 1000), int(mb)*1_000_000), labels: gzipped(idx(mb), int(mb)),
			}
		})
	}
	add("idx bomb of labels", "idx", func() map[string][]byte {
		return map[string][]byte{images: gzipped(idx(1<<30, 1, 1), 1<<30), labels: gzipped(idx(1<<30), 1<<30)}
	})
	add("idx that goes on", "idx", func() map[string][]byte {
		return map[string][]byte{images: gzipped(idx(1, 28, 28), 1<<30), labels: gzipped(idx(1), 1)}
	})
	add("idx of empty parts", "idx", func() map[string][]byte {
		return map[string][]byte{images: []byte(repeat(200_000, string(gzipped(nil, 0)))), labels: gzipped(idx(1), 1)}
	})
	add("idx of one image", "idx", func() map[string][]byte {
		return map[string][]byte{images: gzipped(idx(1, 8192, 8192), 1<<26), labels: gzipped(idx(1), 1)}
	})
	cifar := func(name string, object func() string) {
		add("cifar, "+name, "cifar10", func() map[string][]byte { return map[string][]byte{"test_batch": []byte("\x80\x02" + object() + ".")} })
	}
	long := "B" + word(10<<20) + repeat(10<<20, "k") + "q\x00"
	cifar("keys of 10 MB", func() string { return long + "}(" + repeat(million/4, "h\x00N") + "u" })
	cifar("keys of keys", func() string { return "}(" + repeat(million, "NN") + "u" })
	cifar("labels", func() string { return "}(U\x06labels](" + repeat(million, "K\x01") + "eu" })
	cifar("lists", func() string { return "}(U\x04data" + repeat(2*million, "]") + "u" })
	batch := "}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(%sM\x00\x0ct" +
		"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89%stbU\x06labels](%seu"
	cifar("images over and over", func() string {
		return fmt.Sprintf(batch, "J"+word(1000), "B"+word(3072*1000)+repeat(3072*1000, "\x00"), repeat(1000, "K\x01"))
	})
	add("cifar, names of 10 MB", "cifar10", func() map[string][]byte {
		return map[string][]byte{
			"test_batch.bin": make([]byte, 3073),
			"batches.meta":   []byte("\x80\x02" + long + "}(U\x0blabel_names](" + repeat(million/4, "h\x00") + "eu."),
		}
	})
	add("cifar, text without end", "cifar10", func() map[string][]byte {
		return map[string][]byte{"test_batch.bin": make([]byte, 3073), "batches.meta.txt": []byte(repeat(8<<20, "n\n"))}
	})
	npz := func(name string, build func() []byte) {
		add("data, "+name, "npz", func() map[string][]byte { return map[string][]byte{"file.npz": build()} })
	}
	array := func(dtype, shape string) string {
		return npy(fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, shape))
	}
	npz("bomb", func() []byte { return bombs("x.npy", array("|u1", "1000, 1000, 1000"), 1_000_000_000, 1) })
	npz("labels of 8 million", func() []byte {
		return zipped(8, [][2]string{
			{"x.npy", array("|u1", "8000000, 1") + repeat(8_000_000, "\x00")},
			{"y.npy", array("|u1", "8000000,") + repeat(8_000_000, "\x00")},
		})
	})
	npz("labels of 2 million", func() []byte {
		return zipped(8, [][2]string{
			{"x.npy", array("|u1", "2000000, 1") + repeat(2_000_000, "\x00")},
			{"y.npy", array("|u1", "2000000,") + repeat(2_000_000, "\x00")},
		})
	})
	npz("labels of 60 million", func() []byte {
		return zipped(8, [][2]string{
			{"x.npy", array("|u1", "60000000, 1") + repeat(60_000_000, "\x00")},
			{"y.npy", array("|u1", "60000000,") + repeat(60_000_000, "\x00")},
		})
	})
	for name, text := range map[string]func() string{
		"labels of 16 million lines":  func() string { return repeat(8<<20-1, "\n") + "x" },
		"labels of returns":           func() string { return repeat(7<<20, "\r\n") + "x" },
		"labels, one line":            func() string { return repeat(15<<20, "x") },
		"labels, more than there are": func() string { return repeat(17<<20, "x\n") },
		"labels, half of a letter":    func() string { return repeat(15<<20, "\xe2\x82") },
	} {
		list = append(list, one(Labels, name, func() []byte { return []byte(text()) }))
	}
	return list
}
