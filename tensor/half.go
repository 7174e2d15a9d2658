package tensor

import (
	"encoding/binary"

	"linquant/internal/cpu"
)

// Conversions of many floats of 16 bits at once: dst is filled from little-endian src, two bytes an element. The kernels of
// the tier do the beginning, as much as they can, the functions for one element the rest.

func widenFloat16(tier cpu.Tier, dst []float32, src []byte) {
	i := inParts(len(dst), func(i, n int) int { return widenFloat16Vector(tier, dst[i:i+n], src[2*i:]) })
	for ; i < len(dst); i++ {
		dst[i] = Float16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func widenBFloat16(tier cpu.Tier, dst []float32, src []byte) {
	i := inParts(len(dst), func(i, n int) int { return widenBFloat16Vector(tier, dst[i:i+n], src[2*i:]) })
	for ; i < len(dst); i++ {
		dst[i] = bfloat16ToFloat32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// atATime is the most that a kernel is called for, whole vectors. A goroutine cannot be stopped in a kernel, as the
// garbage collector wants to.
const atATime = 1 << 20

// inParts calls kernel for n elements, from i on, until all have been done that it does, and returns how many.
func inParts(elements int, kernel func(i, n int) int) (done int) {
	for done < elements {
		n := kernel(done, min(elements-done, atATime))
		if done += n; n < atATime {
			break
		}
	}
	return done
}
