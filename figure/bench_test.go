package figure

import (
	"fmt"
	"io"
	"testing"
)

// BenchmarkHistograms draws and encodes nine panels as 2000 by 1200 pixels, from 256 bins of reals or from codes.
func BenchmarkHistograms(b *testing.B) {
	for _, bits := range []int{32, 8, 4, 2} {
		for _, format := range []string{"png", "svg"} {
			b.Run(fmt.Sprintf("bits=%d/%s", bits, format), func(b *testing.B) {
				hs := layers(9, bits)
				b.ReportAllocs()
				for b.Loop() {
					f, err := Histograms("Histogram of Weights", hs)
					if err != nil {
						b.Fatal(err)
					}
					if err := Encode(io.Discard, format, f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
