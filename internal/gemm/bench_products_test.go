package gemm_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// Products of bytes by packed int8 to int32, as other libraries are measured by: square ones, and those of a 3×3
// convolution of 512 channels by 512.
var products = []struct{ m, k, n int }{
	{256, 256, 256},
	{512, 512, 512},
	{1024, 1024, 1024},
	{2048, 2048, 2048},
	{4096, 4096, 4096},
	{64, 4608, 512},
	{1024, 4608, 512},
}

// BenchmarkProducts takes every tier, for example
//
//	go test -run '^$' -bench 'Products/amx' -benchtime 1s ./internal/gemm
func BenchmarkProducts(b *testing.B) {
	for _, tier := range slices.Backward(cpu.Available()) {
		for _, threads := range []int{1, 2} {
			for _, p := range products {
				b.Run(fmt.Sprintf("%v/threads=%d/%dx%dx%d", tier, threads, p.m, p.k, p.n), func(b *testing.B) {
					if tier == cpu.Generic && p.m*p.k*p.n > 1<<30 {
						b.Skip("takes too long without vectors")
					}
					benchmarkProduct(b, p.m, p.k, p.n, threads, tier)
				})
			}
		}
	}
}

func benchmarkProduct(b *testing.B, m, k, n, threads int, tier cpu.Tier) {
	next := kerneltest.Random(1)
	a, codes, dst := make([]byte, m*k), bell(n*k, trained), make([]int32, m*n)
	for i := range a {
		a[i] = byte(next())
	}
	// Threads share the rows, or the channels where there are few rows.
	var parts []func()
	for t := range threads {
		if m >= 128*threads {
			w, first, end := gemm.PackInt8(codes, n, k, tier), t*m/threads, (t+1)*m/threads
			parts = append(parts, func() { w.MulInt32(dst[first*n:], n, a[first*k:], k, end-first, nil) })
			continue
		}
		first, end := t*n/threads, (t+1)*n/threads
		w := gemm.PackInt8(codes[first*k:end*k], end-first, k, tier)
		parts = append(parts, func() { w.MulInt32(dst[first:], n, a, k, m, nil) })
	}
	// The others wait awake, as those of OpenMP do: to wake a thread takes as long as a small product.
	var started, finished atomic.Int64
	var others sync.WaitGroup
	for _, part := range parts[1:] {
		others.Go(func() {
			for seen := int64(0); ; {
				switch now := started.Load(); {
				case now < 0:
					return
				case now > seen:
					part()
					finished.Add(1)
					seen = now
				}
			}
		})
	}
	rounds := int64(0)
	for b.Loop() {
		rounds++
		started.Store(rounds)
		parts[0]()
		for finished.Load() < rounds*int64(threads-1) {
		}
	}
	started.Store(-1)
	others.Wait()
	b.ReportMetric(2*float64(m)*float64(k)*float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gop/s")
}
