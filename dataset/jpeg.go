package dataset

import (
	"bytes"
	"fmt"
)

// The markers of JPEG (ITU-T T.81, table B.1) that say how much work an image is.
const (
	jpegFirstFrame  = 0xc0 // baseline; 0xc1 is extended
	jpegProgressive = 0xc2
	jpegScan        = 0xda
)

// A decoder visits every block of 8×8 pixels of a component in every scan of it, and a scan that says nothing of them has a
// dozen bytes. Images of cameras and of the web have one scan or about ten.
const (
	maxVisits     = 12 << 20
	visitsPerByte = 2
)

// frame is what the header of a JPEG's frame says.
type frame struct {
	progressive   bool
	width, height int
	components    []component
}

type component struct {
	id     byte
	blocks int64 // of 8×8 pixels, those that pad the frame included
}

// jpegFrame reads the header of the frame, as package image/jpeg finds it; ok is false where there is none.
func jpegFrame(data []byte) (f frame, ok bool) {
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff { // passed over
			at++
			continue
		}
		marker := data[at+1]
		switch {
		case marker == 0xff: // fills
			at++
			continue
		case marker == 0 || marker >= 0xd0 && marker <= 0xd8: // has no length
			at += 2
			continue
		}
		length := int(data[at+2])<<8 | int(data[at+3])
		segment := data[at+4:]
		if length < 2 || len(segment) < length-2 {
			return f, false
		}
		if marker >= jpegFirstFrame && marker <= jpegProgressive {
			return parseFrame(marker == jpegProgressive, segment[:length-2])
		}
		if marker == jpegScan {
			return f, false
		}
		at += 2 + length
	}
	return f, false
}

func parseFrame(progressive bool, b []byte) (frame, bool) {
	if len(b) < 6 || len(b) != 6+3*int(b[5]) {
		return frame{}, false
	}
	f := frame{progressive: progressive, height: int(b[1])<<8 | int(b[2]), width: int(b[3])<<8 | int(b[4])}
	tallest, widest := 1, 1
	for c := b[6:]; len(c) > 0; c = c[3:] {
		widest, tallest = max(widest, int(c[1]>>4)), max(tallest, int(c[1]&15))
	}
	// The whole image is units of so many blocks.
	units := int64((f.width+8*widest-1)/(8*widest)) * int64((f.height+8*tallest-1)/(8*tallest))
	for c := b[6:]; len(c) > 0; c = c[3:] {
		f.components = append(f.components, component{c[0], units * int64(c[1]>>4) * int64(c[1]&15)})
	}
	return f, true
}

// memory returns the bytes that a decoder takes for the frame: a byte for each element of each component, four more for
// its coefficient where scans bring them one by one, and what is not Y, Cb and Cr again as red, green and blue.
func (f frame) memory() int64 {
	var blocks int64
	for _, c := range f.components {
		blocks += c.blocks
	}
	n := 64 * blocks
	if f.progressive {
		n *= 5
	}
	if len(f.components) > 1 {
		n += 4 * int64(f.width) * int64(f.height)
	}
	return n
}

// checkScans refuses a JPEG whose scans visit more blocks than its size, or its file's, accounts for. Every scan is counted
// that stands anywhere: a decoder that looks for a lost restart marker may pass into what was no scan before.
func checkScans(data []byte) error {
	f, ok := jpegFrame(data)
	if !ok {
		return nil // no decoder finds one either
	}
	var visits int64
	scans := 0
	for rest := data; ; scans++ {
		at := bytes.Index(rest, []byte{0xff, jpegScan})
		if at < 0 {
			break
		}
		rest = rest[at+2:]
		visits += f.visits(rest)
	}
	if most := int64(maxVisits + visitsPerByte*len(data)); visits > most {
		return kindError{ErrTooLarge, fmt.Sprintf("the JPEG of %d×%d pixels has %d scans, which are %.1f times the work that is "+
			"given to one: save it again without progression", f.width, f.height, scans, float64(visits)/float64(most))}
	}
	return nil
}

// visits returns how many blocks the scan visits whose header, without its marker, begins b; 0 where it is none.
func (f frame) visits(b []byte) int64 {
	if len(b) < 3 {
		return 0
	}
	n := int(b[2])
	if length := int(b[0])<<8 | int(b[1]); length != 6+2*n || len(b) < length {
		return 0
	}
	var blocks int64
	for i := range n {
		for _, c := range f.components {
			if c.id == b[3+2*i] {
				blocks += c.blocks
			}
		}
	}
	return blocks
}
