// What the kernels of AVX-512 for windows of floats share.

#include "windows_amd64.h"

#define CLEAR4(c0, c1, c2, c3) \
	VPXORD c0, c0, c0 \
	VPXORD c1, c1, c1 \
	VPXORD c2, c2, c2 \
	VPXORD c3, c3, c3

// LOAD4 and SAVE4 go on with the sums of before.
#define LOAD4(at, c0, c1, c2, c3) \
	VMOVUPS at(DI), c0       \
	VMOVUPS (at+64)(DI), c1  \
	VMOVUPS (at+128)(DI), c2 \
	VMOVUPS (at+192)(DI), c3

#define SAVE4(at, c0, c1, c2, c3) \
	VMOVUPS c0, at(DI)       \
	VMOVUPS c1, (at+64)(DI)  \
	VMOVUPS c2, (at+128)(DI) \
	VMOVUPS c3, (at+192)(DI)

#define CLEAR8 CLEAR4(Z0, Z1, Z2, Z3); CLEAR4(Z4, Z5, Z6, Z7)
#define CLEAR16 CLEAR8; CLEAR4(Z8, Z9, Z10, Z11); CLEAR4(Z12, Z13, Z14, Z15)
#define LOAD8 LOAD4(0, Z0, Z1, Z2, Z3); LOAD4(256, Z4, Z5, Z6, Z7)
#define LOAD16 LOAD8; LOAD4(512, Z8, Z9, Z10, Z11); LOAD4(768, Z12, Z13, Z14, Z15)
#define SAVE8 SAVE4(0, Z0, Z1, Z2, Z3); SAVE4(256, Z4, Z5, Z6, Z7)
#define SAVE16 SAVE8; SAVE4(512, Z8, Z9, Z10, Z11); SAVE4(768, Z12, Z13, Z14, Z15)

#define ROWS8 ROWS4; ROW(4, SI); ROW(5, DI); ROW(6, R8); ROW(7, R9)

#define ROW2(row, x, c0, c1) \
	VBROADCASTSS (row)(R10*1), x \
	VFMADD231PS  Z16, x, c0    \
	VFMADD231PS  Z17, x, c1

#define ROW1(row, x, c0) \
	VBROADCASTSS (row)(R10*1), x \
	VFMADD231PS  Z16, x, c0

// STAGE loads what the output stage needs.
#define STAGE \
	MOVQ         windowTask_dst(R13), DI      \
	MOVQ         windowTask_outs(R13), SI     \
	MOVQ         windowTask_bias(R13), DX     \
	MOVL         windowTask_channels(R13), AX \
	KMOVW        AX, K1                       \
	SHRL         $16, AX                      \
	KMOVW        AX, K2                       \
	VMOVUPS.Z    (DX), K1, Z16                \
	VBROADCASTSS windowTask_lo(R13), Z26      \
	VBROADCASTSS windowTask_hi(R13), Z27

// STORE1 is lo if less than that, hi if greater; NaN stays.
#define STORE1(i, c0) \
	MOVLQSX (4*i)(SI), AX      \
	VADDPS  c0, Z16, c0        \
	VMAXPS  c0, Z26, c0        \
	VMINPS  c0, Z27, c0        \
	VMOVUPS c0, K1, (DI)(AX*1)

#define STORE2(i, c0, c1) \
	STORE1(i, c0)              \
	VADDPS  c1, Z17, c1        \
	VMAXPS  c1, Z26, c1        \
	VMINPS  c1, Z27, c1        \
	VMOVUPS c1, K2, 64(DI)(AX*1)
