package checkpoint

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Packed codes become floats a piece at a time: beside the result there is little more than the file.
func TestPackedCodesInPieces(t *testing.T) {
	const rows, bytes = 64, 1 << 16 // a row's, four codes in each
	header := fmt.Sprintf(`{"__metadata__":{"linquant.bits":"2","linquant.per":"channel","linquant.axis":"0","linquant.packed":"true",`+
		`"linquant.shape.w":"[%d, %d]"},"w":{"dtype":"U8","shape":[%d,%d],"data_offsets":[%d,%d]},`+
		`"w.scale":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, rows, 4*bytes, rows, bytes, 4*rows, 4*rows+rows*bytes, rows, 4*rows)
	file := safetensorsFile(header, 4*rows+rows*bytes)
	data := file[len(file)-4*rows-rows*bytes:]
	for r := range rows {
		scale := []byte{0, 0, 0x80, 0x3f} // 1, and 2 from row 32 on
		if r >= rows/2 {
			scale = []byte{0, 0, 0, 0x40}
		}
		copy(data[4*r:], scale)
		copy(data[4*rows+r*bytes:], strings.Repeat("\xe4", bytes)) // 0, 1, -2, -1
	}
	f := mustOpen(t, file)
	w := f.Tensors()[0]
	buf := make([]float32, w.Elements())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x, err := w.Float32s(buf)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	for r := range rows {
		scale := float32(1 + r/(rows/2))
		for i, want := range []float32{0, 1, -2, -1} {
			for at := r * 4 * bytes; at < (r+1)*4*bytes; at += 4 {
				if x[at+i] != scale*want {
					t.Fatalf("element %d is %v, want %v", at+i, x[at+i], scale*want)
				}
			}
		}
	}
	codes, err := w.Read()
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{0, 1, 0xfe, 0xff}; !slices.Equal(codes.Data[len(codes.Data)-4:], want) || !slices.Equal(codes.Data[:4], want) {
		t.Errorf("codes %v", codes.Data[:4])
	}
	// The file's codes and each unpacked once; whole they would be copied over and over.
	if used, most := after.TotalAlloc-before.TotalAlloc, uint64(rows*bytes+4*rows*bytes+2<<20); used > most {
		t.Errorf("%d bytes for %d in the file, more than %d", used, rows*bytes, most)
	}
}
