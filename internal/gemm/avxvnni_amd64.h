// Encodings of what Go's assembler does not know. It has only the EVEX form of VPDPBUSD, which needs AVX-512.

// DPBUSD is {vex} VPDPBUSD Yw, Ya, Yc: to each of 8 int32 of c it adds the products of 4 unsigned bytes of a by 4 signed
// bytes of w. Arguments are numbers of Y registers. VEX.256.66.0F38.W0 50 /r: c is ModRM.reg, w ModRM.rm, a VEX.vvvv.
#define DPBUSD(w, a, c) \
	BYTE $0xc4                                         \
	BYTE $(0xe2 ^ (((c) >> 3) << 7) ^ (((w) >> 3) << 5)) \
	BYTE $(0x05 | ((15 - (a)) << 3))                   \
	BYTE $0x50                                         \
	BYTE $(0xc0 | (((c) & 7) << 3) | ((w) & 7))
