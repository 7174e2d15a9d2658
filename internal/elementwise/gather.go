package elementwise

import (
	"fmt"
	"unsafe"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Gather copies windows of a picture, each of a few lines that lie together, to rows of a panel: line l of window p, of
// Length bytes, from src[p·SrcStep + l·SrcLine] to dst[p·DstStep + l·DstLine].
type Gather struct {
	Pixels, Lines, Length int
	DstStep, DstLine      int
	SrcStep, SrcLine      int
}

func (g *Gather) check(dst, src int) {
	if g.Pixels < 1 || g.Lines < 1 || g.Length < 1 || !g.fits(dst, g.DstStep, g.DstLine) || !g.fits(src, g.SrcStep, g.SrcLine) {
		panic(fmt.Sprintf("elementwise: %+v does not fit slices of %d and %d bytes", *g, dst, src))
	}
}

// fits reports whether size elements hold all pixels. Sizes beyond int32 cannot be offsets here, and products of smaller
// ones do not overflow.
func (g *Gather) fits(size, step, line int) bool {
	last := int64(g.Pixels-1)*int64(step) + int64(g.Lines-1)*int64(line) + int64(g.Length)
	return step >= 0 && line >= 0 && last <= int64(size)
}

// Bytes copies. Reals are copied as their Bytes, or with Copy.
func (g *Gather) Bytes(dst, src []byte, tier cpu.Tier) {
	g.check(len(dst), len(src))
	k := kernelsOf(tier)
	for i := range k.gather {
		if by := &k.gather[i]; g.Length >= by.least && g.Length <= by.most {
			by.run.Get()(&dst[0], &src[0], kernel.NoEscape(g))
			return
		}
	}
	for p := range g.Pixels {
		for l := range g.Lines {
			copy(dst[p*g.DstStep+l*g.DstLine:][:g.Length], src[p*g.SrcStep+l*g.SrcLine:])
		}
	}
}

// Copy copies elements of either kind. The sizes of g are theirs.
func Copy[T byte | float32](dst, src []T, g *Gather, tier cpu.Tier) {
	size := int(unsafe.Sizeof(*new(T)))
	bytes := Gather{
		Pixels: g.Pixels, Lines: g.Lines, Length: size * g.Length,
		DstStep: size * g.DstStep, DstLine: size * g.DstLine, SrcStep: size * g.SrcStep, SrcLine: size * g.SrcLine,
	}
	bytes.Bytes(bytesOf(dst), bytesOf(src), tier)
}

// Bytes returns the memory of x.
func Bytes(x []float32) []byte { return bytesOf(x) }

func bytesOf[T byte | float32](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), int(unsafe.Sizeof(*new(T)))*len(x))
}
