package hostile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

func checkpoints() []File {
	var list []File
	add := func(name string, build func() []byte) { list = append(list, one(Checkpoint, name, build)) }

	const empty = `{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`
	entries := func(n int, entry string) string {
		return "{" + strings.TrimSuffix(numbered(n, func(i int) string { return fmt.Sprintf("\"%x\":%s,", i, entry) }), ",") + "}"
	}
	safe := func(name string, header func() string) {
		add("safetensors, "+name, func() []byte { return safetensors(header(), "") })
	}
	safe("100,000 empty tensors", func() string { return entries(100_000, empty) })
	safe("shapes of 64 dimensions", func() string {
		return entries(20_000, `{"dtype":"U8","shape":[`+repeat(63, "0,")+`0],"data_offsets":[0,0]}`)
	})
	safe("a shape of a million dimensions", func() string {
		return entries(1, `{"dtype":"U8","shape":[`+repeat(1_000_000, "0,")+`0],"data_offsets":[0,0]}`)
	})
	safe("nested", func() string { return `{"a":` + repeat(1<<20, `{"a":`) })
	safe("nested lists", func() string { return `{"a":{"shape":` + repeat(1<<20, `[`) })
	safe("a long name", func() string { return `{"` + repeat(4<<20, "n") + `":` + empty + `}` })
	safe("escapes", func() string { return `{"` + repeat(1<<20, `\u0061`) + `":` + empty + `}` })
	safe("blanks", func() string { return `{"a"` + repeat(8<<20, " ") + `:` + empty + `}` })
	safe("metadata of 300,000 entries", func() string {
		return `{"__metadata__":{` + strings.TrimSuffix(numbered(300_000, func(i int) string { return fmt.Sprintf("\"%x\":\"\",", i) }), ",") + `}}`
	})
	safe("one name over and over", func() string { return "{" + repeat(100_000, `"a":`+empty+`,`) + `"b":` + empty + "}" })
	safe("2⁶³ elements", func() string {
		return entries(1, `{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}`)
	})
	safe("codes without tensors", func() string {
		return `{"__metadata__":{"linquant.bits":"2","linquant.per":"tensor","linquant.packed":"true",` +
			strings.TrimSuffix(numbered(100_000, func(i int) string { return fmt.Sprintf("\"linquant.shape.%x\":\"[0]\",", i) }), ",") + `}}`
	})
	add("safetensors, a header of 100 MB that is not there", func() []byte {
		return append(binary.LittleEndian.AppendUint64(nil, 100_000_000), `{"a":`...)
	})
	add("safetensors, packed codes of empty rows", func() []byte {
		return safetensors(`{"__metadata__":{"linquant.bits":"2","linquant.per":"tensor","linquant.packed":"true",`+
			`"linquant.shape.w":"[1000000000, 0]"},"w":{"dtype":"U8","shape":[1000000000,0],"data_offsets":[0,0]},`+
			`"w.scale":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, "\x00\x00\x80\x3f")
	})

	array := func(shape string, n int) string {
		return npy(fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape)) + repeat(n, "\x00")
	}
	for _, gb := range []int{1, 4} {
		add(fmt.Sprintf("npz bomb of %d GB", gb), func() []byte {
			return bombs("x.npy", npy(fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", gb<<30)), gb<<30, 1)
		})
	}
	add("npz of 50 bombs of 60 MB", func() []byte {
		return bombs("x.npy", npy(fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", 60_000_000)), 60_000_000, 50)
	})
	add("npz bomb, column-major", func() []byte {
		return bombs("x.npy", npy("{'descr': '>f8', 'fortran_order': True, 'shape': (1000, 1000, 100), }"), 800_000_000, 1)
	})
	add("npz that lies of its size", func() []byte {
		b := bombs("x.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,), }"), 1_000_000, 1)
		at := bytes.LastIndex(b, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(b[at+24:], 1_000_000_000+128)
		return b
	})
	add("npz of 60,000 empty members", func() []byte {
		return zipped(zip.Store, numberedMembers(60_000, ".npy", ""))
	})
	add("npz of 30,000 empty arrays", func() []byte {
		return zipped(zip.Store, numberedMembers(30_000, ".npy", array("0,", 0)))
	})
	add("npz of 20,000 arrays, deflated", func() []byte {
		return zipped(zip.Deflate, numberedMembers(20_000, ".npy", array(repeat(31, "0,"), 0)))
	})
	add("npz, header of a bomb", func() []byte {
		return bombs("x.npy", "\x93NUMPY\x02\x00\xff\xff\xff\x7f", 1<<30, 1)
	})
	add("zip of zips", func() []byte {
		b := []byte(array("1,", 1))
		for range 10 {
			b = zipped(zip.Deflate, [][2]string{{"x.npy", string(b)}})
		}
		return b
	})
	add("zip of one name over and over", func() []byte {
		var members [][2]string
		for range 50_000 {
			members = append(members, [2]string{"a/data.pkl", ""})
		}
		return zipped(zip.Store, members)
	})
	add("zip of long names", func() []byte {
		return zipped(zip.Store, numberedMembers(100, repeat(60_000, "n")+".npy", array("1,", 1)))
	})
	add("zip without end", func() []byte { return []byte(repeat(200_000, "PK\x03\x04"+repeat(26, "\x00"))) })
	add("npy of 10¹⁸ elements", func() []byte { return []byte(array("1000000000000000000,", 10)) })
	add("npy, column-major", func() []byte {
		return []byte(npy("{'descr': '<f8', 'fortran_order': True, 'shape': ("+repeat(22, "2, ")+"), }") + repeat(8<<22, "\x00"))
	})
	add("npy, a long dictionary", func() []byte { return []byte(npy("{" + repeat(1200, "'a': 1, ") + "}")) })

	tarOf := func(n int, name string) string {
		return numbered(n, func(int) string { return tarMember(name, 0) })
	}
	add("tar of 20,000 folders", func() []byte { return []byte(tarOf(20_000, "folder/")) })
	add("tar of 20,000 pickles", func() []byte { return []byte(tarOf(20_000, "pickle")) })
	add("tar in a tar", func() []byte {
		inner := ""
		for range 12 {
			inner = tarMember("pickle", int64(len(inner))) + inner
		}
		return []byte(tarMember("storages", int64(len(inner))) + inner)
	})
	add("tar, a member of 8 GB", func() []byte { return []byte(tarMember("pickle", 8<<30-1)) })
	add("tar of notes", func() []byte {
		return []byte(repeat(300, tarNamed("note", 1<<20-512, 'x')+"28 path="+repeat(20, "a")+"\n"+repeat(1<<10-28, "\x00")))
	})
	add("tar, long links", func() []byte { return []byte(repeat(2000, tarNamed("link", 512, 'L')+repeat(512, "a"))) })
	return list
}

func safetensors(header, data string) []byte {
	return []byte(string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + data)
}

func npy(header string) string {
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) + header
}

// zipped is an archive of members, each a name and what is in it.
func zipped(method uint16, members [][2]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m[0], Method: method})
		if err == nil {
			_, err = w.Write([]byte(m[1]))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func numberedMembers(n int, suffix, content string) [][2]string {
	list := make([][2]string, n)
	for i := range list {
		list[i] = [2]string{fmt.Sprint(i) + suffix, content}
	}
	return list
}

// bombs is an archive of several members, each head and n zeros.
func bombs(name, head string, n, members int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	data, sum := deflated([]byte(head), n, nil), crcZeros([]byte(head), n, nil)
	for i := range members {
		w, err := z.CreateRaw(&zip.FileHeader{
			Name: fmt.Sprint(i) + name, Method: zip.Deflate, CRC32: sum,
			CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(head) + n),
		})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func tarMember(name string, size int64) string { return tarNamed(name, size, '0') }

func tarNamed(name string, size int64, kind byte) string {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o", size))
	copy(b[136:], "00000000000\x00        ")
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return string(b)
}
