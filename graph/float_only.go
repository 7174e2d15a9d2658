package graph

// FloatOnly reports whether the node has no form on codes: it computes with reals, between a DequantizeLinear and a
// QuantizeLinear where the network around it is quantized. A Resize has one where it only copies.
func FloatOnly(n *Node) bool {
	switch n.Op {
	case BatchNormalization, Softmax, LogSoftmax,
		LayerNormalization, RMSNormalization, InstanceNormalization, GroupNormalization, Where:
		return true
	case Resize:
		return !ResizesByCopy(n)
	}
	_, reduces := Reduction(n.Op)
	return reduces
}
