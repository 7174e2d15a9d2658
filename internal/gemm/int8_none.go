//go:build purego || !amd64

package gemm

import "linquant/internal/cpu"

func (*Int8) mulVNNI([]int32, int, []byte, int, int, []int32) bool { return false }

func packTaps(w []int8, n, k, _ int, tier cpu.Tier) *Int8 { return PackInt8(w, n, k, tier) }
