package graph

import (
	"context"
	"math"
)

// Moments are the mean and the standard deviation of each channel of a value.
type Moments struct{ Mean, Std []float64 }

// BatchMoments returns what the batch normalizations of a network that is not folded yet say of what they compute, without an
// example: with the statistics that they were trained with, channels of the mean β and the standard deviation |γ|·√(σ²/(σ²+ε)). The
// names are those of the values in the folded network; one that Fold has no longer is not of use. A network without batch
// normalizations of constants, such as one that was exported folded, has none. Errors are those of Fold.
func BatchMoments(ctx context.Context, g *Graph) (map[string]Moments, error) {
	if err := checkStructure(g); err != nil {
		return nil, err
	}
	f := newFolding(ctx, g)
	moments := map[string]Moments{}
	_, err := g.after(
		ctx, (*Graph).inferShapes, (*Graph).removeIdentities, f.constants, sure((*Graph).Recognize), (*Graph).canonicalGemm,
		func(g *Graph) error {
			for _, n := range g.Nodes {
				if n.Op != BatchNormalization || len(n.Inputs) != 5 {
					continue
				}
				m, ok, err := normOf(site{g, n})
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				variance, _ := floats(g.Values[n.Inputs[4]])
				std := make([]float64, len(m.factor))
				for c, f := range m.factor {
					std[c] = math.Abs(f) * math.Sqrt(max(float64(variance[c]), 0))
				}
				moments[n.Outputs[0]] = Moments{m.shift, std}
			}
			return nil
		},
	)
	return moments, err
}
