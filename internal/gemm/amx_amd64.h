// Encodings of AMX's tile instructions, none of which Go's assembler knows. Tiles are numbers from 0 to 7; a general
// register is the number that instructions have for it. A tile in memory begins at base + offset, -128 ≤ offset < 128,
// and its rows are as many bytes apart as the register step holds.

#define AMX_AX 0
#define AMX_BX 3
#define AMX_DX 2
#define AMX_DI 7
#define AMX_R9 9
#define AMX_R12 12
#define AMX_R13 13

// LDTILECFG is ldtilecfg (base): it configures the tiles, and makes them 0. VEX.128.0F38.W0 49 /0.
#define LDTILECFG(base) \
	BYTE $0xc4                        \
	BYTE $(0xe2 ^ (((base) >> 3) << 5)) \
	BYTE $0x78                        \
	BYTE $0x49                        \
	BYTE $(0x40 | ((base) & 7))       \
	BYTE $0

// TILERELEASE is tilerelease: no tiles are configured any more. VEX.128.0F38.W0 49 C0.
#define TILERELEASE \
	BYTE $0xc4 \
	BYTE $0xe2 \
	BYTE $0x78 \
	BYTE $0x49 \
	BYTE $0xc0

// TILEZERO is tilezero tile. VEX.128.F2.0F38.W0 49 11:tile:000.
#define TILEZERO(tile) \
	BYTE $0xc4                   \
	BYTE $0xe2                   \
	BYTE $0x7b                   \
	BYTE $0x49                   \
	BYTE $(0xc0 | ((tile) << 3))

// TILEMOVE is what TILELOADD and TILESTORED have in common: VEX.128.F2 or F3.0F38.W0 4B /r with an index.
#define TILEMOVE(prefix, base, offset, step, tile) \
	BYTE $0xc4                                                   \
	BYTE $(0xe2 ^ (((base) >> 3) << 5) ^ (((step) >> 3) << 6))   \
	BYTE $(0x78 | (prefix))                                      \
	BYTE $0x4b                                                   \
	BYTE $(0x44 | ((tile) << 3))                                 \
	BYTE $((((step) & 7) << 3) | ((base) & 7))                   \
	BYTE $(offset)

// TILELOADD is tileloadd offset(base,step), tile.
#define TILELOADD(base, offset, step, tile) TILEMOVE(3, base, offset, step, tile)

// TILESTORED is tilestored tile, offset(base,step).
#define TILESTORED(tile, base, offset, step) TILEMOVE(2, base, offset, step, tile)

// TDPBUSD is tdpbusd w, a, c: to each int32 of c it adds the products of 4 unsigned bytes of a row of a by 4 signed
// bytes of w, for all such groups of the row. VEX.128.66.0F38.W0 5E 11:c:a with w in vvvv.
#define TDPBUSD(w, a, c) \
	BYTE $0xc4                       \
	BYTE $0xe2                       \
	BYTE $(0x01 | ((15 - (w)) << 3)) \
	BYTE $0x5e                       \
	BYTE $(0xc0 | ((c) << 3) | (a))
