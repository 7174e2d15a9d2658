package hostile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// side is that of a square of almost as many pixels as are read by default.
const side = 5792

func pictures() []File {
	add := func(list []File, name string, build func() []byte) []File {
		return append(list, one(Picture, name, build))
	}
	var list []File
	for _, p := range []struct{ width, height, components, scans int }{
		{side, side, 1, 5000},
		{side, side, 3, 5000},
		{65500, 500, 1, 12000},
		{4000, 4000, 3, 3000},
		{1000, 1000, 4, 30000},
		{64, 64, 1, 30000},
		{side, side, 3, 9},
		{side, side, 4, 1},
		{3000, 3000, 3, 40},
	} {
		list = add(list, fmt.Sprintf("jpeg of %d scans, %d×%d, %d components", p.scans, p.width, p.height, p.components), func() []byte {
			return scans(p.width, p.height, p.components, p.scans, 0x11, false)
		})
	}
	list = add(list, "jpeg of scans behind a restart", func() []byte { return scans(side, side, 1, 5000, 0x11, true) })
	list = add(list, "jpeg, large units", func() []byte { return scans(65500, 33, 3, 200, 0x44, false) })
	list = add(list, "jpeg, 65535×65535", func() []byte { return scans(65535, 65535, 1, 1, 0x11, false) })
	list = add(list, "jpeg, baseline, no data", func() []byte { return jpeg(0xc0, side, side, 3, 0x11, []byte("\xff\xd9")) })
	list = add(list, "jpeg of 50,000 comments", func() []byte {
		return jpeg(0xc2, 16, 16, 1, 0x11, []byte(repeat(50_000, "\xff\xfe\x00\x02")))
	})
	list = add(list, "jpeg of tables", func() []byte {
		return jpeg(0xc2, 16, 16, 1, 0x11, []byte(repeat(20_000, string(table(0x10, 0x00)))))
	})
	list = add(list, "jpeg of fills", func() []byte { return append([]byte("\xff\xd8"), repeat(4<<20, "\xff")...) })
	list = add(list, "jpeg of notes before the frame", func() []byte {
		return append([]byte("\xff\xd8"), repeat(100, "\xff\xe1\xff\xff"+repeat(65533, "x"))...)
	})
	for _, depth := range []byte{8, 16} {
		for colour, channels := range map[byte]int{0: 1, 2: 3, 4: 2, 6: 4} {
			for _, interlace := range []byte{0, 1} {
				list = add(list, fmt.Sprintf("png bomb, depth %d, colour %d, interlace %d", depth, colour, interlace), func() []byte {
					return png(side, side, depth, colour, interlace, side*(side*channels*int(depth)/8+1)+int(interlace)*20_000)
				})
			}
		}
	}
	for name, p := range map[string][3]int{
		"png, a row of 33 million": {33_000_000, 1, 33_000_001}, "png, a column of 33 million": {1, 33_000_000, 66_000_000},
		"png, no data": {side, side, 0}, "png, more data": {8, 8, 1 << 30}, "png, 2³¹ pixels": {1 << 16, 1 << 15, 1 << 20},
		"png, 2³⁰ wide": {1 << 30, 1, 1 << 20},
	} {
		list = add(list, name, func() []byte { return png(p[0], p[1], 8, 0, 0, p[2]) })
	}
	list = add(list, "png, palette", func() []byte { return png(side, side, 8, 3, 1, side*(side+1)+20_000) })
	list = add(list, "png, 1 bit", func() []byte { return png(side, side, 1, 0, 1, side*(side/8+1)+20_000) })
	list = add(list, "png of chunks", func() []byte {
		b := png(64, 64, 8, 0, 0, 64*65)
		return append(b[:33:33], append([]byte(repeat(100_000, string(chunk("teSt", nil)))), b[33:]...)...)
	})
	list = add(list, "png of empty data", func() []byte {
		b := png(64, 64, 8, 0, 0, 64*65)
		return append(b[:33:33], append([]byte(repeat(100_000, string(chunk("IDAT", nil)))), b[33:]...)...)
	})
	list = add(list, "png, text bomb", func() []byte {
		b := png(64, 64, 8, 0, 0, 64*65)
		text := chunk("zTXt", append([]byte("Comment\x00\x00"), zlib(1<<30)...))
		return append(b[:33:33], append(text, b[33:]...)...)
	})
	list = add(list, "gif, large canvas", func() []byte { return gif(side, side, 1, 1, "\x02\x44\x01\x00") })
	list = add(list, "gif, no data", func() []byte { return gif(side, side, side, side, "\x00") })
	list = add(list, "gif of extensions", func() []byte {
		return append([]byte("GIF89a\x08\x00\x08\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"), repeat(300_000, "!\xfe\x00")...)
	})
	list = add(list, "gif of clears", func() []byte { return gif(side, side, side, side, repeat(8000, "\xff"+repeat(255, "\x44"))+"\x00") })
	list = add(list, "bmp, no data", func() []byte { return bmp(side, side, 24) })
	list = add(list, "bmp, wide", func() []byte { return bmp(33_000_000, 1, 32) })
	list = add(list, "bmp, 8 bits", func() []byte { return bmp(side, -side, 8) })
	list = add(list, "webp, a chunk of 2 GB", func() []byte {
		return webp("VP8 ", 0x7fffffff, "\x10\x00\x00\x9d\x01\x2a\x10\x00\x10\x00"+repeat(100, "\x00"))
	})
	list = add(list, "webp, large and lossy", func() []byte {
		return webp("VP8 ", 70_000, "\x10\x00\x10\x9d\x01\x2a\xa0\x16\xa0\x16"+repeat(69_990, "\x00"))
	})
	list = add(list, "webp, large and lossless", func() []byte {
		return webp("VP8L", 70_000, "\x2f\x9f\xd6\xa7\x05"+string(noise(69_995)))
	})
	list = add(list, "webp, lossless of zeros", func() []byte {
		return webp("VP8L", 2_000_000, "\x2f\x9f\xd6\xa7\x05"+repeat(1_999_995, "\x00"))
	})
	list = add(list, "webp, a canvas of 2³¹", func() []byte { return webp("VP8X", 10, "\x10\x00\x00\x00\xff\xff\x00\xff\x7f\x00") })
	return list
}

func segment(marker byte, b []byte) []byte {
	return append([]byte{0xff, marker, byte((len(b) + 2) >> 8), byte(len(b) + 2)}, b...)
}

// table is a Huffman table of one code, 0, for one symbol.
func table(index, symbol byte) []byte {
	b := make([]byte, 18)
	b[0], b[1], b[17] = index, 1, symbol
	return segment(0xc4, b)
}

// jpeg is the header of an image and what follows it.
func jpeg(frame byte, width, height, components int, sampling byte, rest []byte) []byte {
	f := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	for i := range components {
		f = append(f, byte(i+1), sampling, 0)
	}
	b := []byte("\xff\xd8")
	if components == 4 {
		b = append(b, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))...)
	}
	b = append(b, segment(0xdb, append([]byte{0}, repeat(64, "\x01")...))...)
	b = append(b, segment(frame, f)...)
	b = append(b, table(0x00, 0)...)    // of DC: no difference
	b = append(b, table(0x10, 0xe0)...) // of AC: a run of 2¹⁴ blocks without more, and 14 bits
	return append(b, rest...)
}

// scans is a progressive JPEG whose scans say nothing: each of one component's coefficients 1 to 63, a run of 2¹⁵ − 1 empty
// blocks after the other. hidden scans stand in a comment, where a decoder comes to that looks for a restart.
func scans(width, height, components, n int, sampling byte, hidden bool) []byte {
	blocks := (width + 7) / 8 * ((height + 7) / 8) * int(sampling>>4) * int(sampling&15)
	bits := []byte{}
	runs := blocks/(1<<15-1) + 1
	var word uint64
	have := 0
	for range runs { // 0 and fourteen ones
		word, have = word<<15|1<<14-1, have+15
		for have >= 8 {
			have -= 8
			if bits = append(bits, byte(word>>have)); bits[len(bits)-1] == 0xff {
				bits = append(bits, 0)
			}
		}
	}
	bits = append(bits, 0)
	var rest []byte
	for i := range n {
		rest = append(rest, segment(0xda, []byte{1, byte(i%components + 1), 0, 1, 63, 0})...)
		rest = append(rest, bits...)
	}
	if hidden {
		rest = append(rest, "\xff\xd9"...)
		lost := append(segment(0xdd, []byte{0, 1}), segment(0xda, []byte{1, 1, 0, 1, 63, 0})...)
		lost = append(lost, 0, 0, 0)
		part := append([]byte("\xff\xd0\x00\x00\x00"), append(segment(0xdd, []byte{0, 0}), rest...)...)
		rest = append(lost, segment(0xfe, part[:min(len(part), 65_000)])...)
	}
	return jpeg(0xc2, width, height, components, sampling, append(rest, "\xff\xd9"...))
}

func chunk(name string, data []byte) []byte {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), name...)
	b = append(b, data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// zlib is n zeros.
func zlib(n int) []byte {
	const prime = 65521 // of Adler's checksum, whose first half stays 1
	return binary.BigEndian.AppendUint32(append([]byte("\x78\xda"), deflated(nil, n, nil)...), uint32(n%prime)<<16|1)
}

func png(width, height int, depth, colour, interlace byte, n int) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(width)), uint32(height))
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, depth, colour, 0, 0, interlace))...)
	if colour == 3 {
		b = append(b, chunk("PLTE", make([]byte, 768))...)
	}
	b = append(b, chunk("IDAT", zlib(n))...)
	return append(b, chunk("IEND", nil)...)
}

func gif(width, height, w, h int, data string) []byte {
	word := func(b []byte, n int) []byte { return binary.LittleEndian.AppendUint16(b, uint16(n)) }
	b := word(word([]byte("GIF89a"), width), height)
	b = append(b, "\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00"...)
	b = append(word(word(b, w), h), "\x00\x02"...)
	return append(append(b, data...), ';')
}

func bmp(width, height, bits int) []byte {
	b := []byte("BM")
	for _, v := range []int{0, 0, 54, 40, width, height, 1 | bits<<16, 0, 0, 0, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return append(b, make([]byte, 100)...)
}

func webp(name string, length uint32, data string) []byte {
	b := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), max(uint32(len(data))+12, length+length&1+12)), "WEBP"...)
	return append(binary.LittleEndian.AppendUint32(append(b, name...), length), data...)
}
