package dataset

import (
	"context"
	"os"
)

// Fit returns a set with the examples of s, a folder of images of any sizes, each made to fit as cfg says. ok is false
// for a set of another kind, whose images are all of one size; it is then s itself. Closing the result closes s.
func Fit(s Set, cfg ImageConfig) (fitted Set, ok bool) {
	switch s := s.(type) {
	case *images:
		if cfg.Height < 1 || cfg.Width < 1 {
			return s, false
		}
		f := &fit{*s, cfg}
		f.shape = cfg.Shape()
		return f, true
	case first:
		inner, ok := Fit(s.Set, cfg)
		return first{inner, s.n}, ok
	}
	return s, false
}

// fit is a folder whose images are made to fit.
type fit struct {
	images
	cfg ImageConfig
}

func (s *fit) Read(ctx context.Context, i int, dst []float32) (int, error) {
	return s.read(ctx, i, dst, func(f *os.File) error {
		pixels, err := ReadImage(ctx, f, s.cfg)
		widen(dst, pixels)
		return err
	})
}
