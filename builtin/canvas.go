package builtin

// color is red, green and blue, each from 0 to 255·depth.
type color [3]int32

// depth is how many steps of a canvas make one of a pixel. Blending and blurring round to it, and only the finished
// picture to pixels.
const depth = 16

// hsv returns the colour of a hue (in sixths of the circle of 256 steps), a saturation and a value, both 0…255.
func hsv(hue, saturation, value int) color {
	hue %= 6 * 256
	rise := hue % 256
	low := value * (255 - saturation) * depth / 255
	up := low + (value*depth-low)*rise/256
	down := low + (value*depth-low)*(256-rise)/256
	high := value * depth
	var c [3]int
	switch hue / 256 {
	case 0:
		c = [3]int{high, up, low}
	case 1:
		c = [3]int{down, high, low}
	case 2:
		c = [3]int{low, high, up}
	case 3:
		c = [3]int{low, down, high}
	case 4:
		c = [3]int{up, low, high}
	default:
		c = [3]int{high, low, down}
	}
	return color{int32(c[0]), int32(c[1]), int32(c[2])}
}

// luma is the brightness of c, 0…255, with the weights of ITU-R BT.601.
func (c color) luma() int {
	return int(299*c[0]+587*c[1]+114*c[2]) / (1000 * depth)
}

// canvas is a picture in the making: the planes of red, green and blue.
type canvas [3][size * size]int32

// gradient fills the canvas with what lies between the colours of its corners: top left, top right, bottom left,
// bottom right.
func (c *canvas) gradient(corners [4]color) {
	const last = size - 1
	for ch := range c {
		for y := range int32(size) {
			for x := range int32(size) {
				top := corners[0][ch]*(last-x) + corners[1][ch]*x
				bottom := corners[2][ch]*(last-x) + corners[3][ch]*x
				c[ch][y*size+x] = (top*(last-y) + bottom*y) / (last * last)
			}
		}
	}
}

// paint lays a colour over the pixels of m, with an opacity of 0…256.
func (c *canvas) paint(m *mask, with color, opacity int32) {
	for ch := range c {
		plane := &c[ch]
		for i, coverage := range m {
			if coverage != 0 {
				alpha := coverage * opacity / 256
				plane[i] += (with[ch] - plane[i]) * alpha / opaque
			}
		}
	}
}

// blur smooths the picture once with [1 2 1]/4 in both directions. Pixels at the border stand in for those beyond.
func (c *canvas) blur() {
	var rows [size * size]int32
	for ch := range c {
		plane := &c[ch]
		for y := range size {
			for x := range size {
				row := plane[y*size:][:size]
				rows[y*size+x] = (row[max(x-1, 0)] + 2*row[x] + row[min(x+1, size-1)]) / 4
			}
		}
		for y := range size {
			for x := range size {
				plane[y*size+x] = (rows[max(y-1, 0)*size+x] + 2*rows[y*size+x] + rows[min(y+1, size-1)*size+x]) / 4
			}
		}
	}
}

// noise adds bell-shaped noise, of each pixel's brightness and of each colour alone. Amplitudes are standard deviations
// in sixteenths of a pixel's step, about.
func (c *canvas) noise(r *random, brightness, chroma int32) {
	for i := range size * size {
		shared := bell(r.next()) * brightness
		bits := r.next()
		for ch := range c {
			c[ch][i] += (shared + bell(bits>>(16*ch))*chroma) * depth / (16 * bellDeviation)
		}
	}
}

// bellDeviation is the standard deviation of bell: that of a sum of four numbers 0…15, √(4·(16²−1)/12).
const bellDeviation = 9

// bell turns 16 random bits into a number from -30 to 30 that is nearly normally distributed, as a sum is.
func bell(bits uint64) int32 {
	return int32(bits&15+bits>>4&15+bits>>8&15+bits>>12&15) - 30
}
