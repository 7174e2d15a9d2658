//go:build amd64 && !purego

package quant

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// large is more than any cache holds: 256 MiB of floats, 64 MiB of codes.
const large = 64 << 20

// atOnce calls f for the parts of large elements that so many goroutines do at the same time.
func atOnce(goroutines int, f func(lo, hi int)) time.Duration {
	start := time.Now()
	var group sync.WaitGroup
	for g := range goroutines {
		group.Go(func() { f(large/goroutines*g, large/goroutines*(g+1)) })
	}
	group.Wait()
	return time.Since(start)
}

// BenchmarkLarge has the rates, in bytes read and written, at which large arrays are quantized and dequantized, and the
// rates of nothing but reading and writing as much (stream), of both the best of all turns. They alternate, because
// other work on the machine moves both.
func BenchmarkLarge(b *testing.B) {
	if !cpu.Has(cpu.AVX2) {
		b.Skip("the streams are in AVX2")
	}
	x, q := kerneltest.Aligned[float32](large)[:large], kerneltest.Aligned[uint8](large)[:large]
	for i := range x { // Without long runs of one byte, which memory can be faster at.
		x[i] = float32(i*7919%251-125) / 50
		q[i] = uint8(i)
	}
	p := TensorParams(Uint(8), 0.02, 128)
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	for _, c := range []struct {
		name         string
		stream, ours func(lo, hi int)
	}{
		{
			"quantize",
			func(lo, hi int) { stream4to1(&q[lo], &x[lo], hi-lo) },
			func(lo, hi int) { check(Quantize(q[lo:hi], x[lo:hi], nil, p)) },
		},
		{
			"dequantize",
			func(lo, hi int) { stream1to4(&x[lo], &q[lo], hi-lo) },
			func(lo, hi int) { check(Dequantize(x[lo:hi], q[lo:hi], nil, p)) },
		},
	} {
		for goroutines := 1; goroutines <= 2; goroutines++ {
			b.Run(fmt.Sprintf("%s/goroutines=%d", c.name, goroutines), func(b *testing.B) {
				stream, ours := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				for b.Loop() {
					stream = min(stream, atOnce(goroutines, c.stream))
					ours = min(ours, atOnce(goroutines, c.ours))
				}
				const bytes = 5 * large
				b.ReportMetric(bytes/float64(stream.Nanoseconds()), "stream-GB/s")
				b.ReportMetric(bytes/float64(ours.Nanoseconds()), "GB/s")
				b.ReportMetric(100*float64(stream)/float64(ours), "%-of-stream")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
