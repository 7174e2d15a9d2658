package graph

import (
	"linquant/internal/integer"
	"linquant/quant"
)

// ClampBounds returns the codes that a Relu or Clip node clamps to where its input and output both have the parameters
// p (one scale): RNE(bound/scale) + zero point, within the range of the type. A layer before it may use them as the
// bounds of its own output instead.
func ClampBounds(n *Node, p quant.Params) (lo, hi int32) {
	if n.Op == Relu {
		_, hi = p.Type.Range()
		return integer.Code(0, &p), hi
	}
	return integer.Code(n.Float("min"), &p), integer.Code(n.Float("max"), &p)
}
