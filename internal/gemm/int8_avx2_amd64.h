// AVX2 has no exact product of four bytes. VPMADDUBSW multiplies bytes and adds two products in 16 bits, where the sum
// may saturate. So steps of 4 k are packed in twos and threes of which no sum of products can (see loads), and VPMADDWD
// by 1 takes the sum of all of them to 32 bits: a trio of 3 steps takes 4 operations that multiply, a duo of 2 steps 3, a
// solo that fits no other 2, where 2 are done in a cycle. A step of which the sum of two products could saturate is
// wide, VPMADDWD on bytes widened to 16 bits: 2 operations that multiply, but 6 in all, as bytes 0 and 2 of the step,
// the even half of each 16 bits, are left by a mask and 1 and 3, the odd half, by a shift.
//
// Registers:
//	R8-R15    rows of the tile             Y0-Y7   accumulators
//	AX,BX,CX  places of steps in a row     Y8,Y9   weights
//	DX        weights, of the next steps   Y10     16 times 1
//	SI        their places                 Y11     weights of a trio's last step, or 16 times 0x00ff
//	DI        iterations left              Y12-Y15 activations and products
//
// accAt and offset are where the sums and the runs of the panel at hand are, panelsLeft how many panels the tile has
// left, and tapAt and tapsLeft say the same of the taps.

#define TRIO_ROW(row, x, y, c) \
	VPBROADCASTD (row)(AX*1), x \
	VPBROADCASTD (row)(BX*1), y \
	VPMADDUBSW   Y8, x, x       \
	VPMADDUBSW   Y9, y, y       \
	VPADDW       y, x, x        \
	VPBROADCASTD (row)(CX*1), y \
	VPMADDUBSW   Y11, y, y      \
	VPADDW       y, x, x        \
	VPMADDWD     Y10, x, x      \
	VPADDD       x, c, c

#define DUO_ROW(row, x, y, c) \
	VPBROADCASTD (row)(AX*1), x \
	VPBROADCASTD (row)(BX*1), y \
	VPMADDUBSW   Y8, x, x       \
	VPMADDUBSW   Y9, y, y       \
	VPADDW       y, x, x        \
	VPMADDWD     Y10, x, x      \
	VPADDD       x, c, c

#define SOLO_ROW(row, x, c) \
	VPBROADCASTD (row)(AX*1), x \
	VPMADDUBSW   Y8, x, x       \
	VPMADDWD     Y10, x, x      \
	VPADDD       x, c, c

#define WIDE_ROW(address, x, y, c) \
	VPBROADCASTD address, y \
	VPAND        Y11, y, x  \
	VPSRLW       $8, y, y   \
	VPMADDWD     Y8, x, x   \
	VPMADDWD     Y9, y, y   \
	VPADDD       y, x, x    \
	VPADDD       x, c, c

// RUN points at the run of a tap for the panel, in DI.
#define RUN \
	MOVQ tapAt-24(SP), DI     \
	MOVQ avx2Tap_run(DI), DI  \
	ADDQ offset-8(SP), DI
