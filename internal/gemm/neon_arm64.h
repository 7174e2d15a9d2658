// Encodings of what Go's assembler does not know. Arguments are numbers of V registers in the assembler's order, the
// destination last, and x is an element of the register before it. The comment above each is GNU as's spelling of the
// same instruction, with which TestNEONEncodingsAssembled compares it.

// Products of bytes and of halves of them: M by N into or onto D.

// smull vD.8h, vN.8b, vM.8b
#define SMULL(m, n, d) WORD $(0x0e20c000 | (m)<<16 | (n)<<5 | (d))

// smull2 vD.8h, vN.16b, vM.16b
#define SMULL2(m, n, d) WORD $(0x4e20c000 | (m)<<16 | (n)<<5 | (d))

// smlal vD.8h, vN.8b, vM.8b
#define SMLAL(m, n, d) WORD $(0x0e208000 | (m)<<16 | (n)<<5 | (d))

// smlal2 vD.8h, vN.16b, vM.16b
#define SMLAL2(m, n, d) WORD $(0x4e208000 | (m)<<16 | (n)<<5 | (d))

// sadalp vD.4s, vN.8h
#define SADALP(n, d) WORD $(0x4e606800 | (n)<<5 | (d))

// FEAT_DotProd. To each int32 of D: 4 bytes of N by the 4 bytes x of M.

// sdot vD.4s, vN.16b, vM.4b[X]
#define SDOT(m, x, n, d) WORD $(0x4f80e000 | ((x)&1)<<21 | (m)<<16 | ((x)>>1)<<11 | (n)<<5 | (d))

// FEAT_I8MM. D is 2×2 int32: the 2 rows of 8 unsigned bytes of N by the 2 rows of 8 signed bytes of M.

// usmmla vD.4s, vN.16b, vM.16b
#define USMMLA(m, n, d) WORD $(0x4e80ac00 | (m)<<16 | (n)<<5 | (d))

// Floats.

// fmla vD.4s, vN.4s, vM.s[X]
#define FMLA(m, x, n, d) WORD $(0x4f801000 | ((x)&1)<<21 | (m)<<16 | ((x)>>1)<<11 | (n)<<5 | (d))

// fadd vD.4s, vN.4s, vM.4s
#define FADD(m, n, d) WORD $(0x4e20d400 | (m)<<16 | (n)<<5 | (d))

// fmul vD.4s, vN.4s, vM.4s
#define FMUL(m, n, d) WORD $(0x6e20dc00 | (m)<<16 | (n)<<5 | (d))

// fmax vD.4s, vN.4s, vM.4s
#define FMAX(m, n, d) WORD $(0x4e20f400 | (m)<<16 | (n)<<5 | (d))

// fmin vD.4s, vN.4s, vM.4s
#define FMIN(m, n, d) WORD $(0x4ea0f400 | (m)<<16 | (n)<<5 | (d))

// fcmgt vD.4s, vN.4s, vM.4s
#define FCMGT(m, n, d) WORD $(0x6ea0e400 | (m)<<16 | (n)<<5 | (d))

// scvtf vD.4s, vN.4s
#define SCVTF(n, d) WORD $(0x4e21d800 | (n)<<5 | (d))

// fcvtns vD.4s, vN.4s
#define FCVTNS(n, d) WORD $(0x4e21a800 | (n)<<5 | (d))

// Integers of 32 and 64 bits.

// smax vD.4s, vN.4s, vM.4s
#define SMAX(m, n, d) WORD $(0x4ea06400 | (m)<<16 | (n)<<5 | (d))

// smin vD.4s, vN.4s, vM.4s
#define SMIN(m, n, d) WORD $(0x4ea06c00 | (m)<<16 | (n)<<5 | (d))

// sqrdmulh vD.4s, vN.4s, vM.4s
#define SQRDMULH(m, n, d) WORD $(0x6ea0b400 | (m)<<16 | (n)<<5 | (d))

// sshr vD.4s, vN.4s, #31
#define SSHR31(n, d) WORD $(0x4f210400 | (n)<<5 | (d))

// srshl vD.4s, vN.4s, vM.4s
#define SRSHL(m, n, d) WORD $(0x4ea05400 | (m)<<16 | (n)<<5 | (d))

// srshl vD.2d, vN.2d, vM.2d
#define SRSHLD(m, n, d) WORD $(0x4ee05400 | (m)<<16 | (n)<<5 | (d))

// smull vD.2d, vN.2s, vM.2s
#define SMULLD(m, n, d) WORD $(0x0ea0c000 | (m)<<16 | (n)<<5 | (d))

// smull2 vD.2d, vN.4s, vM.4s
#define SMULLD2(m, n, d) WORD $(0x4ea0c000 | (m)<<16 | (n)<<5 | (d))
