package builtin

// The numbers of this file are the recipe of the data: they were set by eye and by what a small network makes of the
// result, so that it errs on about one picture in fifteen. Changing one changes every picture, and the network in this
// package was trained on these.

// draw makes the picture of a character. It depends on r and label alone.
func draw(r *random, label int) *canvas {
	c := new(canvas)
	ground := drawGround(r, c)
	ink := inkOn(r, ground)

	drawClutter(r, c, ground)
	if r.percent(60) {
		drawNeighbour(r, c, ink)
	}
	glyph := place(r, label, r.between(-4*unit, 4*unit), r.between(-3*unit, 3*unit))
	if r.percent(30) {
		shadow := transform{xx: one, yy: one, x0: int64(r.between(-unit, 2*unit)), y0: int64(r.between(unit/2, 2*unit))}
		fill(c, shadow.apply(glyph), hsv(0, 0, r.between(0, 60)), int32(r.between(60, 150)))
	}
	fill(c, glyph, ink, int32(r.between(210, 256)))
	for range r.below(3) {
		drawBar(r, c, anyColor(r), int32(r.between(110, 240)), r.between(unit/2, 7*unit/2))
	}
	for range r.below(3) {
		c.blur()
	}
	c.noise(r, int32(r.between(0, 16*22)), int32(r.between(0, 16*24)))
	return c
}

// fill paints the inside of an outline.
func fill(c *canvas, o outline, with color, opacity int32) {
	var m mask
	m.fill(o)
	c.paint(&m, with, opacity)
}

func anyColor(r *random) color {
	return hsv(r.below(6*256), r.between(0, 230), r.between(20, 255))
}

// drawGround fills the picture with a soft gradient around one colour and returns that.
func drawGround(r *random, c *canvas) color {
	hue, saturation, value := r.below(6*256), r.between(20, 210), r.between(30, 240)
	var corners [4]color
	for i := range corners {
		h, s, v := hue+6*256+r.between(-110, 110), saturation+r.between(-50, 50), value+r.between(-45, 45)
		corners[i] = hsv(h, clamp(s), clamp(v))
	}
	c.gradient(corners)
	return hsv(hue, saturation, value)
}

func clamp(v int) int { return min(max(v, 0), 255) }

// inkOn returns a colour that can be told from the ground by its brightness, in some pictures just so.
func inkOn(r *random, ground color) color {
	contrast := r.between(18, 95)
	for {
		ink := anyColor(r)
		if d := ink.luma() - ground.luma(); d >= contrast || -d >= contrast {
			return ink
		}
	}
}

// place returns the outline of a character in one of the fonts, turned, slanted and scaled, its middle at dx, dy from
// that of the picture.
func place(r *random, label, dx, dy int) outline {
	glyph := glyphs()[r.below(len(fonts))][label]
	// A digit is about 0.72 em high: the em that makes it 15 to 25 pixels.
	em := int64(r.between(17*unit, 34*unit))
	width := int64(r.between(78, 118))
	scale := transform{xx: em * one / glyphUnit * width / 100, yy: em * one / glyphUnit}
	slant := transform{xx: one, xy: int64(r.between(-one/5, one/5)), yy: one}
	turn := rotation(r.between(-260, 260)) // 28 degrees
	turn.x0, turn.y0 = int64(size*unit/2+dx), int64(size*unit/2+dy)
	return turn.after(slant.after(scale)).apply(glyph)
}

// drawNeighbour draws a part of another character at the left or right border, as a house number's next digit.
func drawNeighbour(r *random, c *canvas, ink color) {
	x := r.sign() * r.between(17*unit, 21*unit)
	fill(c, place(r, r.below(len(characters)), x, r.between(-4*unit, 4*unit)), ink, int32(r.between(180, 256)))
}

// drawClutter puts a few faint shapes behind the character.
func drawClutter(r *random, c *canvas, ground color) {
	for range r.below(4) {
		with := anyColor(r)
		for ch := range with { // nearer to the ground, so that the character stands out
			with[ch] = (with[ch] + ground[ch]) / 2
		}
		opacity := int32(r.between(80, 220))
		if r.percent(50) {
			drawBar(r, c, with, opacity, r.between(unit, 6*unit))
		} else {
			drawDisc(r, c, with, opacity)
		}
	}
}

// drawBar draws a straight bar of some width from border to border.
func drawBar(r *random, c *canvas, with color, opacity int32, width int) {
	const far = size * unit
	bar := outline{{{-far, -width / 2}, {far, -width / 2}, {far, width / 2}, {-far, width / 2}}}
	turn := rotation(r.sign() * r.below(1024)) // any direction
	turn.x0, turn.y0 = int64(r.below(far)), int64(r.below(far))
	fill(c, turn.apply(bar), with, opacity)
}

// drawDisc draws a round shape, or what a polygon of few corners leaves of it.
func drawDisc(r *random, c *canvas, with color, opacity int32) {
	radius, corners := r.between(2*unit, 9*unit), r.between(3, 12)
	x, y := r.below(size*unit), r.below(size*unit)
	disc := make([]point, 0, corners)
	// Equal steps of tan(θ/2) from -1 to 1 are half of the circle; the other half is opposite.
	for i := range corners {
		t := rotation((2*i - corners) * 1024 / corners)
		disc = append(disc, point{x + int(t.xx*int64(radius)/one), y + int(t.yx*int64(radius)/one)})
	}
	for i := range corners {
		p := disc[i]
		disc = append(disc, point{2*x - p.x, 2*y - p.y})
	}
	fill(c, outline{disc}, with, opacity)
}
