package graph

// Shrink brings each element nearer to 0 by the attribute bias, and those not further from it than lambd to 0.
const Shrink Op = "Shrink"

func shrink(n *Node) func(float32) float32 {
	bias, lambd := n.Float("bias"), n.Float("lambd")
	return func(x float32) float32 {
		switch {
		case x < -lambd:
			return x + bias
		case x > lambd:
			return x - bias
		}
		return 0 // of a NaN too
	}
}
