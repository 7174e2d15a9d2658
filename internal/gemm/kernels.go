package gemm

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// kernels are what a tier multiplies with, and what its kernels take. Weights are packed, windows planned and stages
// chosen by asking them; no tier is asked for its name. A tier without kernels of its own has those of the tier it is
// based on.
type kernels struct {
	tier cpu.Tier // that they were made for

	codes    codeKernels // of weights that are packed once
	computed codeKernels // of an Operand, which is packed each time
	long     codeKernels // of few bits, where pack chooses them
	reals    realKernels

	stages    [4]kernel.Func[codeStage] // by quant.Convention
	realStage kernel.Func[realStage]

	// scaledStage applies a RealStage to multiples of scaledStep channels.
	scaledStage kernel.Func[func(dst *float32, ldd int, acc *int32, width, rows, n int, s *RealStage)]
	scaledStep  int

	subtract kernel.Func[subtractKernel]

	windows     windowKernels
	codeWindows codeWindowKernels
}

// kernelsOf returns those of a tier.
func kernelsOf(tier cpu.Tier) *kernels { return tables.Of(tier) }

// TileRows returns the rows of a tile where products of codes are so fast that weights should be read for several tiles
// at once; 0 where that does not matter.
func TileRows(tier cpu.Tier) int { return kernelsOf(tier).codes.tileRows }

// codeKernels multiply codes.
type codeKernels struct {
	panelLayout

	// pack and packOperand are there where weights are laid out in another way, which packed or panels hold. Windows are of
	// taps of depth k; 0 where none are to be computed. pack may choose other kernels for w.
	pack        kernel.Func[func(w *Int8, codes []int8, depth int)]
	packOperand kernel.Func[func(own *codeKernels, o *Operand, room, src []byte)]
	sumOperand  kernel.Func[func(own *codeKernels, o *Operand, sums []int32, room []byte)] // of what packOperand has packed, see PackCodes
	anyZero     bool                                                                       // packOperand takes any zero point

	// sums fills acc [rows, width] with the products of rows of a with the panel whose first channel is j, and returns the
	// panel's width. Beyond channel N the accumulators are meaningless.
	sums kernel.Func[func(w *Int8, acc []int32, a []byte, lda, rows, j int) (width int)]

	// mul and mulInt32 are Mul and MulInt32 where there is another way than by blocks of accumulators, and false where they
	// leave the product to that.
	mul      kernel.Func[func(w *Int8, dst []byte, ldd int, a []byte, lda, m int, s *Stage) bool]
	mulInt32 kernel.Func[func(w *Int8, dst []int32, ldd int, a []byte, lda, m int, bias []int32) bool]

	packRuns kernel.Func[func(w []int8, n int, r Runs) runProduct]

	// runsPay reports whether rows of runs are faster than a panel for weights w [n, k]; nil where they always are.
	runsPay func(w []int8, k int) bool

	tileRows int // see TileRows

	tiles codeTiles
}

// realKernels multiply floats.
type realKernels struct {
	panelLayout
	wideTiles, narrowTiles tiles[realTile] // for panels of that width

	// finished are narrowTiles with the output stage, for panels of which all channels are there; of tall and of short tiles.
	finished [2]kernel.Func[finishedTile]
}

// finishedTile fills rows of dst with the outputs of one panel of weights, tiles one below the other.
type finishedTile = func(dst *float32, ldd int, a *float32, lda, tiles int, w *float32, k int, bias *float32, lo, hi float32)

// realTile fills acc, tiles one below the other, with the sums of one panel of weights.
type realTile = func(acc, a *float32, lda, tiles int, w *float32, k int)

// The output stages do what they can of apply, and return how many of the channels they did.
type (
	codeStage = func(s *Stage, dst []byte, ldd int, acc []int32, width, rows, j, n int) (done int)
	realStage = func(s *floatStage, dst []float32, ldd int, acc []float32, width, rows, n int) (done int)
)

// subtractKernel does acc[r·width+c] -= zero[c]·sums[r] for c < width, a multiple of 8, and r < rows.
type subtractKernel = func(acc *int32, width, rows int, sums, zero *int32)

// output is what becomes of the sums of a product: codes, or int32.
type output struct {
	stage *Stage
	codes []byte

	sums []int32 // where stage is nil
	bias []int32

	ldd int

	// Where pitch is not 0, of every pitch rows only the first width are there, and are stored one after the other.
	width, pitch int
}
