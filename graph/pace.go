package graph

import (
	"context"

	"linquant/internal/ended"
)

// pace lets a long loop end with its context, which it looks at once in about so many elements.
type pace struct {
	ctx  context.Context
	left int
}

const paceElements = 1 << 18

// pace returns the pace of a computation.
func (c call) pace() *pace { return &pace{ctx: c.ctx} }

// done counts elements that were computed, or products that were summed, and returns the context's error where it is done.
func (p *pace) done(elements int) error {
	if p.left -= elements; p.left > 0 {
		return nil
	}
	p.left = paceElements
	return ended.Err(p.ctx)
}
