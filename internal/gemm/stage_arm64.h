// What the output stages have in common.

// EACH4 is one instruction for 16 channels, whose values are V0-V3, and SAME4 with the same operand for all.
#define EACH4(OP, m) \
	OP(m, 0, 0)   \
	OP(m+1, 1, 1) \
	OP(m+2, 2, 2) \
	OP(m+3, 3, 3)

#define SAME4(OP, m) \
	OP(m, 0, 0) \
	OP(m, 1, 1) \
	OP(m, 2, 2) \
	OP(m, 3, 3)

#define CONVERT4(OP) \
	OP(0, 0) \
	OP(1, 1) \
	OP(2, 2) \
	OP(3, 3)

// LOAD4 loads the 16 accumulators of a row and adds V20-V23, the biases.
#define LOAD4 \
	FLDPQ (R2), (F0, F1)       \
	FLDPQ 32(R2), (F2, F3)     \
	VADD  V20.S4, V0.S4, V0.S4 \
	VADD  V21.S4, V1.S4, V1.S4 \
	VADD  V22.S4, V2.S4, V2.S4 \
	VADD  V23.S4, V3.S4, V3.S4

// STORE4 adds V19, and stores the lowest bytes.
#define STORE4 \
	VADD  V19.S4, V0.S4, V0.S4   \
	VADD  V19.S4, V1.S4, V1.S4   \
	VADD  V19.S4, V2.S4, V2.S4   \
	VADD  V19.S4, V3.S4, V3.S4   \
	VUZP1 V1.H8, V0.H8, V0.H8    \
	VUZP1 V3.H8, V2.H8, V2.H8    \
	VUZP1 V2.B16, V0.B16, V0.B16 \
	FMOVQ F0, (R0)               \
	ADD   R1, R0                 \
	ADD   $64, R2                \
	SUB   $1, R3
