// What the kernels for windows of floats share. The registers are those of windows_avx512_amd64.s.

#define ARGUMENTS \
	MOVQ t+0(FP), R13                   \
	MOVQ windowTask_taps(R13), R15      \
	MOVQ windowTask_prefetch(R13), R12  \
	MOVQ windowTask_count(R13), R10     \
	MOVQ R10, taps-8(SP)

// BEGINS and ENDS compare: not equal where sums begin and end here.
#define BEGINS \
	MOVQ sums+8(FP), DI            \
	CMPB windowTask_begin(R13), $0

#define ENDS \
	MOVQ sums+8(FP), DI          \
	CMPB windowTask_end(R13), $0

// TAP loads what ROW needs: the ends of the first row and of a row of zeros.
#define TAP \
	MOVQ windowTap_depth(R15), R11      \
	MOVQ windowTask_a(R13), R10         \
	ADDQ R11, R10                       \
	ADDQ windowTask_zeros(R13), R11

// ROW points at the end of row i of the tile, for this tap.
#define ROW(i, row) \
	MOVLQSX (windowTap_rows+4*i)(R15), row \
	TESTQ   row, row                       \
	LEAQ    (R10)(row*1), row              \
	CMOVQLT R11, row

#define ROWS4 TAP; ROW(0, AX); ROW(1, BX); ROW(2, CX); ROW(3, DX)

// BEGIN points at the weights of this tap, of panels of 16·scale channels.
#define BEGIN(scale) \
	MOVQ windowTask_w(R13), R11         \
	MOVQ windowTap_weight(R15), R10     \
	LEAQ (R11)(R10*scale), R11          \
	MOVQ windowTap_depth(R15), R10      \
	NEGQ R10

#define NEXT \
	ADDQ $windowTap__size, R15 \
	DECQ taps-8(SP)
