package figure

import "gonum.org/v1/plot/font"

// fonts are the faces of the theme.
type fonts struct{ title, head, number, label, tick font.Face }

func loadFonts() (f fonts, err error) {
	for _, one := range []struct {
		face *font.Face
		size font.Length
	}{{&f.title, titleSize}, {&f.head, headSize}, {&f.number, numberSize}, {&f.label, labelSize}, {&f.tick, tickSize}} {
		if *one.face, err = face(one.size); err != nil {
			return f, err
		}
	}
	return f, nil
}
