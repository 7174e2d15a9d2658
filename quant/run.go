package quant

import (
	"unsafe"

	"linquant/internal/cpu"
)

// vectors says how runs of elements are worked on: with the kernels of which tier, and whether results go past the
// caches.
type vectors struct {
	tier   cpu.Tier
	stream bool
}

const (
	// streamElements is the length from which on the output goes past the caches. With the input it is 40 MiB: more than
	// a core's share of the last cache, so it is not there any more when somebody reads it. And a line that is written
	// without being read first saves a sixth of the traffic of Quantize, and almost half of that of Dequantize.
	streamElements = 8 << 20

	// streamRun is the least run that is streamed: its two ends are not, and what they write into is read first.
	streamRun = 1 << 12

	// line is the alignment that streaming needs, the bytes of a line of the caches.
	line = 64

	// atATime is the most that a kernel is called for, whole lines of codes. A goroutine cannot be stopped in a kernel, as
	// the garbage collector wants to.
	atATime = 1 << 20

	// vectorRun is the least run that a kernel is called for. For shorter ones its constants take longer than the run.
	vectorRun = 16
)

// vectorsFor returns how to work on a tensor of so many elements.
func vectorsFor(elements int) vectors { return vectors{cpu.Chosen(), elements >= streamElements} }

// kernels reports whether there are any.
func (v vectors) kernels() bool { return haveKernels && v.tier.Lanes() > 1 }

// quantizeRun fills dst with the codes of src under one scale and zero point.
func quantizeRun[Q Code](v vectors, dst []Q, src []float32, scale float32, zeroPoint, qmin, qmax int32) {
	if !v.kernels() || unsafe.Sizeof(Q(0)) != 1 || len(src) < vectorRun {
		quantizeGeneric(dst, src, scale, zeroPoint, qmin, qmax)
		return
	}
	done := 0
	if p, ok := newQuantizer(scale, zeroPoint, qmin, qmax, ^Q(0) < 0); ok {
		stream := v.stream && len(src) >= streamRun
		if stream {
			done = toLine(unsafe.Pointer(&dst[0]), 1)
			quantizeGeneric(dst[:done], src[:done], scale, zeroPoint, qmin, qmax)
		}
		for done < len(src) {
			end := min(done+atATime, len(src))
			n := v.quantize(bytesOf(dst[done:end]), src[done:end], &p, stream)
			if done += n; n < atATime {
				break
			}
		}
	}
	quantizeGeneric(dst[done:], src[done:], scale, zeroPoint, qmin, qmax)
}

// dequantizeRun fills dst with the real values of src under one scale and zero point.
func dequantizeRun[Q Code](v vectors, dst []float32, src []Q, scale float32, zeroPoint int32) {
	if !v.kernels() || unsafe.Sizeof(Q(0)) != 1 || len(src) < vectorRun {
		dequantizeGeneric(dst, src, scale, zeroPoint)
		return
	}
	p := newDequantizer(scale, zeroPoint, ^Q(0) < 0)
	stream := v.stream && len(src) >= streamRun
	done := 0
	if stream {
		done = toLine(unsafe.Pointer(&dst[0]), 4)
		dequantizeGeneric(dst[:done], src[:done], scale, zeroPoint)
	}
	for done < len(src) {
		end := min(done+atATime, len(src))
		n := v.dequantize(dst[done:end], bytesOf(src[done:end]), &p, stream)
		if done += n; n < atATime {
			break
		}
	}
	dequantizeGeneric(dst[done:], src[done:], scale, zeroPoint)
}

// toLine returns how many elements of the given size lie before the next line.
func toLine(p unsafe.Pointer, size uintptr) int { return int(-uintptr(p) % line / size) }

// bytesOf returns the memory of codes of one byte.
func bytesOf[Q Code](codes []Q) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes))
}

// quantizer holds the constants of quantizeRun as the kernels read them. They divide by multiplying with the reciprocal
// in two parts, which is several times as fast as a division:
//
//	q = fma(x, inverse, x·residue)
//
// Before its last rounding q differs from x/scale by less than 2^-47 of it: 2^-48 for what residue lacks, 2^-48 for the
// rounding of x·residue. So q is float32(x/scale) but where x/scale is that near to the middle of two neighbours, and
// the code is the same but where one of these is a tie k + 1/2. Let m be that middle, scaled to an odd integer of 25
// bits, and x and scale be integers of 24 bits: then |x·2^j − scale·m| < 2^-47·x·2^j < 4 with j at most 25. For each k,
// each middle beside it, and each of these differences, there is one scale. TestHardestQuotients tries them all. (So
// that nothing underflows, scale has bounds; where x is below scale/4, q need not be exact, since it rounds to 0.)
//
// x is clamped before the division, by lo = (qmin − zeroPoint)·scale and hi: a quotient so near to an integer rounds to
// it, and division and rounding are monotone. So no quotient overflows, and none is clamped that would not have been.
type quantizer struct {
	inverse, residue float32 // their sum is 1/scale, to 48 bits
	lo, hi           float32
	after            uint32 // zero point, made so that the codes are never negative: 128 more where they are signed
	flip             uint32 // in each byte, the bit that makes them signed again
}

// newQuantizer is not ok for scales that the kernels do not divide by.
func newQuantizer(scale float32, zeroPoint, qmin, qmax int32, signed bool) (p quantizer, ok bool) {
	const least, most = 0x1p-64, 0x1p64
	if !(scale >= least && scale <= most) {
		return p, false
	}
	p = quantizer{
		inverse: 1 / scale,
		lo:      float32(qmin-zeroPoint) * scale, hi: float32(qmax-zeroPoint) * scale,
	}
	// The product of two float32 has 48 bits, and its difference from 1 fewer: only the division rounds.
	rest := 1 - float64(float64(scale)*float64(p.inverse))
	p.residue = float32(rest / float64(scale))
	p.after, p.flip = unsign(zeroPoint, signed)
	return p, true
}

// dequantizer holds the constants of dequantizeRun as the kernels read them.
type dequantizer struct {
	scale  float32
	before uint32 // as quantizer.after
	flip   uint32
}

func newDequantizer(scale float32, zeroPoint int32, signed bool) dequantizer {
	p := dequantizer{scale: scale}
	p.before, p.flip = unsign(zeroPoint, signed)
	return p
}

// unsign returns the zero point of codes whose sign bits were flipped, and the bits that flip it in four of them.
func unsign(zeroPoint int32, signed bool) (moved, flip uint32) {
	if signed {
		return uint32(zeroPoint + 128), 0x80808080
	}
	return uint32(zeroPoint), 0
}
