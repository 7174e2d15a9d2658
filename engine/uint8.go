package engine

import (
	"context"
	"encoding/binary"
	"fmt"
)

// RunUint8 is Run for networks whose inputs are all uint8 codes (see IO.Quant), which are given as they are: the pixels
// of images, 0 to 255, for a network of vision.PixelInput. The outputs are those that Run computes of the reals that the
// codes stand for.
//
// Errors: an input that is not of uint8 codes, and those of Run. Codes outside the range of a type of fewer than 8 bits
// are taken for the nearest one in it.
func (p *Program) RunUint8(ctx context.Context, outputs [][]float32, inputs [][]uint8) error {
	if err := p.made(); err != nil {
		return err
	}
	for _, io := range p.inputs {
		if io.Quant == nil || !io.Quant.Type.Unsigned {
			return fmt.Errorf("input %q is not of uint8 codes: use Run, or make it of pixels with vision.PixelInput", io.Name)
		}
	}
	lengths := make([]int, len(inputs))
	for i, codes := range inputs {
		lengths[i] = len(codes)
	}
	batch, err := p.batchOf(lengths)
	if err != nil {
		return err
	}
	q := *p
	q.raw = inputs
	return q.run(ctx, batch, outputs, nil)
}

// bindRaw points the state at the codes of example i.
func (p *Program) bindRaw(s *state, i int) {
	if s.raw == nil {
		s.raw = make([][]uint8, len(p.inputs))
	}
	for k, io := range p.inputs {
		s.raw[k] = p.raw[k][i*io.elements:][:io.elements:io.elements]
	}
}

// given takes units lo ≤ u < hi of an input of codes from the caller, if RunUint8 was called, and reports whether it was.
func (k *quantizeStep) given(s *state, lo, hi int) bool {
	if k.from.input < 0 || len(s.raw) == 0 || s.raw[k.from.input] == nil {
		return false
	}
	src, dst := s.raw[k.from.input], s.codesOf(k.to)
	_, most := k.to.quant.Type.Range()
	limit := func(codes []byte) {
		for i, u := range codes {
			codes[i] = min(u, byte(most))
		}
	}
	if k.from.order == k.to.order {
		copy(dst[lo:hi], src[lo:hi])
		if most < 255 {
			limit(dst[lo:hi])
		}
		return true
	}
	channels, plane := k.to.order.channels, k.to.order.plane
	pixel := max(channels, k.to.wide)
	if channels == 3 {
		k.givenColours(dst[pixel*lo:pixel*hi], src[lo:][:hi-lo], src[plane+lo:][:hi-lo], src[2*plane+lo:][:hi-lo], pixel)
	} else {
		for c := range channels {
			at := lo*pixel + c
			for _, u := range src[c*plane+lo : c*plane+hi] {
				dst[at] = u
				at += pixel
			}
		}
	}
	if most < 255 {
		limit(dst[pixel*lo : pixel*hi])
	}
	return true
}

// givenColours makes pixels of red, green and blue.
func (k *quantizeStep) givenColours(dst, red, green, blue []byte, pixel int) {
	green, blue = green[:len(red)], blue[:len(red)]
	if pixel == 4 {
		for i, r := range red {
			if len(dst) < 4 {
				return // never: it saves the checks
			}
			binary.LittleEndian.PutUint32(dst, uint32(r)|uint32(green[i])<<8|uint32(blue[i])<<16)
			dst = dst[4:]
		}
		return
	}
	for i, r := range red {
		if len(dst) < pixel || len(dst) < 3 {
			return
		}
		dst[0], dst[1], dst[2] = r, green[i], blue[i]
		dst = dst[pixel:]
	}
}
